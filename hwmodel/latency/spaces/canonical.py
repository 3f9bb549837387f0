"""Networks that compute the same, as one: edges of a cell that nothing passes are taken away."""

import numpy as np

from hwmodel.latency.spaces.space import Space


def canonical_codes(space: Space, codes: np.ndarray) -> np.ndarray:
    """Return codes without dead branches; those of spaces without a cell as they are.

    An edge is alive where its own choice is not the absent one, some path of such edges leads from node 0 to its
    start, and another from its end to the last node. All other edges take the absent choice: their operations would
    work on zeros, or for nobody. Nothing else is merged: cells that differ in the order of two branches stay two.

    Args:
        space: the space.
        codes: networks, shape (N, L).

    Raises:
        InputError: for codes that are none of the space.
    """
    checked = space.codes(codes)
    if space.cell is None:
        return checked
    edges = list(enumerate(space.cell.edges))
    absent = np.array([layer.choices.index(space.cell.absent) for layer in space.layers], np.int8)
    there = checked != absent
    nodes = 1 + max(end for _, (_, end) in edges)
    fed = np.zeros((len(checked), nodes), bool)
    used = np.zeros((len(checked), nodes), bool)
    fed[:, 0] = used[:, -1] = True
    for layer, (start, end) in sorted(edges, key=lambda edge: edge[1][0]):  # all that ends at a node comes before
        fed[:, end] |= there[:, layer] & fed[:, start]
    for layer, (start, end) in sorted(edges, key=lambda edge: -edge[1][1]):
        used[:, start] |= there[:, layer] & used[:, end]
    starts, ends = (np.array(side) for side in zip(*space.cell.edges, strict=True))
    return np.where(there & fed[:, starts] & used[:, ends], checked, absent)
