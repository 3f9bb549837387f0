"""A folder of images, a folder a class: `train/CLASS/*.jpg`, perhaps with `val/` and `test/` beside `train/`."""

import warnings
from pathlib import Path

import numpy as np

from circuits.errors import InputError
from workloads.images.parts import Found, Part, check_memory

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".webp", ".gif", ".tif", ".tiff"}
SIDE = 32  # where none is asked for
FOLDERS = {"train": ("train",), "validation": ("val", "validation", "valid"), "test": ("test",)}


def read(folder: Path, side: int | None) -> Found:
    """Return the folder's images at side x side pixels: the largest middle square of each, reduced.

    Files are opened when a split is made of them, and only those that it takes.

    Raises:
        InputError: there are no such folders, or a class of one is not in `train/`.
    """
    try:
        return _read(folder, SIDE if side is None else side)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; give a folder that can be read") from error


def _read(folder: Path, side: int) -> Found:
    if not (folder / "train").is_dir():
        raise InputError(f"{folder}: no folder train/ in it; give train/CLASS/*.jpg, perhaps val/ and test/ beside it")
    classes = [path.name for path in _folders(folder / "train")]
    if not classes:
        raise InputError(f"{folder}: train/ holds no folders; give a folder a class, train/CLASS/*.jpg")
    parts = {}
    for part, names in FOLDERS.items():
        if place := next((folder / name for name in names if (folder / name).is_dir()), None):
            parts[part] = _part(place, classes, side)
    notes = (f"classes, from 0: {', '.join(classes)}",) if len(classes) <= 20 else ()
    return Found(parts, f"The user's folder {folder.name}.", notes, "shift+flip")


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))


def _part(place: Path, classes: list[str], side: int) -> Part:
    paths, labels = [], []
    for own in _folders(place):
        if own.name not in classes:
            raise InputError(f"{own}: no class of train/; give each class a folder there")
        images = sorted(path for path in own.iterdir() if path.suffix.lower() in ENDINGS)
        if not images:
            raise InputError(f"{own}: no images in it; give .jpg, .png or others, or remove the folder")
        paths += images
        labels += [classes.index(own.name)] * len(images)
    if not paths:
        raise InputError(f"{place}: no folders with images in it; give a folder a class")

    def read(places: np.ndarray) -> np.ndarray:
        check_memory(str(place), 3 * len(places) * 3 * side**2 * 4)  # as read, normalised, and between
        images = np.empty((len(places), 3, side, side), np.float32)
        for at, one in enumerate(places):
            images[at] = _image(paths[one], side)
        return images

    return Part(np.array(labels, np.int64), read)


def _image(path: Path, side: int) -> np.ndarray:
    """Return 3 x side x side values from 0 to 1."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # of colour profiles and transparency that we do not use
            with Image.open(path) as file:
                file.draft("RGB", (2 * side, 2 * side))  # a JPEG is decoded no larger than is needed
                square = ImageOps.fit(file.convert("RGB"), (side, side), Image.Resampling.BILINEAR)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path}: more pixels than an image should have; give a smaller one") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise InputError(f"{path}: no image that can be read: {' '.join(str(error).split())[:120]}") from error
    return np.asarray(square, np.float32).transpose(2, 0, 1) / 255
