"""Parts of an image set as its source has them, and the three splits that are made of them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psutil

from circuits.errors import InputError

SEED = 20_070  # of every set's splits, so that all seeds of a study see the same ones
HELD_OUT = 0.15  # share of the images at hand that becomes a split which the source does not have
NAMES = ("train", "validation", "test")


@dataclass(frozen=True)
class Part:
    """Some labelled images.

    Attributes:
        labels: int64, one an image.
        read: from places among them to images: float32, images x channels x height x width.
        group: what must stay together, a number an image; None: each image is its own. Images of one group land in
            one split.
    """

    labels: np.ndarray
    read: Callable[[np.ndarray], np.ndarray]
    group: np.ndarray | None = None


@dataclass(frozen=True)
class Found:
    """What a source has.

    Attributes:
        parts: by the names `train` (always), `validation`, `test`.
        source: citation and licence. notes: what a user should know. augment: see `augmented`.
    """

    parts: dict[str, Part]
    source: str
    notes: tuple[str, ...] = ()
    augment: str = "none"


def held(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return what reads of images in memory; bytes become fractions of 255."""

    def read(places: np.ndarray) -> np.ndarray:
        chosen = values[places]
        return chosen.astype(np.float32) / 255 if chosen.dtype == np.uint8 else chosen.astype(np.float32, copy=False)

    return read


def check_memory(name: str, need: int) -> None:
    """Check that so many bytes are free.

    Raises:
        InputError: they are not.
    """
    if need > (free := psutil.virtual_memory().available):
        raise InputError(f"{name}: needs {need:,} bytes of memory, and {free:,} are free; give fewer or smaller images")


def stratified(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return the places of that share of each class, at least one of each, in a random order."""
    draw = np.random.default_rng(seed)
    kept = [
        draw.permutation(np.flatnonzero(labels == label))[: max(1, round(share * int(np.sum(labels == label))))]
        for label in np.unique(labels)
    ]
    return draw.permutation(np.concatenate(kept))


def dense(name: str, parts: dict[str, Part]) -> tuple[dict[str, Part], int, tuple[str, ...]]:
    """Return the parts with labels from 0 without gaps, how many classes there are, and what was changed.

    Raises:
        InputError: one class only; a class that the training part lacks; labels below 0.
    """
    for part_name, part in parts.items():
        if not len(part.labels):
            raise InputError(f"{name}: no {part_name} images")
        if part.labels.min() < 0:
            raise InputError(f"{name}: label {part.labels.min()} among the {part_name} labels; they count from 0")
    known = np.unique(parts["train"].labels)
    if len(known) < 2:
        raise InputError(f"{name}: all training images are of one class ({known[0]}); give at least two classes")
    for part_name, part in parts.items():
        if strange := sorted(set(np.unique(part.labels).tolist()) - set(known.tolist())):
            raise InputError(f"{name}: class {strange[0]} is among the {part_name} images, but not the training images")
    if known[-1] == len(known) - 1:
        return parts, len(known), ()
    changed = {key: Part(np.searchsorted(known, part.labels), part.read, part.group) for key, part in parts.items()}
    return changed, len(known), (f"labels {known[0]} to {known[-1]} were renumbered from 0 to {len(known) - 1}",)


def three(name: str, parts: dict[str, Part], limit: int | None) -> tuple[dict[str, tuple[Part, np.ndarray]], list[str]]:
    """Return for each of the three splits a part and the places in it that make the split; and what was done.

    Args:
        name: of the set.
        parts: with labels from 0.
        limit: about so many images in all, every part and class cut alike; None: all.

    Raises:
        InputError: a class has too few images, of itself or by the limit.
    """
    notes: list[str] = []
    total = sum(len(part.labels) for part in parts.values())
    share = 1.0
    if limit is not None and limit < total:
        share = limit / total
    places = {key: stratified(part.labels, share, SEED) for key, part in parts.items()}
    if share < 1:
        notes.append(f"{sum(map(len, places.values()))} of {total} images, drawn class by class")
    taken = {key: (parts[key], places[key]) for key in parts}
    if "test" not in taken and "validation" in taken:
        taken["test"] = taken.pop("validation")
        notes.append("the source's validation images are the test split, as is usual where its test labels are secret")
    for split in ("test", "validation"):
        if split not in taken:
            part, rest = taken["train"]
            rest, away = _apart(name, split, part, rest)
            taken["train"], taken[split] = (part, rest), (part, away)
            notes.append(f"{len(away)} images of the training part are the {split} split, drawn class by class")
    return taken, notes


def _apart(name: str, split: str, part: Part, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what stays and what becomes the split: `HELD_OUT` of each class's groups, at least one."""
    groups = np.arange(len(part.labels)) if part.group is None else part.group
    draw = np.random.default_rng([SEED, NAMES.index(split)])
    away: list[np.ndarray] = []
    for label in np.unique(part.labels[places]):
        own = np.unique(groups[places[part.labels[places] == label]])
        if len(own) < 3:
            raise InputError(
                f"{name}: class {label} has {len(own)} image{'s' * (len(own) > 1)}, too few for a {split} split beside "
                "the training split; give at least 4 a class, or a split of your own"
            )
        away.append(draw.permutation(own)[: max(1, math.floor(HELD_OUT * len(own) + 0.5))])
    gone = np.isin(groups[places], np.concatenate(away))
    return places[~gone], places[gone]
