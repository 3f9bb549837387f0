"""What no other beats, and how much of the possible that is. All values are such that less is better."""

from typing import Any

import numpy as np

_AT_ONCE = 1 << 22  # comparisons held in memory


def front(values: np.ndarray) -> np.ndarray:
    """Return which rows no other row beats: is as good in every column and better in one. Equal rows stay together.

    Args:
        values: shape (designs, objectives).
    """
    distinct, places = np.unique(values, axis=0, return_inverse=True)  # sorted: none is beaten by a later one
    kept = np.ones(len(distinct), bool)
    step = max(1, _AT_ONCE // max(1, len(distinct)))
    for begin in range(0, len(distinct), step):
        part = distinct[begin : begin + step]
        others = distinct[: begin + len(part)]
        no_worse = np.ones((len(part), len(others)), bool)
        for column in range(values.shape[1]):
            no_worse &= others[None, :, column] <= part[:, None, column]
        kept[begin : begin + step] = no_worse.sum(axis=1) == 1  # itself alone
    return kept[places.ravel()]


def hypervolume(values: np.ndarray, reference: np.ndarray) -> float:
    """Return the volume between a reference and what the rows reach beyond it, in the objectives' units.

    E. Zitzler, L. Thiele, Multiobjective optimization using evolutionary algorithms - a comparative case study, PPSN
    1998; computed by moocore, through pymoo.

    Args:
        values: shape (designs, objectives).
        reference: shape (objectives,); rows that are not better in all of them add nothing.
    """
    from pymoo.indicators.hv import HV

    better = values[(values < reference).all(axis=1)]
    measure: Any = HV(ref_point=np.asarray(reference, dtype=float))
    return float(measure.do(better)) if len(better) else 0.0


def share(values: np.ndarray, best: np.ndarray, worst: np.ndarray) -> float:
    """Return the hypervolume as a share of the box from `best` to `worst`; columns that do not differ are left out."""
    differs = worst > best
    if not differs.any():
        return 1.0
    scaled = (values[:, differs] - best[differs]) / (worst - best)[differs]
    return hypervolume(scaled, np.ones(scaled.shape[1]))
