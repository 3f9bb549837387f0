"""MorphNet: channels whose scale a penalty on FLOPs brings to nothing are dropped, then all widths grow alike.

A. Gordon, E. Eban, O. Nachum, B. Chen, H. Wu, T.-J. Yang, E. Choi. MorphNet: Fast & Simple Resource-Constrained
Structure Learning of Deep Networks. CVPR 2018. arXiv:1711.06798.
"""

import torch
from torch.nn import functional

from workloads.channels import Channels
from workloads.images import ImageSet
from workloads.training import Schedule, train
from workloads.width_transfer.cost import macs, penalty
from workloads.width_transfer.extrapolate import match
from workloads.width_transfer.scales import Scales
from workloads.width_transfer.search import Make, Meter, Outcome, begin, check

STRENGTH = 4.0  # nats that the penalty adds when training starts
THRESHOLD = 0.01  # of a scale, below which its channel is dropped


class Shrink:
    """A training step with the penalty; drops channels as epochs end.

    Args:
        scales: of the module that is trained.
        per_epoch: iterations.
        strength: nats of the penalty while all scales are 1 and all channels alive. Its weight in the loss follows, so
            that a network and a cheaper one feel the same pressure.
        threshold: of a scale, below which its channel is dropped.
    """

    def __init__(self, scales: Scales, per_epoch: int, strength: float, threshold: float) -> None:
        self.scales, self.per_epoch, self.threshold = scales, per_epoch, threshold
        sizes = scales.channels.sizes
        self.masks = {number: torch.ones(sizes[number]) for number in scales.units}
        whole = penalty(scales.channels, self.masks, self.alive())
        self.weight = strength / float(whole)
        self.curve: list[dict[str, float]] = []

    def alive(self) -> dict[int, int]:
        return {number: int(mask.sum()) for number, mask in self.masks.items()}

    def penalty(self) -> torch.Tensor:
        """Return the regulariser of the channels that are alive, in FLOPs."""
        sizes = {number: one * self.masks[number] for number, one in self.scales.weights().items()}
        return penalty(self.scales.channels, sizes, self.alive())

    def drop(self) -> None:
        """Drop what has come below the threshold; the largest of a unit stays."""
        with torch.no_grad():
            for number, sizes in self.scales.weights().items():
                sizes = sizes * self.masks[number]
                mask = (sizes >= self.threshold).float()
                mask[sizes.argmax()] = 1.0
                self.masks[number] = mask
        self.curve.append(
            {"epoch": float(len(self.curve) + 1), "macs": float(macs(self.scales.channels, self.alive()))}
        )

    def __call__(self, images: torch.Tensor, labels: torch.Tensor, iteration: int) -> torch.Tensor:
        if iteration and iteration % self.per_epoch == 0:
            self.drop()
        loss = functional.cross_entropy(self.scales.scaled(self.masks)(images), labels)
        return loss + self.weight * self.penalty()


def optimise(
    make: Make,
    images: ImageSet,
    schedule: Schedule,
    target_macs: float,
    seed: int,
    *,
    channels: Channels | None = None,
    strength: float = STRENGTH,
    threshold: float = THRESHOLD,
) -> Outcome:
    """Return widths at a budget, found by a training with MorphNet's penalty.

    What is left of each unit when the training ends are its shares; one scalar on all of them meets the budget, and may
    make units wider than they were.

    Args:
        make: of the network.
        images: to train on.
        schedule: of the training.
        target_macs: of an example's forward pass.
        seed: of weights and batches.
        channels: as `find_channels` of the network says; None: it is asked.
        strength: see `Shrink`.
        threshold: see `Shrink`.

    Raises:
        InputError: the network has no batch normalisation, does not take the images, or the training diverged.
    """
    module, channels = begin(make, images, target_macs, seed, channels)
    step = Shrink(Scales(module, channels), schedule.per_epoch(len(images.train.labels)), strength, threshold)
    history = train(module, images, schedule, seed, step=step)
    check(history, "morphnet")
    step.drop()
    meter = Meter()
    meter.trained(channels.macs(), history.iterations * schedule.batch)
    alive = step.alive()
    shares = {name: alive[channels.numbers[name]] / unit.size if channels.numbers[name] in alive else 1.0
              for name, unit in channels.units.items()}  # fmt: skip
    return Outcome(match(channels, shares, target_macs).widths, shares, meter.macs, step.curve)
