"""A predictor of listed networks: a mean and a deviation each, found by their text or by their code.

For spaces that are small enough to be listed whole, and for tables whose networks are known by name only.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.query.container import Container, write_container
from hwmodel.latency.query.form import Numbers, levels_of, reach
from hwmodel.latency.query.predictor import Prediction, level_asked

KIND = "listed"
MOST_NETWORKS = 1 << 20
MOST_CHARACTERS = 16384  # of one network's text
# A list of whole numbers, however it is written.
NUMBERS = re.compile(r"\s*[\[(]?\s*[0-9]{1,6}(?:(?:\s*[,;]\s*|\s+)[0-9]{1,6})*\s*[\])]?\s*")


class ListedPredictor:
    """Of networks by their names; means (N,) and deviations (N,) are of the logarithm."""

    kind = KIND

    def __init__(self, numbers: Numbers, names: Sequence[str], logarithm: np.ndarray, deviation: np.ndarray) -> None:
        if not len(names) == len(logarithm) == len(deviation) or not len(names) or len(names) > MOST_NETWORKS:
            raise InputError(f"a list of networks holds 1 to {MOST_NETWORKS}, each with a mean and a deviation")
        if logarithm.ndim != 1 or deviation.ndim != 1 or not (np.isfinite(logarithm) & (deviation >= 0)).all():
            raise InputError("a mean is no finite number, or a deviation is negative")
        if numbers.link != "log" or numbers.offset or numbers.noise or numbers.relative:
            raise InputError("a list of networks has the link log, and no offset, noise or relative")
        self.levels = levels_of(numbers.quantiles)
        self.numbers, self.names, self.device = numbers, list(names), numbers.device
        self.quantity = numbers.quantity
        self._logarithm, self._deviation = logarithm, deviation
        self._places = {compact(name): place for place, name in enumerate(names)}

    def predict(self, networks: Any, level: float | None = None) -> Prediction:
        """Return what networks take, given as a text, a list of numbers, or a list of either; see Predictor."""
        rows = self._rows(networks)
        logarithm, spread = self._logarithm[rows], self._deviation[rows]
        with np.errstate(over="ignore", under="ignore"):  # what is more than a float holds is infinite
            mean = np.exp(logarithm)
            asked = level_asked(self.levels, level)
            if asked is None:
                return Prediction(self.quantity, None, mean)
            low, high = reach(self.numbers.quantiles, asked, self.device)
            ends = np.exp(logarithm - low * spread), np.exp(logarithm + high * spread)
        return Prediction(self.quantity, asked, mean, *ends)

    def _rows(self, networks: Any) -> np.ndarray:
        if isinstance(networks, str):
            networks = [networks]
        if not isinstance(networks, (list, tuple)) and not (isinstance(networks, np.ndarray) and networks.ndim):
            raise InputError("networks: give a text, a list of numbers, or a list of either")
        if len(networks) == 0:
            raise InputError("networks: none; give at least one")
        if not isinstance(networks[0], (str, list, tuple, np.ndarray)):
            networks = [networks]
        return np.array([self._row(network) for network in networks])

    def _row(self, network: Any) -> int:
        try:
            text = network if isinstance(network, str) else json.dumps(np.asarray(network).tolist())
        except (TypeError, ValueError):
            text = ""
        place = self._places.get(compact(text)) if len(text) <= MOST_CHARACTERS else None
        if place is None:
            shown = text[:60] or str(network)[:60]
            raise InputError(f"network {shown!r}: none of the {len(self.names)} that {self.device} knows")
        return place

    def about(self) -> dict[str, Any]:
        """Return what it predicts, for whom, and from what it was made."""
        numbers = self.numbers
        return {
            "device": self.device, "kind": self.kind, "quantity": self.quantity, "levels": self.levels,
            "networks": len(self.names), "conditions": numbers.conditions, "provenance": numbers.provenance,
        }  # fmt: skip

    def schemas(self) -> list[dict[str, Any]]:
        """Return the JSON schemas of one network: a text, or a list of numbers where one is listed so."""
        text = {"type": "string", "maxLength": MOST_CHARACTERS}
        numbers = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 256}
        return [text, numbers] if any(NUMBERS.fullmatch(name) for name in self.names) else [text]

    def example(self) -> Any:
        """Return a network, as it is written."""
        return self.names[0]


def compact(text: str) -> str:
    """A text as it is looked up: without blanks, and lists of numbers as JSON has them."""
    if NUMBERS.fullmatch(text):
        return f"[{','.join(re.findall('[0-9]+', text))}]"
    return "".join(text.split())


def write_listed(path: Path, numbers: Numbers, names: Sequence[str], logarithm: np.ndarray,
                 deviation: np.ndarray) -> None:  # fmt: skip
    """Write a predictor's file; raises InputError where it cannot be written."""
    ListedPredictor(numbers, names, np.asarray(logarithm), np.asarray(deviation))
    broken = next((name for name in names if "\n" in name or not compact(name)), None)
    if broken is not None:
        raise InputError(f"{path}: network {broken[:60]!r}: give names that are one line each, and not empty")
    try:
        text = np.frombuffer("\n".join(names).encode(), np.uint8)
    except UnicodeEncodeError:
        raise InputError(f"{path}: a network's name is no Unicode text") from None
    arrays = {"names": text, "logarithm": np.asarray(logarithm, float), "deviation": np.asarray(deviation, float)}
    write_container(path, Container(KIND, numbers.said(), arrays))


def listed_predictor(container: Container, where: str) -> ListedPredictor:
    """Return the predictor of a file of kind `listed`; raises InputError naming `where`."""
    from pydantic import ValidationError

    try:
        numbers = Numbers.model_validate(dict(container.about))
        text, logarithm, deviation = (container.arrays[name] for name in ("names", "logarithm", "deviation"))
        if text.dtype != np.uint8 or {logarithm.dtype, deviation.dtype} != {np.dtype(float)}:
            raise InputError("arrays of other types than it has")
        return ListedPredictor(numbers, bytes(text).decode().split("\n"), logarithm, deviation)
    except (ValidationError, KeyError, UnicodeDecodeError, InputError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:120]
        raise InputError(f"{where}: not a list of networks, or damaged: {reason}") from None
