"""Variations of a batch of images, each example its own."""

import torch
from torch.nn import functional

from circuits.errors import InputError

KINDS = ("none", "shift", "shift+flip")
FARTHEST = 1 / 8  # of the side: 4 of CIFAR's 32 pixels (K. He et al., CVPR 2016, section 4.2)


def augmented(images: torch.Tensor, kind: str, generator: torch.Generator) -> torch.Tensor:
    """Return the images, each moved by up to an eighth of its side, and mirrored half of the time.

    Args:
        images: batch x channels x height x width; where they are normalised, what moves in is the mean colour.
        kind: `none`, `shift` or `shift+flip`.
        generator: of the chances; the same numbers of it are drawn for a batch of this size whatever the images.

    Raises:
        InputError: no such kind.
    """
    if kind not in KINDS:
        raise InputError(f"augment {kind!r}: give one of {', '.join(KINDS)}")
    if kind == "none" or not len(images):
        return images
    count, _, height, width = images.shape
    down, right = max(1, round(height * FARTHEST)), max(1, round(width * FARTHEST))
    top = torch.randint(2 * down + 1, (count, 1), generator=generator)
    left = torch.randint(2 * right + 1, (count, 1), generator=generator)
    columns = torch.arange(width).expand(count, width)
    if kind == "shift+flip":
        mirrored = torch.rand(count, 1, generator=generator) < 0.5
        columns = torch.where(mirrored, width - 1 - columns, columns)
    padded = functional.pad(images, (right, right, down, down))
    rows = (torch.arange(height) + top)[:, :, None]
    example = torch.arange(count)[:, None, None]
    return padded.permute(0, 2, 3, 1)[example, rows, (columns + left)[:, None, :]].permute(0, 3, 1, 2).contiguous()
