"""CIFAR-10 and CIFAR-100 as binary files (A. Krizhevsky. Learning Multiple Layers of Features from Tiny Images. 2009).

A record is a label (CIFAR-100: the coarse one, then the fine one) and 32 x 32 bytes each of red, green and blue.
"""

from pathlib import Path

import numpy as np

from circuits.errors import InputError
from workloads.images.parts import Found, Part, held

PIXELS = 3 * 32 * 32
SOURCE = (
    "A. Krizhevsky. Learning Multiple Layers of Features from Tiny Images. Technical report, University of Toronto, "
    "2009, which states no licence; the user's files."
)


def is_cifar(folder: Path) -> bool:
    """Tell whether the folder holds CIFAR, binary or pickled."""
    return (folder / "train.bin").is_file() or bool(_batches(folder))


def _batches(folder: Path) -> list[Path]:
    """Return CIFAR-10's batches, binary or pickled, and CIFAR-100's pickles."""
    return [
        path for path in (*sorted(folder.glob("data_batch_*")), folder / "train", folder / "meta") if path.is_file()
    ]


def read(folder: Path) -> Found:
    """Return CIFAR-10 (any of its five batches and the test batch) or CIFAR-100 (its fine labels).

    Raises:
        InputError: the files are pickles, or of another length than whole records.
    """
    fine = (folder / "train.bin").is_file()
    train = [folder / "train.bin"] if fine else sorted(folder.glob("data_batch_*.bin"))
    test = folder / ("test.bin" if fine else "test_batch.bin")
    if not train:
        raise InputError(
            f"{folder}: {_batches(folder)[0].name} is CIFAR's Python version, a pickle, which could run anything; "
            "give the binary version (cifar-10-binary.tar.gz, cifar-100-binary.tar.gz)"
        )
    if not test.is_file():
        raise InputError(f"{folder}: {test.name} is not beside {train[0].name}; give the whole binary version")
    return Found(
        {"train": _part(train, 2 if fine else 1), "test": _part([test], 2 if fine else 1)}, SOURCE, augment="shift+flip"
    )


def _part(paths: list[Path], labels: int) -> Part:
    rows = np.concatenate([_records(path, labels) for path in paths])
    return Part(rows[:, labels - 1].astype(np.int64), held(rows[:, labels:].reshape(-1, 3, 32, 32)))


def _records(path: Path, labels: int) -> np.ndarray:
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    length = labels + PIXELS
    if not len(data) or len(data) % length:
        raise InputError(f"{path}: {len(data):,} bytes are no whole number of records of {length}; fetch it anew")
    rows = data.reshape(-1, length)
    classes = 100 if labels == 2 else 10
    if (highest := int(rows[:, labels - 1].max())) >= classes:
        raise InputError(f"{path}: label {highest}, where {classes} classes count from 0; no file of CIFAR-{classes}")
    return rows
