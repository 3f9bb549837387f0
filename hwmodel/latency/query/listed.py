"""A predictor of listed networks: a mean and a deviation each, found by their text or by their code.

For spaces that are small enough to be listed whole, and for tables whose networks are known by name only.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.query.container import Container, write_container
from hwmodel.latency.query.form import Numbers
from hwmodel.latency.query.predictor import LEVEL, Prediction

KIND = "listed"
MOST_NETWORKS = 1 << 20


class ListedPredictor:
    """Of networks by their names; means (N,) and deviations (N,) are of the logarithm."""

    kind = KIND

    def __init__(self, numbers: Numbers, names: Sequence[str], logarithm: np.ndarray, deviation: np.ndarray) -> None:
        if not len(names) == len(logarithm) == len(deviation) or not len(names) or len(names) > MOST_NETWORKS:
            raise InputError(f"a list of networks holds 1 to {MOST_NETWORKS}, each with a mean and a deviation")
        if (deviation < 0).any():
            raise InputError("a deviation is negative")
        self.numbers, self.names, self.device = numbers, list(names), numbers.device
        self.quantity = numbers.quantity
        self._logarithm, self._deviation = logarithm, deviation
        self._places = {compact(name): place for place, name in enumerate(names)}
        self._reach = {level: (low, high) for level, low, high in numbers.quantiles}
        self.levels = sorted(self._reach)

    def predict(self, networks: Any, level: float | None = None) -> Prediction:
        """Return what networks take, given as a text, a list of numbers, or a list of either."""
        rows = self._rows(networks)
        mean = np.exp(self._logarithm[rows])
        if not self.levels:
            return Prediction(self.quantity, None, mean)
        asked = min(self.levels, key=lambda known: abs(known - LEVEL)) if level is None else level
        if asked not in self._reach:
            raise InputError(f"level {asked}: no interval of it; there are {', '.join(map(str, self.levels))}")
        low, high = self._reach[asked]
        spread = self._deviation[rows]
        return Prediction(self.quantity, asked, mean, mean * np.exp(-low * spread), mean * np.exp(high * spread))

    def _rows(self, networks: Any) -> np.ndarray:
        if isinstance(networks, str) or (len(networks) and not isinstance(networks[0], (str, list, tuple, np.ndarray))):
            networks = [networks]
        found = []
        for network in networks:
            text = network if isinstance(network, str) else json.dumps(np.asarray(network).tolist())
            place = self._places.get(compact(text))
            if place is None:
                raise InputError(f"network {text[:60]!r}: none of the {len(self.names)} that {self.device} knows")
            found.append(place)
        return np.array(found, int)

    def about(self) -> dict[str, Any]:
        """Return what it predicts, for whom, and from what it was made."""
        numbers = self.numbers
        return {
            "device": self.device, "kind": self.kind, "quantity": self.quantity, "levels": self.levels,
            "networks": len(self.names), "conditions": numbers.conditions, "provenance": numbers.provenance,
        }  # fmt: skip

    def schemas(self) -> list[dict[str, Any]]:
        """Return the JSON schema of one network: its text, as the table has it."""
        return [{"type": "string", "minLength": 1, "maxLength": 4096}]

    def example(self) -> Any:
        """Return a network, as it is written."""
        return self.names[0]


def compact(text: str) -> str:
    """A text without blanks, so that lists are found however they are spaced."""
    return "".join(text.split())


def write_listed(path: Path, numbers: Numbers, names: Sequence[str], logarithm: np.ndarray,
                 deviation: np.ndarray) -> None:  # fmt: skip
    """Write a predictor's file; raises InputError where it cannot be written."""
    ListedPredictor(numbers, names, logarithm, deviation)
    text = np.frombuffer("\n".join(names).encode(), np.uint8)
    arrays = {"names": text, "logarithm": np.asarray(logarithm, float), "deviation": np.asarray(deviation, float)}
    write_container(path, Container(KIND, numbers.model_dump(), arrays))


def listed_predictor(container: Container, where: str) -> ListedPredictor:
    """Return the predictor of a file of kind `listed`; raises InputError naming `where`."""
    from pydantic import ValidationError

    try:
        numbers = Numbers.model_validate(dict(container.about))
        names = bytes(container.arrays["names"].astype(np.uint8)).decode().split("\n")
        logarithm, deviation = container.arrays["logarithm"], container.arrays["deviation"]
        return ListedPredictor(numbers, names, np.atleast_1d(logarithm), np.atleast_1d(deviation))
    except (ValidationError, KeyError, UnicodeDecodeError, InputError) as error:
        raise InputError(f"{where}: not a list of networks, or damaged: {str(error).splitlines()[0][:120]}") from None
