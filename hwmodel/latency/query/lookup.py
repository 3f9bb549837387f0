"""A form made ready for many networks: the tables its kernels want, and the calls."""

from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.query import kernels
from hwmodel.latency.query.form import Form
from hwmodel.latency.query.groups import terms_of

MOST_TABULATED = 1 << 16  # networks of a space that are computed once and then only looked up
BLOCK = 256  # networks side by side: their sums and places stay in the nearest cache
_ALIGNED = 16  # float32s of the widest vector


class Lookup:
    """Means and intervals of networks, one thread, nothing allocated but what is returned.

    Args:
        form: what is asked.
        tabulate: whether a space of up to MOST_TABULATED networks may be computed whole beforehand.
    """

    def __init__(self, form: Form, *, tabulate: bool = True) -> None:
        self.form = form
        self._counts = form.space.counts.astype(np.uint8)
        self._terms = terms_of(form) if len(form.pairs) else None
        rank = -(-form.base.size // _ALIGNED) * _ALIGNED
        self._base = np.zeros(rank, np.float32)
        self._base[: form.base.size] = form.base
        self._factor = np.zeros((*form.table.shape, rank), np.float32)
        self._factor[:, :, : form.base.size] = form.factor
        self._whole: tuple[np.ndarray, np.ndarray] | None = None
        worth = len(form.pairs) or form.base.size  # otherwise a sum over layers is as quick
        if form.whole.size:
            self._whole = form.whole[0], form.whole[1]
        elif tabulate and worth and form.space.size <= MOST_TABULATED:
            codes = form.space.all_codes().view(np.uint8)
            whole = np.empty((2, len(codes)))
            self._sums(codes, whole[0])
            self._variances(codes, whole[1])
            self._whole = whole[0], whole[1]

    def mean(self, codes: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Return networks' means in the form's unit.

        Args:
            codes: shape (N, L), any whole numbers; int8 and uint8 are not copied.
            out: float64, shape (N,), to write into.

        Raises:
            InputError: for codes that are none of the space.
        """
        ready = self._ready(codes)
        out = self._room(out, len(ready))
        self._sums(ready, out)
        if self.form.link == "log":
            kernels.exponential(out)
        return out

    def interval(self, codes: np.ndarray, level: float, out: np.ndarray | None = None) -> np.ndarray:
        """Return networks' means and the lower and upper ends of their intervals, shape (3, N).

        Args:
            codes: as for `mean`.
            level: one of the form's.
            out: float64, shape (3, N), C-contiguous, to write into.

        Raises:
            InputError: for codes that are none of the space, and a level that the form has not.
        """
        low, high = self.form.reach(level)
        ready = self._ready(codes)
        out = self._room(out, 3, len(ready))
        self._sums(ready, out[0])
        self._variances(ready, out[1])
        if self.form.link == "log":
            kernels.log_interval(low, high, *out)
        else:
            kernels.identity_interval(self.form.relative, low, high, *out)
        return out

    def _ready(self, codes: np.ndarray) -> np.ndarray:
        bytes_ = isinstance(codes, np.ndarray) and codes.dtype in (np.int8, np.uint8) and codes.ndim == 2
        if bytes_ and codes.flags.c_contiguous and codes.shape[1] == len(self._counts):
            ready = codes.view(np.uint8)
            if kernels.outside(ready, self._counts) < 0:
                return ready
        return self.form.space.codes(codes).view(np.uint8)

    def _room(self, out: np.ndarray | None, *shape: int) -> np.ndarray:
        if out is None:
            return np.empty(shape)
        if out.shape != shape or out.dtype != np.float64 or not out.flags.c_contiguous or not out.flags.writeable:
            raise InputError(f"out: no writable, contiguous float64 array of shape {shape}")
        return out

    def _sums(self, codes: np.ndarray, out: np.ndarray) -> None:
        """Write m of each network."""
        if self._whole is not None:
            np.take(self._whole[0], self._numbers(codes), out=out, mode="clip")
        elif self._terms is None:
            kernels.sum_layers(codes, self.form.offset, self.form.table, out)
        else:
            terms: Any = self._terms
            block = min(BLOCK, -(-max(len(codes), 1) // _ALIGNED) * _ALIGNED)
            work = (np.zeros((codes.shape[1], block), np.int32), np.zeros((len(terms.one_at), block), np.int32))
            kernels.sum_terms(
                codes, self.form.offset, terms.starts, terms.counts, terms.ones, terms.one_at, terms.twos,
                terms.groups, terms.layers, terms.two_at, *work, np.empty(block), out,
            )  # fmt: skip

    def _variances(self, codes: np.ndarray, out: np.ndarray) -> None:
        """Write v of each network."""
        if self._whole is not None:
            np.take(self._whole[1], self._numbers(codes), out=out, mode="clip")
        else:
            kernels.variance(codes, self.form.noise, self._base, self._factor, np.empty_like(self._base), out)

    def _numbers(self, codes: np.ndarray) -> np.ndarray:
        return np.asarray(np.ravel_multi_index(tuple(codes.T), self.form.space.counts.tolist()))
