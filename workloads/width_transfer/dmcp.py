"""DMCP: each unit's channels are kept by a Markov chain whose odds are learned.

S. Guo, Y. Wang, Q. Li, J. Yan. DMCP: Differentiable Markov Channel Pruning for Neural Networks. CVPR 2020.
arXiv:2005.03354.
"""

from collections.abc import Mapping

import torch
from torch.nn import functional

from workloads.channels import Channels, Slim
from workloads.images import ImageSet
from workloads.training import Schedule, generator, train
from workloads.width_transfer.cost import macs
from workloads.width_transfer.extrapolate import match
from workloads.width_transfer.sandwich import backward, bins_of, drawn
from workloads.width_transfer.scales import Scales
from workloads.width_transfer.search import Make, Meter, Outcome, begin, check

GROUPS = 10
BETWEEN = 2  # widths of a step beside the whole and the narrowest
FIRST = 0.5  # share of the training in which weights alone are learned
KEPT = 0.9  # a group's chance to be kept after the one before it, as the chains begin
LR = (0.5, 0.1)  # of the chains, from and to
WEIGHT = 0.1  # of the cost in the loss
SLACK = 0.05  # share of the budget that may be left without pressure to grow


class Chains:
    """Each unit's groups of channels: the first is kept, each later one with some chance if the one before it is.

    Args:
        channels: of the network.
        units: number of a unit -> its name.
        groups: of a unit; fewer where it has fewer channels.

    Attributes:
        edges: of each unit by number, how many channels so many groups have.
        alphas: of each unit by number, logits of its later groups' chances.
    """

    def __init__(self, channels: Channels, units: Mapping[int, str], groups: int) -> None:
        edges = bins_of(channels, groups)
        self.channels, self.units = channels, dict(units)
        self.edges = {number: edges[name] for number, name in units.items()}
        start = float(torch.logit(torch.tensor(KEPT)))
        self.alphas = {number: torch.full((len(own) - 1,), start, requires_grad=True)
                       for number, own in self.edges.items()}  # fmt: skip

    def marginals(self, number: int) -> torch.Tensor:
        """Return each group's chance to be kept, the first one's 1."""
        later = self.alphas[number].sigmoid().cumprod(0)
        return torch.cat([torch.ones(1), later])

    def shares(self) -> dict[int, torch.Tensor]:
        """Return each channel's chance to be kept."""
        return {number: self.marginals(number).repeat_interleave(self._sizes(number)) for number in self.units}

    def expected(self) -> dict[int, torch.Tensor]:
        """Return how many channels each unit is expected to keep."""
        return {number: (self.marginals(number) * self._sizes(number)).sum() for number in self.units}

    def _sizes(self, number: int) -> torch.Tensor:
        return torch.tensor(self.edges[number]).diff(prepend=torch.zeros(1, dtype=torch.int64))

    def drawn(self, chance: torch.Generator) -> dict[str, int]:
        """Return widths as the chains have them."""
        found = {}
        for number, name in self.units.items():
            odds = self.alphas[number].detach().sigmoid()
            kept = torch.rand(len(odds), generator=chance) < odds
            found[name] = self.edges[number][int(kept.int().cumprod(0).sum())]
        return found


def cost_loss(expected_macs: torch.Tensor, target: float, slack: float = SLACK) -> torch.Tensor:
    """Return the logarithm of how far the expected cost is off; 0, without a gradient, where it is just below."""
    if target * (1 - slack) <= float(expected_macs.detach()) <= target:
        return expected_macs.new_zeros(())
    return ((expected_macs - target).abs() + 1.0).log()


class Learn:
    """A training step of weights and, in its second part, of the chains.

    Args:
        slim: of the module that is trained.
        scales: of the same.
        chains: that are learned.
        target: MACs of an example.
        total: iterations of the training.
        seed: of the widths that are drawn.
        meter: is told what it costs.
    """

    def __init__(
        self, slim: Slim, scales: Scales, chains: Chains, target: float, total: int, seed: int, meter: Meter
    ) -> None:
        self.slim, self.scales, self.chains, self.target = slim, scales, chains, target
        self.first, self.total, self.seed, self.meter = round(total * FIRST), total, seed, meter
        self.bins = bins_of(slim.channels, GROUPS)
        self.narrowest = {name: own[0] for name, own in self.bins.items()}
        self.curve: list[dict[str, float]] = []

    def __call__(self, images: torch.Tensor, labels: torch.Tensor, iteration: int) -> torch.Tensor:
        chance, learning = generator(self.seed, "widths", iteration), iteration >= self.first
        between = [self.chains.drawn(chance) if learning else drawn(self.bins, chance) for _ in range(BETWEEN)]
        loss = backward(self.slim, images, labels, [self.narrowest, *between], self.meter)
        if learning:
            self._learn(images, labels, (iteration - self.first) / max(1, self.total - self.first - 1))
        return loss

    def _learn(self, images: torch.Tensor, labels: torch.Tensor, done: float) -> None:
        """Move the chains against the loss of the network whose channels count as likely as they are kept."""
        cost = macs(self.slim.channels, self.chains.expected())
        assert isinstance(cost, torch.Tensor)
        scores = self.scales.scaled(self.chains.shares())(images)
        loss = functional.cross_entropy(scores, labels) + WEIGHT * cost_loss(cost, self.target)
        self.meter.trained(self.slim.channels.macs(), len(labels))
        alphas = list(self.chains.alphas.values())
        rate = LR[0] + (LR[1] - LR[0]) * done
        with torch.no_grad():
            for alpha, gradient in zip(alphas, torch.autograd.grad(loss, alphas, allow_unused=True), strict=True):
                if gradient is not None:
                    alpha -= rate * gradient
        self.curve.append({"step": float(len(self.curve)), "macs": float(cost.detach())})


def optimise(
    make: Make,
    images: ImageSet,
    schedule: Schedule,
    target_macs: float,
    seed: int,
    *,
    channels: Channels | None = None,
    groups: int = GROUPS,
) -> Outcome:
    """Return widths at a budget: those that learned chains expect.

    Args:
        make: of the network.
        images: to train on.
        schedule: of the training; half of it is of weights alone, at all widths.
        target_macs: of an example's forward pass.
        seed: of weights, batches and the widths that are trained.
        channels: as `find_channels` of the network says; None: it is asked.
        groups: of a unit's channels.

    Raises:
        InputError: the network has no batch normalisation, does not take the images, or the training diverged.
    """
    module, channels = begin(make, images, target_macs, seed, channels)
    scales, meter = Scales(module, channels), Meter()
    chains = Chains(channels, scales.units, groups)
    total = schedule.iterations(len(images.train.labels))
    step = Learn(Slim(module, channels), scales, chains, target_macs, total, seed, meter)
    check(train(module, images, schedule, seed, step=step), "dmcp")
    shares = dict.fromkeys(channels.units, 1.0) | {
        chains.units[number]: float(count.detach()) / channels.sizes[number]
        for number, count in chains.expected().items()
    }
    return Outcome(match(channels, shares, target_macs).widths, shares, meter.macs, step.curve)
