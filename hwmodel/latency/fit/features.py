"""What is known of a network without running it, in the groups in which it may matter."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np

CHOICES, COUNTS = "choices", "counts"  # groups: each layer's choice, one-hot, and how often each is made
LITTLE = 0.01  # of a mean quantity: below it, differences no longer matter
ROWS_A_COLUMN = 3  # networks that a source needs for each column of its description
PAIRED_LAYERS = 8  # spaces of few layers are cells, whose choices act on each other


@dataclass(frozen=True)
class Features:
    """Groups of features of N networks, each (N, d): those that add up to a time, those whose products of two matter,
    those by which a whole time is scaled, and places between which times change smoothly.
    """

    additive: Mapping[str, np.ndarray] = field(default_factory=dict)
    relative: Mapping[str, np.ndarray] = field(default_factory=dict)
    pairs: Mapping[str, np.ndarray] = field(default_factory=dict)
    smooth: Mapping[str, np.ndarray] = field(default_factory=dict)

    def rows(self, kept: np.ndarray) -> "Features":
        """Of the networks at `kept` (n,) alone."""
        groups = {part.name: getattr(self, part.name) for part in fields(self)}
        return Features(**{part: {name: values[kept] for name, values in of.items()} for part, of in groups.items()})


def one_hot(codes: np.ndarray, choices: int) -> np.ndarray:
    """(N, L) choices -> (N, L choices)."""
    return (codes[:, :, None] == np.arange(choices)).astype(float).reshape(len(codes), -1)


def of_codes(codes: np.ndarray, canonical: np.ndarray | None = None, choices: int | None = None) -> Features:
    """Of networks given by a choice for each layer (N, L), of `choices` or as many as they have; `canonical`, where a
    cell's dead branches are taken out, stands beside them, since some runtimes run dead branches and others do not.
    """
    choices = choices or int(codes.max()) + 1
    layers = codes.shape[1]
    additive, kinds = {}, {"": codes} if canonical is None else {"": codes, "live ": canonical}
    for kind, given in kinds.items():
        counts = np.stack([(given == choice).sum(axis=1) for choice in range(choices)], axis=1)
        additive[kind + COUNTS] = counts / layers
        additive[kind + CHOICES] = one_hot(given, choices) / np.sqrt(layers)
    relative = {}
    if canonical is not None:
        # A cell that leads nowhere is compiled away by some runtimes, and costs a thousandth there.
        empty = (canonical == canonical.min(initial=0)).all(axis=1)
        relative["empty"] = empty[:, None].astype(float)
    # Hamming distance is half of that between one-hot vectors; a layer or two apart is near.
    near = one_hot(codes if canonical is None else canonical, choices)
    return Features(additive, relative, {"pairs": additive[CHOICES]}, {"smooth": near / np.sqrt(2)})


def of_quantities(quantities: np.ndarray) -> Features:
    """Of networks of which only quantities (N, d) are known, not negative and not all zero, such as MACs and bytes."""
    logs = np.log(quantities / quantities.mean(axis=0) + LITTLE)
    spread = logs.std(axis=0)
    places = (logs - logs.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return Features({"quantities": quantities / quantities.mean(axis=0)}, smooth={"smooth": places})


def basis(codes: np.ndarray, canonical: np.ndarray | None = None, choices: int | None = None) -> np.ndarray:
    """Columns whose weighted sum describes a device on a space's networks: choices, and pairs of them in a cell."""
    choices = choices or int(codes.max()) + 1
    kinds = [kind.astype(np.int64) for kind in (codes, canonical) if kind is not None]
    columns = [np.ones((len(codes), 1)), *(one_hot(kind, choices) for kind in kinds)]
    if codes.shape[1] <= PAIRED_LAYERS:
        for kind in kinds:
            columns += [
                one_hot((kind[:, i] * choices + kind[:, j])[:, None], choices**2)
                for i in range(kind.shape[1])
                for j in range(i)
            ]
    return np.hstack(columns)


def worthwhile(codes: np.ndarray, canonical: np.ndarray | None = None) -> bool:
    """Whether there are networks enough to tell the weights of their `basis`."""
    choices, layers = int(codes.max()) + 1, codes.shape[1]
    pairs = layers * (layers - 1) // 2 if layers <= PAIRED_LAYERS else 0
    columns = 1 + (1 if canonical is None else 2) * (layers * choices + pairs * choices**2)
    return len(codes) >= ROWS_A_COLUMN * columns
