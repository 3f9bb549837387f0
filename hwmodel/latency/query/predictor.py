"""One way to ask any predictor: `load(device).predict(networks)`."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.query.container import Container, read_container
from hwmodel.latency.query.form import Form, form_of
from hwmodel.latency.query.lookup import Lookup
from hwmodel.latency.spaces import Space, decode, encode, pattern

SUFFIX = ".safetensors"
DEVICES = Path(__file__).parents[1] / "devices"  # predictors that come with the package
# Kind in a predictor's file -> module:function(container, where) that makes a Predictor of it.
KINDS = {
    "layers": "hwmodel.latency.layers.predictor:layers_predictor",
    "listed": "hwmodel.latency.query.listed:listed_predictor",
    "space": "hwmodel.latency.query.predictor:space_predictor",
}
LEVEL = 0.9


@dataclass(frozen=True)
class Prediction:
    """What networks take, each array of shape (N,), in the unit that `quantity` ends in.

    `low` and `high` hold the interval of `level`; they and it are None where the predictor has no intervals.
    `unseen` has for each network the classes of its layers that nothing measured had, where layers are what is known.
    """

    quantity: str
    level: float | None
    mean: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    unseen: Sequence[Sequence[str]] = ()


class Predictor(Protocol):
    """What a kind of predictor offers."""

    kind: str
    device: str
    quantity: str
    levels: Sequence[float]

    def predict(self, networks: Any, level: float | None = None) -> Prediction:
        """Return what networks take; the interval is of 0.9, or the level that is nearest, where None is asked for.

        Raises:
            InputError: for networks that are none of its space, and a level that it has no interval of.
        """
        ...

    def about(self) -> dict[str, Any]:
        """Return what it predicts, for whom, and from what it was made, as JSON may hold it."""
        ...

    def schemas(self) -> list[dict[str, Any]]:
        """Return the JSON schemas of one network, one a way of writing it; the networks of a call share one."""
        ...

    def example(self) -> Any:
        """Return a network, as JSON may hold it."""
        ...


def level_asked(levels: Sequence[float], level: float | None) -> float | None:
    """Return the level of the intervals to give: the one asked for, else the nearest to 0.9, or None of no levels."""
    return min(levels, key=lambda known: abs(known - LEVEL), default=None) if level is None else level


class SpacePredictor:
    """A predictor over a search space."""

    kind = "space"

    def __init__(self, form: Form) -> None:
        self.form, self.space, self.device, self.quantity = form, form.space, form.device, form.quantity
        self.levels = form.levels
        self._lookup = Lookup(form)

    def predict(self, networks: Any, level: float | None = None) -> Prediction:
        """Return what networks take: codes of shape (N, L) or (L,), a text, or a list of either; see Predictor."""
        codes = codes_of(self.space, networks)
        asked = level_asked(self.levels, level)
        if asked is None:
            return Prediction(self.quantity, None, self._lookup.mean(codes))
        return Prediction(self.quantity, asked, *self._lookup.interval(codes, asked))

    def about(self) -> dict[str, Any]:
        """Return what it predicts, for whom, and from what it was made."""
        form = self.form
        return {
            "device": self.device, "kind": self.kind, "quantity": self.quantity, "levels": self.levels,
            "space": self.space.name, "layers": len(self.space.layers), "choices": self.space.counts.tolist(),
            "conditions": dict(form.conditions), "provenance": dict(form.provenance),
        }  # fmt: skip

    def schemas(self) -> list[dict[str, Any]]:
        """Return the JSON schemas of one network: a list of numbers, or a text."""
        numbers = [{"type": "integer", "minimum": 0, "maximum": int(count) - 1} for count in self.space.counts]
        length = {"minItems": len(numbers), "maxItems": len(numbers)}
        written = pattern(self.space)
        texts = [{"type": "string", "pattern": written}] if written else []
        return [{"type": "array", "prefixItems": numbers, **length}, *texts]

    def example(self) -> Any:
        """Return the network of each layer's first choice, as it is written."""
        first = np.zeros((1, len(self.space.layers)), np.int8)
        return encode(self.space, first)[0] if self.space.text else first[0].tolist()


def codes_of(space: Space, networks: Any) -> np.ndarray:
    """Return networks, given as codes or as text, as codes of shape (N, L); raises InputError for what is neither."""
    if isinstance(networks, str):
        return decode(space, [networks])
    if isinstance(networks, (list, tuple)) and networks and isinstance(networks[0], str):
        return decode(space, networks)
    if isinstance(networks, np.ndarray) and networks.dtype in (np.int8, np.uint8) and networks.ndim == 2:
        return networks  # which the look-up checks itself
    return space.codes(networks, "networks")


def space_predictor(container: Container, where: str) -> SpacePredictor:
    """Return the predictor of a file of kind `space`; raises InputError naming `where`."""
    return SpacePredictor(form_of(container, where))


def known_devices() -> list[str]:
    """Return the names of the devices whose predictors come with the package."""
    return sorted(path.stem for path in DEVICES.glob(f"*{SUFFIX}"))


def load(device: str | Path) -> Predictor:
    """Return the predictor of a device that comes with the package, or of a file.

    Raises:
        InputError: for a name that is neither, and for files that hold no predictor.
    """
    if str(device) in known_devices():
        path = DEVICES / f"{device}{SUFFIX}"
    else:
        path = Path(device)
        if path.suffix != SUFFIX:
            known = ", ".join(known_devices()) or "none"
            raise InputError(f"device {str(device)!r}: unknown; known are {known}, or give a file *{SUFFIX}")
    container = read_container(path)
    if container.kind not in KINDS:
        raise InputError(f"{path}: a predictor of kind {container.kind[:40]!r}; known are {', '.join(KINDS)}")
    module, _, function = KINDS[container.kind].partition(":")
    return getattr(import_module(module), function)(container, str(path))
