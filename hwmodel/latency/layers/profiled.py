"""A predictor of layers from a profile's folder (docs/latency-profile.md)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from circuits.errors import InputError
from hwmodel.latency.fit.calibrate import LEVELS
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.described import of_description
from hwmodel.latency.graph.graph import Graph
from hwmodel.latency.layers.evidence import Measured, of_blocks
from hwmodel.latency.layers.model import crossed, fit
from hwmodel.latency.layers.predictor import write_layers
from hwmodel.latency.query.form import Numbers, Quantity

if TYPE_CHECKING:
    import pandas as pd

TABLE, DEVICE = "measurements.parquet", "device.yaml"
# Which column is learned: processor time, which other work on the machine disturbs less, or the wall's clock.
COLUMNS = {"latency": "cpu_corrected_s", "wall": "wall_corrected_s", "energy": "energy_J"}
FEWEST = 12  # blocks
SEVERAL = 6  # layers of a block that is like a network


def read_profile(folder: Path) -> "tuple[pd.DataFrame, dict[str, Any]]":
    """Rows of a profile and its conditions.

    Raises:
        InputError: where the folder holds no finished profile.
    """
    import pandas as pd
    import yaml

    try:
        table = pd.read_parquet(folder / TABLE)
        with (folder / DEVICE).open(encoding="utf-8") as file:
            conditions = yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{folder}: no finished profile ({TABLE} and {DEVICE}): {reason}") from None
    lacking = {"name", "family", "role", "graph", *COLUMNS.values()} - set(table.columns)
    if lacking or not isinstance(conditions, dict):
        raise InputError(
            f"{folder}: not a profile of hwmodel: {TABLE} lacks {', '.join(sorted(lacking)) or 'conditions'}"
        )
    for name in COLUMNS.values():
        try:
            table[name] = table[name].astype(float)
        except (TypeError, ValueError):
            raise InputError(f"{folder}: {TABLE}: {name} holds what is no number") from None
    return table, conditions


def fit_profile(folder: Path, output: Path, device: str, quantity: str = "latency") -> dict[str, Any]:
    """Fit on a profile's blocks, write the predictor, and return what it says of itself.

    Raises:
        InputError: where there are too few blocks, no such quantity was measured, or the file cannot be written.
    """
    table, conditions = read_profile(folder)
    column = COLUMNS[quantity]
    blocks: Any = table[(table["role"] == "block") & np.isfinite(table[column]) & (table[column] > 0)]
    if len(blocks) < FEWEST:
        energy = conditions.get("energy")
        reason = energy.get("reason") if quantity == "energy" and isinstance(energy, dict) else None
        raise InputError(
            f"{folder}: {len(blocks)} blocks with {column}, needs {FEWEST}{f': {reason}' if reason else ''}"
        )
    measured = _measured(folder, blocks, column)
    _, _, graphs, times = measured
    try:
        model = fit(graphs, times)
        told = crossed(model, graphs, times)
    except (ValueError, np.linalg.LinAlgError) as error:
        raise InputError(f"{folder}: {error}") from None
    distances = np.log(times / told[0]) / told[1]
    reaches = np.maximum.accumulate([reach(distances, graphs, level) for level in LEVELS])
    kind: Quantity = "energy_J" if quantity == "energy" else "latency_s"
    basis = "calibrated"
    if quantity == "energy":
        basis = f"calibrated on energy {blocks['energy_basis'].iloc[0]}"
    errors = np.abs(told[0] / times - 1)
    networks: Any = table[(table["role"] == "network") & np.isfinite(table[column]) & (table[column] > 0)]
    found = of_blocks(model, told, measured, _measured(folder, networks, column))
    try:
        numbers = Numbers(
            device=device, quantity=kind, link="log", conditions=conditions,
            quantiles=[[level, float(by), float(by)] for level, by in zip(LEVELS, reaches, strict=True)],
            provenance={"profile": folder.name, "column": column, "blocks": len(blocks), "basis": basis,
                        "left_out_median_error": float(np.median(errors))},
            evidence=found,
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{folder}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    write_layers(output, numbers, model)
    return {
        "device": device, "quantity": kind, "kind": "layers", "blocks": len(blocks), "column": column,
        "left_out_median_error": float(np.median(errors)), "reach_90": float(reaches[LEVELS.index(0.9)]),
        "file": str(output),
    }  # fmt: skip


def _measured(folder: Path, rows: Any, column: str) -> Measured:
    graphs = [graph_of(folder, name, text) for name, text in zip(rows["name"], rows["graph"], strict=True)]
    return rows["name"].tolist(), rows["family"].astype(str).tolist(), graphs, rows[column].to_numpy(float)


def graph_of(folder: Path, name: str, text: str) -> Graph:
    """Return a row's canonical graph; raises InputError, naming the row, where it holds none."""
    try:
        return canonical(of_description(json.loads(text)))
    except (TypeError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{folder}: {TABLE}: {str(name)[:60]!r}: its graph is none: {reason}") from None


def reach(distances: np.ndarray, graphs: Sequence[Graph], level: float) -> float:
    """Deviations to each side that hold `level` of blocks, each predicted from others alone (`model.crossed`).

    Of blocks of several layers, as networks are, where there are enough: what a lone layer takes is less certain than
    what many take together.
    """
    several = np.array([len(graph.nodes) >= SEVERAL for graph in graphs])
    return float(np.quantile(np.abs(distances[several] if several.sum() >= FEWEST else distances), level))
