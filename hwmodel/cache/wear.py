"""How unevenly the slots of an array are written, and how long that lasts.

A slot (the line of a set's way) is written when sectors are filled into it and when an access writes it: a read miss is
one write of it, a write miss that fetches two. Where in the line is not told apart.
"""

import numpy as np


def figures(counts: np.ndarray) -> dict[str, float]:
    """Return what wear a replay came to.

    Args:
        counts: writes of each slot, shape (sets, ways).

    Returns:
        array_writes (of all slots), most_written (of one slot), mean_written, and wear_ratio, the most over the mean: 1
        for perfect levelling, 0 where nothing was written.
    """
    total, most = int(counts.sum()), int(counts.max())
    mean = total / counts.size
    ratio = most / mean if total else 0.0
    return {"array_writes": total, "most_written": most, "mean_written": mean, "wear_ratio": ratio}


def lifetime_s(most_written: float, duration_s: float, endurance: float) -> float:
    """Return the seconds until a cell wears out, the replayed stream over and over; infinite where none is written.

    Args:
        most_written: writes of the slot in one replay: `most_written` for today's wear, `mean_written` for what perfect
            levelling would make of it.
        duration_s: how long the stream takes.
        endurance: writes a cell bears.
    """
    return endurance * duration_s / most_written if most_written else float("inf")
