"""What a fit to blocks leaves behind: blocks predicted from other blocks, networks from all blocks."""

from collections.abc import Sequence

import numpy as np

from hwmodel.latency.graph.features import features
from hwmodel.latency.graph.graph import Graph
from hwmodel.latency.layers.model import LayerModel, folds
from hwmodel.latency.query.evidence import Evidence, LeftOut, line, short, thinned

FLOOR = "a straight line in MACs"
Measured = tuple[Sequence[str], Sequence[str], Sequence[Graph], np.ndarray]  # names, families, graphs, times


def of_blocks(model: LayerModel, told: tuple[np.ndarray, np.ndarray], blocks: Measured, networks: Measured) -> Evidence:
    """Of a model that was fitted on `blocks`, of which it told so when it had not seen them (`model.crossed`), and
    `networks` of the same session, on which it was not fitted.
    """
    names, families, graphs, times = blocks
    mean, deviation = told
    macs = macs_of(graphs)
    floor = line(macs, times, folds(len(times)))
    known = _rows(names, families, times, mean, deviation, floor)
    names, families, graphs, own = networks
    if not len(own):
        return Evidence(left_out=known, floor=FLOOR, reach="left out")
    mean, deviation = model.predict(graphs)
    # The line of all blocks, whose groups are one and the networks' another.
    both = np.concatenate([macs, macs_of(graphs)]), np.concatenate([times, own])
    floor = line(*both, np.repeat([0, 1], [len(times), len(own)]))[len(times) :]
    tested = _rows(names, families, own, mean, deviation, floor)
    return Evidence(left_out=known, networks=tested, floor=FLOOR, reach="left out")


def macs_of(graphs: Sequence[Graph]) -> np.ndarray:
    """Multiply-accumulates of each graph (G,)."""
    return np.array([float(features(graph)["macs"].to_numpy(float).sum()) for graph in graphs])


def _rows(
    names: Sequence[str], families: Sequence[str], times: np.ndarray, mean: np.ndarray, deviation: np.ndarray,
    floor: Sequence[float | None],
) -> list[LeftOut]:  # fmt: skip
    return thinned([
        LeftOut(name=short(name), group=short(family), measured=float(own), mean=float(at), deviation=float(spread),
                floor=simple)
        for name, family, own, at, spread, simple in zip(names, families, times, mean, deviation, floor, strict=True)
    ])  # fmt: skip
