"""Files to write bytes to, compressed as their name says, which appear whole or not at all."""

import contextlib
import gzip
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from traces.errors import InputError
from traces.files import replacing


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write to, which takes the place of `path` when the block ends well.

    Raises:
        InputError: for a path that cannot be written.
    """
    with _complaining(path), replacing(path) as temporary, _packing(temporary, path.suffix.lower()) as file:
        yield file


@contextlib.contextmanager
def _packing(path: Path, suffix: str) -> Iterator[BinaryIO]:
    if suffix == ".xz":
        with lzma.open(path, "wb", preset=1) as file:
            yield cast(BinaryIO, file)
    elif suffix == ".gz":
        with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:  # the same trace, the same bytes
            yield cast(BinaryIO, file)
    elif suffix in {".zst", ".zstd"}:
        import pyarrow as pa

        with pa.OSFile(str(path), "wb") as raw, pa.CompressedOutputStream(raw, "zstd") as file:
            yield cast(BinaryIO, file)
    else:
        with path.open("wb") as file:
            yield file


@contextlib.contextmanager
def _complaining(path: Path) -> Iterator[None]:
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a regular file; give the name of a file to write")
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
