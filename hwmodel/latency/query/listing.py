"""Which predictors there are: those that come with the package, and those in a folder, a row each."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from circuits.errors import InputError
from hwmodel.latency.query.predictor import DEVICES, SUFFIX, known_devices, load

MOST_WORDS = 80  # characters of conditions
MOST_FILES = 1000  # of a folder


def devices_in(folder: Path | None) -> list[dict[str, Any]]:
    """Return a row a predictor: those that come along, then those of a folder. A file that cannot be read has a row
    that says why.

    Raises:
        InputError: for a folder that there is not, or that holds no such files.
    """
    files = [DEVICES / f"{name}{SUFFIX}" for name in known_devices()]
    if folder is not None:
        if not folder.is_dir():
            reason = "not a folder" if folder.exists() else "no such folder"
            raise InputError(f"{folder}: {reason}; give one that holds *{SUFFIX}")
        try:
            found = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
        except OSError as error:
            raise InputError(f"{folder}: {error.strerror}") from None
        if not found or len(found) > MOST_FILES:
            raise InputError(f"{folder}: holds {len(found)} files *{SUFFIX}; give a folder with 1 to {MOST_FILES}")
        files += found
    return [_row(path) for path in files]


def _row(path: Path) -> dict[str, Any]:
    own = path.stem if path.parent == DEVICES else str(path)  # as --device takes it
    try:
        predictor: Any = load(path)
    except InputError as error:
        return {"device": own, "problem": str(error).removeprefix(f"{path}: ")}
    said = predictor.form if predictor.kind == "space" else predictor.numbers
    given, conditions = said.provenance, said.conditions
    measured = given.get("blocks", given.get("samples"))
    error = given.get("left_out_median_error")
    if error is None and said.evidence is not None and said.evidence.left_out:
        error = median(abs(one.mean / one.measured - 1) for one in said.evidence.left_out)
    runtime = " ".join(str(conditions[name]) for name in ("runtime", "runtime_version") if conditions.get(name))
    return {
        "device": own, "name": predictor.device, "runtime": runtime or None, "kind": predictor.kind,
        "conditions": words(conditions) or None,
        "measurements": measured if isinstance(measured, int) else None,
        "left_out_median_error": error if isinstance(error, float) else None,
        "energy": predictor.quantity == "energy_J",
    }  # fmt: skip


def words(conditions: Mapping[str, Any]) -> str:
    """Return conditions in a few words: the processor, threads, governor, and whatever else was said of them."""
    parts = []
    machine, threads, states = (conditions.get(name) for name in ("machine", "threads", "states"))
    if isinstance(machine, Mapping) and machine.get("processor"):
        parts.append(str(machine["processor"]))
    if isinstance(threads, int):
        parts.append(f"{threads} thread{'s' * (threads != 1)}")
    if isinstance(states, list) and states and isinstance(states[0], Mapping) and states[0].get("governor"):
        parts.append(f"governor {states[0]['governor']}")
    if not parts:  # those of --conditions, in a person's own words
        parts = [f"{name} {value}" for name, value in conditions.items() if isinstance(value, (str, int, float))]
    text = " ".join(", ".join(parts).split())
    return text if len(text) <= MOST_WORDS else f"{text[: MOST_WORDS - 1]}…"
