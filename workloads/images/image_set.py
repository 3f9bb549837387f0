"""A set of labelled images in three disjoint splits."""

import dataclasses
import hashlib
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional

from circuits.errors import InputError
from workloads.images.parts import stratified


class Split(NamedTuple):
    """Images and what they show.

    Attributes:
        images: float32, examples x channels x height x width.
        labels: int64, one an example, from 0.
    """

    images: torch.Tensor
    labels: torch.Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet:
    """Images to train on, to choose by, and to judge by.

    Attributes:
        name: what it was loaded as.
        classes: how many there are.
        shape: channels, height and width of an image.
        train, validation, test: no image is in two of them. All are less `mean`, over `std`.
        mean, std: of each channel of the training split, in the source's unit (files of bytes: 0 to 1).
        source: whence it comes and under which licence.
        notes: what was done to it, and what it is no good for.
        augment: how its images may be varied in training: see `augmented`.
    """

    name: str
    classes: int
    shape: tuple[int, int, int]
    train: Split
    validation: Split
    test: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str
    notes: tuple[str, ...] = ()
    augment: str = "none"

    @property
    def splits(self) -> dict[str, Split]:
        """The three, by their names."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all images and labels."""
        found = hashlib.sha256()
        for split in self.splits.values():
            found.update(str(tuple(split.images.shape)).encode())
            found.update(split.images.contiguous().numpy().data)
            found.update(split.labels.contiguous().numpy().data)
        return found.hexdigest()[:16]

    def document(self) -> dict[str, Any]:
        """Return what JSON can say of the set."""
        counts = {name: len(split.labels) for name, split in self.splits.items()}
        told = {key: getattr(self, key) for key in ("name", "classes", "source", "augment", "fingerprint")}
        return told | {"shape": list(self.shape), "notes": list(self.notes), "images": counts}

    def subset(self, share: float, seed: int) -> "ImageSet":
        """Return the set with that share of each class's training images, at least one; the rest stays as it is.

        Raises:
            InputError: the share is not above 0 and at most 1.
        """
        if not 0 < share <= 1:
            raise InputError(f"share {share}: of the training images; give a number above 0, at most 1")
        if share == 1:
            return self
        kept = torch.from_numpy(stratified(self.train.labels.numpy(), share, seed))
        train = Split(self.train.images[kept], self.train.labels[kept])
        note = f"{len(kept)} of {len(self.train.labels)} training images, drawn class by class by seed {seed}"
        return dataclasses.replace(self, train=train, notes=(*self.notes, note))

    def resized(self, side: int) -> "ImageSet":
        """Return the set at side x side pixels, its training split's mean and deviation 0 and 1 again.

        Raises:
            InputError: the side is not a whole number of at least 1.
        """
        if (side, side) == self.shape[1:]:
            return self
        splits = [Split(resize(split.images, side), split.labels) for split in self.splits.values()]
        note = f"resized from {self.shape[1]} x {self.shape[2]} to {side} x {side} pixels"
        smaller = dataclasses.replace(self, shape=(self.shape[0], side, side), notes=(*self.notes, note))
        return smaller._normalised(*splits)

    def _normalised(self, train: Split, validation: Split, test: Split) -> "ImageSet":
        mean, std = scale(train.images)
        train, validation, test = (
            Split((split.images - mean) / std, split.labels) for split in (train, validation, test)
        )
        before = list(zip(self.mean, self.std, mean.flatten().tolist(), std.flatten().tolist(), strict=True))
        return dataclasses.replace(
            self,
            train=train,
            validation=validation,
            test=test,
            mean=tuple(at + by * new for at, by, new, _ in before),
            std=tuple(by * new for _, by, _, new in before),
        )


def scale(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each channel's mean and deviation, 1 x channels x 1 x 1; a channel that never varies has deviation 1."""
    channels = images.to(torch.float64)
    mean = channels.mean((0, 2, 3), keepdim=True)
    std = channels.std((0, 2, 3), keepdim=True, correction=0)
    std = torch.where(std > 1e-12 * mean.abs().clamp(min=1e-300), std, 1.0)
    return mean.float(), std.float()


def resize(images: torch.Tensor, side: int) -> torch.Tensor:
    """Return images of side x side pixels: means over areas where that is smaller, bilinear where it is larger.

    Raises:
        InputError: the side is not a whole number of at least 1.
    """
    check_side(side)
    if side <= min(images.shape[2:]):
        return functional.interpolate(images, (side, side), mode="area")
    return functional.interpolate(images, (side, side), mode="bilinear", align_corners=False)


def check_side(side: int) -> int:
    """Return the side.

    Raises:
        InputError: it is not a whole number from 1 to 4096.
    """
    if isinstance(side, bool) or not isinstance(side, (int, np.integer)) or not 1 <= side <= 4096:
        raise InputError(f"side {side!r}: of an image; give a whole number of pixels from 1 to 4096")
    return int(side)
