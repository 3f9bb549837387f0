"""Published tables of layers' or blocks' times as predictors: sums, with intervals where the table has spreads."""

import json
import math
import statistics
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from circuits.yaml_file import MAX_BYTES, read_yaml
from hwmodel.latency.query.form import Form, Quantity
from hwmodel.latency.spaces import Space

UNITS: dict[str, tuple[Quantity, float]] = {
    "s": ("latency_s", 1.0), "ms": ("latency_s", 1e-3), "us": ("latency_s", 1e-6), "ns": ("latency_s", 1e-9),
    "J": ("energy_J", 1.0), "mJ": ("energy_J", 1e-3), "uJ": ("energy_J", 1e-6),
}  # fmt: skip
SKIP = "skip"  # costs nothing where a table does not say otherwise
LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95, 0.99)


def read_table(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON or YAML file.

    Raises:
        InputError: for a file that cannot be read, or holds no mapping.
    """
    if path.suffix != ".json":
        return read_yaml(path)
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if len(text) > MAX_BYTES:
        raise InputError(f"{path}: larger than {MAX_BYTES >> 20} MiB; not a table of layers")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds no mapping of layers to their choices")
    return found


def from_table(
    space: Space, table: Mapping[str, Any], unit: str, device: str, *, rest: float = 0.0,
    left_out: tuple[str, ...] = (), where: str = "table", provenance: Mapping[str, Any] | None = None,
) -> Form:  # fmt: skip
    """Return a sum over layers, whose table maps layers to choices to what these take.

    Layers and choices are named, or numbered as the space has them. What a choice takes is a number, or a mapping with
    `mean` and `std` or `var`, as of runs that were measured; a network's variance is then the sum of its layers'. A
    choice `skip` that a table lacks costs nothing.

    Args:
        space: whose layers the table has.
        table: as from `read_table`.
        unit: of all numbers, one of UNITS; `var` is in its square.
        device: what was measured.
        rest: what all networks take besides, in the unit.
        left_out: layers of the table that are no layers of the space, because the rest has them.
        where: the table's name in errors.
        provenance: kept in the form.

    Raises:
        InputError: for layers and choices that one of the two lacks, and numbers that are none.
    """
    quantity, scale = unit_of(unit)
    if unknown := set(left_out) - set(table):
        raise InputError(f"{where}: has no layer {min(unknown)!r} that could be left out")
    if more := set(table) - set(left_out) - {layer.name for layer in space.layers}:
        raise InputError(f"{where}: layer {min(more)!r} is none of {space.name}; leave it out if the rest holds it")
    means = np.zeros((len(space.layers), space.choices))
    deviations = np.zeros_like(means)
    for place, layer in enumerate(space.layers):
        row = table.get(layer.name)
        if not isinstance(row, dict):
            raise InputError(f"{where}: lacks layer {layer.name!r} of {space.name}")
        for number, choice in enumerate(layer.choices):
            entry = row.get(choice, row.get(str(number), 0.0 if choice == SKIP else None))
            name = f"{where}: layer {layer.name!r}, choice {choice!r}"
            means[place, number], deviations[place, number] = _entry(entry, name)
        known = {*layer.choices, *map(str, range(len(layer.choices)))}
        if extra := {str(key) for key in row} - known:
            raise InputError(f"{where}: layer {layer.name!r} of {space.name} has no choice {min(extra)!r}")
    return _form(space, device, quantity, scale, _number(rest, "rest"), means, deviations, provenance)


def from_blocks(
    space: Space, blocks: Mapping[str, Any], layout: Mapping[str, Any], unit: str, device: str, *,
    where: str = "blocks", provenance: Mapping[str, Any] | None = None,
) -> Form:  # fmt: skip
    """Return a sum over blocks, whose table maps blocks' keys to what these take, as `from_table` has it.

    Args:
        space: whose choices are blocks.
        blocks: as from `read_table`.
        layout: `constant`, the keys of blocks that all networks have, and `layers`, which maps layers to choices to
            keys; null is nothing, as a skipped block.
        unit: as for `from_table`.
        device: what was measured.
        where: the table's name in errors.
        provenance: kept in the form.

    Raises:
        InputError: for a key that the blocks lack, and a layout that does not fit the space.
    """
    constant, layers = layout.get("constant", []), layout.get("layers", {})
    if not isinstance(constant, list) or not isinstance(layers, dict) or set(layout) - {"constant", "layers"}:
        raise InputError(f"{where}: a layout has `constant`, a list of blocks, and `layers`, a mapping")

    def entry(key: Any) -> Any:
        if key is not None and (not isinstance(key, str) or key not in blocks):
            raise InputError(f"{where}: has no block {str(key)[:120]!r}")
        return 0.0 if key is None else blocks[key]

    table = {
        str(layer): {str(choice): entry(key) for choice, key in row.items()} if isinstance(row, dict) else row
        for layer, row in layers.items()
    }
    form = from_table(space, table, unit, device, where=where, provenance=provenance)
    rest = [_entry(entry(key), f"{where}: {key}") for key in constant]
    scale = UNITS[unit][1]
    offset = form.offset + scale * sum(mean for mean, _ in rest)
    noise = form.noise + scale**2 * sum(deviation**2 for _, deviation in rest)
    return replace(form, offset=offset, noise=noise, quantiles=_normal() if noise else form.quantiles)


def _form(
    space: Space, device: str, quantity: Quantity, scale: float, rest: float, means: np.ndarray,
    deviations: np.ndarray, provenance: Mapping[str, Any] | None,
) -> Form:  # fmt: skip
    """Return the sum; a layer's deviations are a dimension of their own, so that their squares add."""
    rank = len(means) if deviations.any() else 0
    factor = np.zeros((*means.shape, rank))
    for layer in range(rank):
        factor[layer, :, layer] = deviations[layer]
    return Form(
        space, device, quantity, "identity", means * scale, offset=rest * scale, base=np.zeros(rank),
        factor=factor * scale, quantiles=_normal() if rank else (), provenance=dict(provenance or {}),
    )  # fmt: skip


def _normal() -> tuple[tuple[float, float, float], ...]:
    """Return a normal distribution's two-sided intervals."""
    reach = {level: statistics.NormalDist().inv_cdf(0.5 + level / 2) for level in LEVELS}
    return tuple((level, reach[level], reach[level]) for level in LEVELS)


def unit_of(unit: str) -> tuple[Quantity, float]:
    if unit not in UNITS:
        raise InputError(f"unit {unit!r}: unknown; give one of {', '.join(UNITS)}")
    return UNITS[unit]


def _entry(entry: Any, where: str) -> tuple[float, float]:
    """Return an entry's mean and standard deviation."""
    if not isinstance(entry, dict):
        return _number(entry, where), 0.0
    if "mean" not in entry or set(entry) - {"mean", "std", "var", "count"} or {"std", "var"} <= set(entry):
        raise InputError(f"{where}: give a number, or mean with std or var, and perhaps count")
    spread = _number(entry.get("std", entry.get("var", 0.0)), where)
    return _number(entry["mean"], where), spread if "std" in entry else math.sqrt(spread)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise InputError(f"{where}: {str(value)[:60]!r} is no number from 0")
    return float(value)
