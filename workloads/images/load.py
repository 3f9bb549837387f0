"""`load_images`: an image set by its name, or of a user's files."""

from pathlib import Path

import numpy as np
import torch

from circuits.errors import InputError
from workloads.images import arrays, built_in, cifar, folder
from workloads.images.augment import KINDS
from workloads.images.image_set import ImageSet, Split, check_side, resize, scale
from workloads.images.parts import Found, Part, dense, three

BUILT_IN = tuple(built_in.SETS)


def load_images(
    name: str | Path, *, side: int | None = None, limit: int | None = None, augment: str | None = None
) -> ImageSet:
    """Return images in three splits, which are the same at each call.

    Args:
        name: `digits`, `mnist5k`, `textures`; a `.npz` with x and y (or x_train, y_train, x_test, y_test, and x_val,
            y_val if there are any); a folder of CIFAR-10's or CIFAR-100's binary files; a folder
            `train/CLASS/*.jpg`, perhaps with `val/` and `test/` beside `train/`.
        side: height and width that images are brought to; None: as they are (a folder's: 32).
        limit: about so many images in all; every class and split is cut alike.
        augment: `none`, `shift` or `shift+flip`; None: as befits the set.

    Raises:
        InputError: no such set; files that cannot be read; images or labels that cannot be learned from.
    """
    if side is not None:
        check_side(side)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise InputError(f"limit {limit!r}: of images; give a whole number of at least 1")
    if augment is not None and augment not in KINDS:
        raise InputError(f"augment {augment!r}: give one of {', '.join(KINDS)}")
    found = _found(str(name), side)
    parts, classes, renumbered = dense(str(name), found.parts)
    taken, notes = three(str(name), parts, limit)
    splits = [_split(str(name), key, *taken[key], side) for key in ("train", "validation", "test")]
    mean, std = scale(splits[0].images)
    if not any(bool(channel.any()) for channel in splits[0].images.std((0,)).unbind(0)):
        raise InputError(f"{name}: all training images are the same")
    splits = [Split((split.images - mean) / std, split.labels) for split in splits]
    channels, height, width = splits[0].images.shape[1:]
    return ImageSet(
        str(name),
        classes,
        (channels, height, width),
        *splits,
        mean=tuple(mean.flatten().tolist()),
        std=tuple(std.flatten().tolist()),
        source=found.source,
        notes=(*found.notes, *renumbered, *notes),
        augment=found.augment if augment is None else augment,
    )


def _found(name: str, side: int | None) -> Found:
    if name in built_in.SETS:
        return built_in.SETS[name]()
    path = Path(name)
    if path.is_dir():
        return cifar.read(path) if cifar.is_cifar(path) else folder.read(path, side)
    if not path.exists():
        raise InputError(f"{name}: no such images; give {', '.join(BUILT_IN)}, a .npz file or a folder")
    if path.suffix.lower() == ".npz":
        return arrays.read(path)
    raise InputError(f"{name}: give a .npz file, or a folder of CIFAR's binary files or of train/CLASS/*.jpg")


def _split(name: str, key: str, part: Part, places: np.ndarray, side: int | None) -> Split:
    images = part.read(places)
    if not np.isfinite(images).all():
        at = int(places[np.flatnonzero(~np.isfinite(images).reshape(len(images), -1).all(1))[0]])
        raise InputError(f"{name}: image {at} (from 0), of the {key} split, holds NaN or infinity; give finite numbers")
    values = torch.from_numpy(np.ascontiguousarray(images))
    if side is not None and values.shape[2:] != (side, side):
        values = resize(values, side)
    return Split(values, torch.from_numpy(part.labels[places].astype(np.int64)))
