"""What a search for widths comes to, and what it costs."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn

from circuits.errors import InputError
from workloads.channels import Channels, find_channels
from workloads.images import ImageSet
from workloads.training import History, seeded
from workloads.training.subjects import check_subject

Make = Callable[[], nn.Module]
TRAINING = 3  # passes: forward, and backward to weights and to inputs, each of as many MACs


@dataclass(frozen=True)
class Outcome:
    """Widths that were found.

    Attributes:
        widths: channels by unit; its MACs are those that were asked for, or the next below.
        shares: of each unit's channels that the search kept, before they were brought to those MACs.
        macs: of the search: multiply-accumulates of its training, evaluations among them.
        curve: of the search: a row an epoch or a step.
    """

    widths: dict[str, int]
    shares: dict[str, float]
    macs: float
    curve: list[dict[str, float]] = field(default_factory=list)


@dataclass
class Meter:
    """Counts the multiply-accumulates of a search."""

    macs: float = 0.0

    def trained(self, macs: float, images: int) -> None:
        self.macs += TRAINING * macs * images

    def called(self, macs: float, images: int) -> None:
        self.macs += macs * images


def begin(
    make: Make, images: ImageSet, target_macs: float, seed: int, channels: Channels | None = None
) -> tuple[nn.Module, Channels]:
    """Return the network that a search starts with, its weights drawn by the seed, and its channels.

    Args:
        make: of the network.
        images: that it will be trained on.
        target_macs: of an example's forward pass.
        seed: of the weights.
        channels: as `find_channels` of the network says; None: it is asked.

    Raises:
        InputError: it does not take the images, has other scores than classes, or costs less than is asked for.
    """
    module = seeded(make, seed)
    check_subject(module, images.shape, images.classes, type(module).__name__)
    channels = channels or find_channels(module, (images.train.images[:2],))
    if not 0 < target_macs < channels.macs():
        raise InputError(f"target of {target_macs:,.0f} MACs: the network has {channels.macs():,}; give fewer")
    return module, channels


def check(history: History, what: str) -> None:
    """Raise where a search's training came to no numbers.

    Raises:
        InputError: it diverged.
    """
    if history.diverged:
        raise InputError(f"{what}: the loss is no number after {history.iterations} iterations; give a lower --lr")
