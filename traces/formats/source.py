"""The bytes of a trace file, decompressed, in pieces of bounded size: lines of text, or records of a fixed size.

What compressed a file is told from its first bytes, not from its name. A compression bomb costs time, not memory: xz
and zstd may ask for a dictionary of at most 128 MiB, and no line is longer than MAX_LINE.
"""

import contextlib
import gzip
import lzma
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from traces.errors import InputError

CHUNK = 1 << 20  # bytes read at a time
MAX_LINE = CHUNK  # bytes; a warp's 32 addresses take 700
MAX_DICTIONARY = 1 << 27  # bytes, as zstd's own default
XZ, GZIP, ZSTD = b"\xfd7zXZ\0", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"


def pieces(path: Path) -> Generator[bytes]:
    """Yield a file's bytes, decompressed where need be.

    Raises:
        InputError: for a file that is missing, no regular file, empty, truncated or damaged.
    """
    if "\0" in str(path):
        raise InputError(f"{str(path)!r}: no name of a file; give a trace file")
    try:
        if path.exists() and not path.is_file():  # a pipe can be read once only, and may never end
            raise InputError(f"{path}: not a regular file; give a trace file")
        with path.open("rb") as file:
            head = file.read(6)
            file.seek(0)
            if not head:
                raise InputError(f"{path}: empty; give a trace file")
            yield from _decompressed(path, file, head)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}; give a trace file") from None


def _decompressed(path: Path, file: BinaryIO, head: bytes) -> Iterator[bytes]:
    if head == XZ:
        yield from _unpacked(path, _xz(file))
    elif head.startswith(GZIP):
        opened = gzip.open(file)  # noqa: SIM115  (it holds nothing but the file, which its opener closes)
        yield from _unpacked(path, iter(lambda: opened.read(CHUNK), b""))
    elif head.startswith(ZSTD):
        yield from _unpacked(path, _zstd(path))
    else:
        yield from iter(lambda: file.read(CHUNK), b"")


def _xz(file: BinaryIO) -> Iterator[bytes]:
    """Decompress one stream after another, each within the memory its dictionary may take."""
    data = file.read(CHUNK)
    while data:
        # A little more than the dictionary is what the decoder itself needs.
        stream = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=MAX_DICTIONARY + (1 << 24))
        while not stream.eof:
            if stream.needs_input and not data:
                data = file.read(CHUNK)
                if not data:
                    raise EOFError
            yield stream.decompress(data, CHUNK)
            data = b""
        data = (stream.unused_data or file.read(CHUNK)).lstrip(b"\0")  # streams may be padded


def _zstd(path: Path) -> Iterator[bytes]:
    import pyarrow as pa

    with pa.OSFile(str(path)) as file, pa.CompressedInputStream(file, "zstd") as stream:
        yield from iter(lambda: stream.read(CHUNK), b"")


def _unpacked(path: Path, unpacked: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what comes, with the decompressor's complaints in one line."""
    empty = True
    try:
        for piece in unpacked:
            if piece:
                empty = False
                yield piece
    except EOFError:
        raise InputError(f"{path}: truncated: its compressed data end too early; copy it anew") from None
    except (lzma.LZMAError, zlib.error, OSError) as error:
        raise InputError(f"{path}: damaged: cannot be decompressed ({error}); copy it anew") from None
    if empty:
        raise InputError(f"{path}: empty once decompressed; give a trace file")


def lines(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Yield a text as uint8 arrays of whole lines, the last one with a newline too, and the first line's number.

    Raises:
        InputError: as `pieces`, and for a line longer than MAX_LINE.
    """
    held, line = b"", 1
    for piece in pieces(path):
        cut = piece.rfind(b"\n") + 1
        whole = held + piece[:cut] if cut else b""
        held = piece[cut:] if cut else held + piece
        if whole:
            first = whole.find(b"\n")
            if first > MAX_LINE:
                raise _long(path, line)
            yield np.frombuffer(whole, np.uint8), line
            line += whole.count(b"\n")
        if len(held) > MAX_LINE:
            raise _long(path, line)
    if held:
        yield np.frombuffer(held + b"\n", np.uint8), line


def _long(path: Path, line: int) -> InputError:
    return InputError(f"{path}: line {line}: longer than {MAX_LINE} bytes; give a text trace with its newlines")


def records(path: Path, kind: np.dtype[Any], what: str) -> Iterator[np.ndarray]:
    """Yield a binary trace as arrays of its records.

    Args:
        path: the file.
        kind: the record.
        what: its name in the plural, for a complaint.

    Raises:
        InputError: as `pieces`, and where the last record is not whole.
    """
    held, size = b"", kind.itemsize
    for piece in pieces(path):
        data = held + piece
        cut = len(data) - len(data) % size
        held = data[cut:]
        if cut:
            yield np.frombuffer(data[:cut], kind)
    if held:
        raise InputError(f"{path}: truncated, or of another format: {len(held)} bytes are left after {what} of {size}")


def head(path: Path, size: int = 1 << 16) -> bytes:
    """Return the first `size` bytes of a file, decompressed; fewer of a shorter one.

    Raises:
        InputError: as `pieces`.
    """
    found = b""
    with contextlib.closing(pieces(path)) as left:
        for piece in left:
            found += piece
            if len(found) >= size:
                break
    return found[:size]
