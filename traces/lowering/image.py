"""Where a window slides over images of one to three dimensions: sizes alone."""

from dataclasses import dataclass
from math import prod

Triple = tuple[int, int, int]


def triple(value: object, neutral: int, dims: int = 0) -> Triple:
    """Return figures along (depth, height, width); `neutral` where there are fewer dimensions.

    Args:
        value: a number a dimension, or one for all `dims` of them; none stands for the neutral one.
        neutral: what a dimension that is not there has.
        dims: spatial dimensions, where `value` may hold one number for all.
    """
    numbers = (
        [int(v) for v in value] if isinstance(value, (list, tuple)) else [value if isinstance(value, int) else neutral]
    )
    if len(numbers) < dims:
        numbers = (numbers or [neutral]) * dims
    depth, height, width = ([neutral] * 3 + numbers)[-3:]
    return depth, height, width


@dataclass(frozen=True)
class Image:
    """Where a window slides: an NDHWC image and the pixels (n, o, p, q) it yields; flat images are one frame deep."""

    n: int
    size: Triple  # depth, height, width
    channels: int  # channels of a pixel in memory, all groups
    out: Triple  # depth, height, width of what it yields
    window: Triple
    stride: Triple
    padding: Triple
    dilation: Triple
    group_channels: int  # channels a window reads

    @property
    def flat(self) -> bool:
        """Whether the columns (s, c) of a filter row lie contiguously in an image row."""
        return self.group_channels == self.channels and self.dilation[2] == 1

    @property
    def deep(self) -> bool:
        """Whether images or windows have more than one frame."""
        return (self.size[0], self.out[0], self.window[0]) != (1, 1, 1)

    @property
    def out_pixels(self) -> int:
        return self.n * prod(self.out)

    @property
    def pixels(self) -> int:
        return self.n * prod(self.size)
