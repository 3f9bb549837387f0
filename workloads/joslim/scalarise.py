"""One number of loss and cost, and the trade-off at which its best is of a wanted cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Bound = Literal["optimistic", "pessimistic"]
AUGMENTED = 1e-6  # how much the smaller term counts, so that what is only weakly better is not taken


def confidence(mean: np.ndarray, deviation: np.ndarray, beta: float, bound: Bound) -> np.ndarray:
    """Return what is minimised of an uncertain value.

    Args:
        mean: of the posterior.
        deviation: of it.
        beta: the bound is so many variances away: sqrt(beta) deviations.
        bound: `optimistic`, the lower one, which seeks what is uncertain (the paper's equation); `pessimistic`, the
            upper one, which shuns it (what the authors' program minimises).
    """
    step = np.sqrt(beta) * deviation
    return mean - step if bound == "optimistic" else mean + step


def scalarise(loss: np.ndarray, cost: np.ndarray, weight: float, base: float) -> np.ndarray:
    """Return the augmented Tchebyshev scalarisation, to be maximised.

    Args:
        loss: bounds of standardised values.
        cost: likewise.
        weight: of the cost, 0 to 1.
        base: the ideal point's two values, below all that occur.
    """
    first, second = (1 - weight) * (loss - base), weight * (cost - base)
    return -(np.maximum(first, second) + AUGMENTED * (first + second))


@dataclass(frozen=True)
class Chosen:
    """What a bisection ended at.

    Attributes:
        place: among the candidates. cost: of it. weight: at which it is the best.
        cheaper, dearer: the last candidates that were met on either side of the target; the chosen one where none was.
        steps: how many it took.
    """

    place: int
    cost: float
    weight: float
    cheaper: int
    dearer: int
    steps: int


def bisect(
    loss: np.ndarray,
    cost: np.ndarray,
    true_cost: Callable[[int], float],
    target: float,
    *,
    base: float,
    tolerance: float,
    steps: int = 10,
) -> Chosen:
    """Return the best candidate at the weight for which its cost is near a target.

    The more weight the cost has, the cheaper is the best candidate, so the weight is bisected. Candidates are finite:
    where none lies within the tolerance, the nearest that was met is returned.

    Args:
        loss: bounds of standardised values, one a candidate.
        cost: likewise.
        true_cost: of a candidate by its place, in the target's unit.
        target: the wanted cost.
        base: as for `scalarise`.
        tolerance: how far off is near enough, as a share of the target.
        steps: at most.
    """
    low, high, done = 0.0, 1.0, 0
    met: list[tuple[float, int, float]] = []  # distance to the target, place, weight
    cheaper = dearer = None
    while done < steps and not (met and min(met)[0] <= tolerance * target):
        weight, done = (low + high) / 2, done + 1
        place = int(np.argmax(scalarise(loss, cost, weight, base)))
        found = true_cost(place)
        met.append((abs(found - target), place, weight))
        if found > target:
            low, dearer = weight, place
        else:
            high, cheaper = weight, place
    _, place, weight = min(met)
    return Chosen(place, true_cost(place), weight, place if cheaper is None else cheaper,
                  place if dearer is None else dearer, done)  # fmt: skip
