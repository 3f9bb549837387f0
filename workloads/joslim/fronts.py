"""The networks that a training yields: chosen on validation images, judged on test images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwmodel.studies.pareto import front
from workloads.channels import Slim
from workloads.images import ImageSet, Split
from workloads.joslim.cost import Cost
from workloads.joslim.searchers import Seen
from workloads.training import Evaluation, evaluate, recalibrate

CALIBRATION = 4  # batches of 128 training images, from which a width's batch statistics are taken


@dataclass(frozen=True)
class Network:
    """A network of a front.

    Attributes:
        row: its widths. cost: as a share of the full network's.
        loss: on validation images, nats. error: on test images, 0 to 1.
    """

    row: np.ndarray
    cost: float
    loss: float
    error: float


def measured(slim: Slim, row: np.ndarray, cost: Cost, images: ImageSet, split: Split) -> Evaluation:
    """Return how a width does on images, with batch statistics of its own."""
    module = slim.extract(cost.space.widths(row))
    recalibrate(module, images.train, CALIBRATION)
    return evaluate(module, split)


def likely(seen: Seen, count: int) -> np.ndarray:
    """Return the rows of at most so many networks, whole fronts of what was seen first, then the best of the next."""
    left, taken = np.arange(len(seen.rows)), []
    values = np.stack([seen.costs, seen.losses], axis=1)
    while len(left) and len(taken) < count:
        best = left[front(values[left])]
        taken += best[np.argsort(seen.losses[best], kind="stable")].tolist()
        left = np.setdiff1d(left, best)
    return seen.rows[taken[:count]]


def losses_of(slim: Slim, rows: Sequence[np.ndarray], cost: Cost, images: ImageSet) -> np.ndarray:
    """Return the validation loss of each row of widths, nats; infinite where it is no number."""
    found = [measured(slim, row, cost, images, images.validation).loss for row in rows]
    return np.nan_to_num(found, nan=np.inf)


def front_of(slim: Slim, rows: Sequence[np.ndarray], losses: np.ndarray, cost: Cost, images: ImageSet) -> list[Network]:
    """Return the networks that are better on validation images than all that cost no more, by rising cost."""
    costs = np.array([cost.share(row) for row in rows])
    found: list[Network] = []
    for place in np.lexsort((losses, costs)):
        if not found or losses[place] < found[-1].loss:
            error = 1 - measured(slim, rows[place], cost, images, images.test).accuracy
            found.append(Network(rows[place], float(costs[place]), float(losses[place]), error))
    return found


def hypervolume(costs: Sequence[float], errors: Sequence[float], worst: float) -> float:
    """Return the area between a staircase and its reference, which is the full network's cost and the error `worst`.

    The staircase is the error of the network that is chosen at each cost: the last that costs no more. Where errors
    fall with costs, as those that the choice went by do, that is the front's hypervolume; where on other images they
    do not, this counts what was chosen, and not what would have been.

    Args:
        costs: of the chosen networks, rising, as shares of the full network's.
        errors: of these.
        worst: of the reference; what is worse adds nothing.
    """
    ends = [*costs[1:], 1.0]
    return float(sum((end - cost) * max(0.0, worst - error)
                     for cost, end, error in zip(costs, ends, errors, strict=True)))  # fmt: skip


def accuracy_at(front: Sequence[Network], share: float) -> float | None:
    """Return the test accuracy of the network chosen at a share of the full cost; None where none is so cheap."""
    affordable = [one for one in front if one.cost <= share]
    return 1 - affordable[-1].error if affordable else None
