"""The bytes of a trace file, decompressed, in pieces of bounded size: lines of text, or records of a fixed size.

What compressed a file is told from its first bytes, not from its name. A compression bomb costs time, not memory: xz
and zstd may ask for a dictionary of at most 128 MiB, and neither a line nor blank lines are longer than MAX_LINE.
"""

import contextlib
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from traces.errors import InputError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK = 1 << 20  # bytes read at a time
MAX_LINE = CHUNK  # bytes; a warp's 32 addresses take 700
MAX_DICTIONARY = 1 << 27  # bytes, as zstd's own default, of what a stream may look back on
BROKEN = (lzma.LZMAError, zlib.error, zstd.ZstdError, OSError)  # what decompressors raise of damaged data
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


class Decompressor(Protocol):
    """What lzma's and zstd's decompressors of one stream have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def xz() -> Decompressor:
    # A little more than the dictionary is what the decoder itself needs.
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=MAX_DICTIONARY + (1 << 24))


def zstandard(dictionary: zstd.ZstdDict | None = None) -> Decompressor:
    most = MAX_DICTIONARY.bit_length() - 1
    return zstd.ZstdDecompressor(dictionary, options={zstd.DecompressionParameter.window_log_max: most})


def _decompressed(path: Path, file: BinaryIO, head: bytes) -> Iterator[bytes]:
    if head == XZ:
        yield from _unpacked(path, _streams(file, xz))
    elif head.startswith(GZIP):
        opened = gzip.open(file)  # noqa: SIM115  (it holds nothing but the file, which its opener closes)
        yield from _unpacked(path, iter(lambda: opened.read(CHUNK), b""))
    elif head.startswith(ZSTD):
        yield from _unpacked(path, _streams(file, zstandard))
    else:
        yield from iter(lambda: file.read(CHUNK), b"")


def _streams(file: BinaryIO, new: Callable[[], Decompressor]) -> Iterator[bytes]:
    """Decompress one stream after another, each within the memory its dictionary may take."""
    data = file.read(CHUNK)
    while data:
        stream = new()
        yield from stream_of(stream, data, lambda: file.read(CHUNK))
        data = stream.unused_data.lstrip(b"\0")  # streams may be padded
        while not data and (more := file.read(CHUNK)):
            data = more.lstrip(b"\0")


def stream_of(stream: Decompressor, data: bytes, more: Callable[[], bytes]) -> Iterator[bytes]:
    """Decompress one stream that begins with `data` and goes on with what `more` returns, in pieces of CHUNK at most.

    Raises:
        EOFError: where the stream does not end.
    """
    while not stream.eof:
        if stream.needs_input and not data:
            data = more()
            if not data:
                raise EOFError
        yield stream.decompress(data, CHUNK)
        data = b""


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
    except BROKEN as error:
        raise InputError(f"{path}: damaged: cannot be decompressed ({error}); copy it anew") from None
    if empty:
        raise InputError(f"{path}: empty once decompressed; give a trace file")


def lines(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Yield a text as uint8 arrays of whole lines, the last one with a newline too, and the first line's number.

    Raises:
        InputError: as `pieces`, and for a line, or blank lines, longer than MAX_LINE.
    """
    held, line, blank = b"", 1, 0
    for piece in pieces(path):
        cut = piece.rfind(b"\n") + 1
        whole = held + piece[:cut] if cut else b""
        held = piece[cut:] if cut else held + piece
        if whole:
            first = whole.find(b"\n")
            if first > MAX_LINE:
                raise _long(path, line)
            blank = blank + len(whole) if whole.isspace() else 0
            if blank > MAX_LINE:
                raise InputError(f"{path}: line {line}: more than {MAX_LINE} bytes of blank lines; give a text trace")
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
