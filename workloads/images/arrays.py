"""A user's .npz: no pickles, and nothing allocated on a header's word."""

import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from circuits.errors import InputError
from workloads.images.parts import Found, Part, check_memory, held

# Keys of images and labels: of this tool's documentation, of Keras' sets, of MedMNIST's.
PAIRS = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y"), ("images", "labels")),
    "validation": (("x_val", "y_val"), ("x_validation", "y_validation"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}
# What zipfile raises on damaged archives: names that are no text, methods and versions it does not know, bad lengths.
UNREADABLE = (
    OSError, EOFError, RuntimeError, ValueError, LookupError, OverflowError,
    zipfile.BadZipFile, struct.error, zlib.error,
)  # fmt: skip
CHANNELS = 4  # at most: grey, with alpha, colour, with alpha


def read(path: Path) -> Found:
    """Return what a .npz file has.

    Raises:
        InputError: it is no such file, lacks keys, holds objects, is cut short, or claims more than fits in memory.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {Path(name).stem.lower(): name for name in archive.namelist() if name.endswith(".npy")}
            parts: dict[str, Part] = {}
            for part, pairs in PAIRS.items():
                for images, labels in pairs:
                    if images in members and labels in members:
                        x = _array(path, archive, members[images], images)
                        y = _array(path, archive, members[labels], labels)
                        parts[part] = Part(_labels(path, labels, y), held(_images(path, images, x)))
                        _same_length(path, images, x, labels, y)
                        break
    except InputError:
        raise
    except UNREADABLE as error:
        raise InputError(f"{path}: not a whole .npz file: {_line(error)}; write it by numpy.savez") from error
    if "train" not in parts:
        keys = " ".join(", ".join(sorted(members)).split()) or "none"
        raise InputError(f"{path}: keys {keys}; give x and y, or x_train, y_train, x_test, y_test")
    return Found(parts, f"The user's file {path.name}.", augment="none")


def _array(path: Path, archive: zipfile.ZipFile, member: str, key: str) -> np.ndarray:
    size = archive.getinfo(member).file_size
    with archive.open(member) as file:
        shape, fortran, dtype = _header(path, key, file)
        count, declared = math.prod(shape), math.prod(shape) * dtype.itemsize
        if declared > size:
            raise InputError(f"{path}: {key} claims {declared:,} bytes, and {size:,} are there; write the file anew")
        check_memory(f"{path}: {key}", declared + 4 * count)
        data = bytearray(declared)
        view, got = memoryview(data), 0
        while got < declared:
            piece = file.read(min(declared - got, 1 << 24))
            if not piece:
                raise InputError(f"{path}: {key} ends after {got:,} of {declared:,} bytes; write the file anew")
            view[got : got + len(piece)] = piece
            got += len(piece)
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _header(path: Path, key: str, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that an older Python wrote
            version = npy.read_magic(file)
            header = npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)
    except (ValueError, TypeError, SyntaxError, tokenize.TokenError, RecursionError) as error:
        raise InputError(f"{path}: {key}: no array: {_line(error)}") from error
    if header[2].hasobject:
        raise InputError(f"{path}: {key} holds Python objects, which would be unpickled; give plain numbers")
    if any(length < 0 for length in header[0]) or not header[2].itemsize:
        raise InputError(f"{path}: {key} has shape {header[0]} of {header[2]}; write the file anew")
    return header


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _images(path: Path, key: str, x: np.ndarray) -> np.ndarray:
    """Return images x channels x height x width.

    Raises:
        InputError: they are no images, or could be read both ways.
    """
    if not (x.dtype == np.uint8 or x.dtype.kind == "f"):
        raise InputError(f"{path}: {key} are {x.dtype}; give uint8 from 0 to 255, or floats")
    if not x.size:
        raise InputError(f"{path}: {key} of shape {x.shape} hold no images")
    if x.dtype.kind == "f" and x.dtype.itemsize > 4:
        with np.errstate(over="ignore"):  # what overflows is found as infinity
            x = x.astype(np.float32)
    if x.ndim == 3:
        return x[:, None]
    if x.ndim == 4:
        first, last = x.shape[1] <= CHANNELS, x.shape[3] <= CHANNELS
        if last and not first:
            return x.transpose(0, 3, 1, 2)
        if first and not last:
            return x
    raise InputError(
        f"{path}: {key} have shape {x.shape}; give images x height x width, x channels (1 to {CHANNELS}) last or second"
    )


def _labels(path: Path, key: str, y: np.ndarray) -> np.ndarray:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise InputError(f"{path}: {key} are {y.dtype} of shape {y.shape}; give one whole number an image, from 0")
    if len(y) and (int(y.min()) < 0 or int(y.max()) > np.iinfo(np.int32).max):
        raise InputError(f"{path}: {key} lie between {y.min()} and {y.max()}; give whole numbers from 0")
    return y.astype(np.int64)


def _same_length(path: Path, images: str, x: np.ndarray, labels: str, y: np.ndarray) -> None:
    if len(x) != len(y):
        raise InputError(f"{path}: {len(x)} {images}, but {len(y)} {labels}; give one label an image")
