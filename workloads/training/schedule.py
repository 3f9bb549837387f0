"""How long and how fast to train."""

import dataclasses
import math
from typing import Any

from circuits.errors import InputError
from workloads.images.augment import KINDS

DECAYS = ("cosine", "linear", "constant", "steps")


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Stochastic gradient descent with momentum, and the course of its learning rate.

    Attributes:
        epochs: passes over the training images; a fraction is a part of a pass.
        batch: images an iteration; images that fill no batch wait for another epoch, with its own order.
        lr: the highest learning rate.
        momentum, weight_decay, nesterov: as torch.optim.SGD has them.
        label_smoothing: of cross-entropy, 0 to 1.
        warmup_epochs: in which the rate rises, linearly, iteration by iteration.
        decay: then: `cosine` or `linear` to 0, `constant`, or `steps`.
        milestones, factor: with `steps`: shares of the training after each of which the rate is multiplied.
        augment: `none`, `shift`, `shift+flip`; None: as the images say.
    """

    epochs: float
    batch: int = 64
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    warmup_epochs: float = 0.0
    decay: str = "cosine"
    nesterov: bool = False
    milestones: tuple[float, ...] = ()
    factor: float = 0.1
    augment: str | None = None

    def __post_init__(self) -> None:
        """Check.

        Raises:
            InputError: a value outside its range.
        """
        whole = not isinstance(self.batch, bool) and isinstance(self.batch, int)
        for ok, name, right in (
            (whole and self.batch >= 1, "batch", "a whole number of at least 1"),
            (0 <= self.epochs < math.inf, "epochs", "a number of at least 0"),
            (0 < self.lr < math.inf, "lr", "a number above 0"),
            (0 <= self.momentum < 1, "momentum", "a number from 0, below 1"),
            (0 <= self.weight_decay < math.inf, "weight_decay", "a number of at least 0"),
            (0 <= self.label_smoothing < 1, "label_smoothing", "a number from 0, below 1"),
            (0 <= self.warmup_epochs < math.inf, "warmup_epochs", "a number of at least 0"),
            (self.decay in DECAYS, "decay", f"one of {', '.join(DECAYS)}"),
            (bool(self.milestones) == (self.decay == "steps"), "milestones", "shares of the training with decay steps"),
            (all(0 < one < 1 for one in self.milestones), "milestones", "shares between 0 and 1"),
            (0 < self.factor <= 1, "factor", "a number above 0, at most 1"),
            (not self.nesterov or self.momentum > 0, "nesterov", "a momentum above 0 with it"),
            (self.augment in (None, *KINDS), "augment", f"one of {', '.join(KINDS)}"),
        ):
            if not ok:
                raise InputError(f"schedule: {name} {getattr(self, name)!r}: give {right}")

    def per_epoch(self, images: int) -> int:
        """Return the iterations of an epoch over so many images: whole batches, at least one."""
        return max(1, images // self.batch)

    def iterations(self, images: int) -> int:
        """Return the iterations of the whole training over so many images."""
        return round(self.epochs * self.per_epoch(images))

    def rate(self, iteration: int, images: int) -> float:
        """Return the share of `lr` that an iteration (from 0) learns by."""
        total, warm = self.iterations(images), round(self.warmup_epochs * self.per_epoch(images))
        if iteration < warm:
            return (iteration + 1) / warm
        done = (iteration - warm) / max(1, total - warm)
        if self.decay == "cosine":
            return 0.5 * (1 + math.cos(math.pi * done))
        if self.decay == "linear":
            return 1 - done
        return self.factor ** sum(iteration >= share * total for share in self.milestones)

    def document(self) -> dict[str, Any]:
        """Return what JSON can say of it."""
        return dataclasses.asdict(self) | {"milestones": list(self.milestones)}
