"""Points that none beats in two figures, both the less the better, and the part of the plane that they rule."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def front(points: "np.ndarray") -> "np.ndarray":
    """Return the indices of the points (n, 2) that no other beats or equals before them, by their first figure."""
    import numpy as np

    order = np.lexsort((np.arange(len(points)), points[:, 1], points[:, 0]))
    seconds = points[order, 1]
    best = np.minimum.accumulate(np.concatenate(([np.inf], seconds[:-1])))
    return order[seconds < best]


def hypervolume(points: "np.ndarray", reference: tuple[float, float]) -> float:
    """Return the area between the front of `points` (n, 2) and a reference that points should be below in both."""
    import numpy as np

    inside = points[(points < np.asarray(reference)).all(axis=1)]
    if not len(inside):
        return 0.0
    xs, ys = inside[front(inside)].T
    widths = np.diff(np.append(xs, reference[0]))
    return float((widths * (reference[1] - ys)).sum())


def progress(points: "np.ndarray") -> "np.ndarray":
    """Return for each k the share of the box about all points that the first k rule: from the worst corner inwards.

    The box has the least and the greatest of each figure for its sides; one of no width counts as ruled.
    """
    import numpy as np

    low, high = points.min(axis=0), points.max(axis=0)
    side = np.where(high > low, high - low, 1.0)
    scaled = (points - low) / side
    shares, kept = [], np.empty((0, 2))
    for point in scaled:
        kept = np.vstack([kept, point])
        kept = kept[front(kept)]
        shares.append(hypervolume(kept, (1.0, 1.0)))
    return np.array(shares)
