"""Accel-Sim's .tracez: a kernel trace whose warps' instructions are compressed, each warp's apart from the others'.

    head, as of a .traceg, and a null character
    u32 bytes of a zstd dictionary; u32 instructions of a piece; the dictionary, where there is one
    a warp: u32 instructions, u32 pieces; a piece: u32 bytes, a zstd frame of lines with newlines between them
    u32 blocks; a block: u32 [11] its place, its cluster's, in that and its rank, and its warps;
        a warp: u32 instructions, u32 pieces, u64 where it begins; u32 a piece: instructions
    u64 where the blocks are counted        (little-endian)

Blocks and warps become the text that a .traceg holds, piece by piece: neither the index nor a warp is held whole.

Source: util/tracer_nvbit/tracer_tool/tracez_format.h and traces-processing/post-traces-processing.cpp of Accel-Sim.
"""

import os
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn

import numpy as np

from traces.errors import InputError
from traces.formats import source

MAX_TRAINED = 1 << 24  # bytes of the dictionary; Accel-Sim's have 64 KiB
_TRAINED = b"\x37\xa4\x30\xec"  # how zstd's own dictionaries begin; any other bytes serve as well
_SIZES, _BLOCK, _WARP, _COUNT, _END = (struct.Struct(f"<{one}") for one in ("II", "11I", "IIQ", "I", "Q"))


class Place(NamedTuple):
    """Where in the file a stretch of text comes from."""

    at: int  # byte of the text at which it begins
    warp: str
    instruction: int  # the number of its first, within the warp


def is_packed(head: bytes) -> bool:
    """Return whether a kernel trace that begins so is a .tracez."""
    end = head.find(0)
    return end >= 0 and b"#BEGIN_TB" not in head[:end]


def place(text: np.ndarray, at: int, places: list[Place]) -> str:
    """Return where in the file a text's byte comes from."""
    found = places[max(0, bisect_right([one.at for one in places], at) - 1)]
    return f"{found.warp} instruction {found.instruction + text[found.at : at].tobytes().count(10)}"


def texts(path: Path) -> Iterator[tuple[np.ndarray, list[Place]]]:
    """Yield a file's thread blocks as the uint8 text of a .traceg, whole lines at a time, and where they come from.

    Raises:
        InputError: naming the file, and the block and warp that are truncated or damaged.
    """
    held, places = bytearray(), [Place(0, "the first block", 1)]
    for data, warp, instruction in _stretches(path):
        if warp:
            places.append(Place(len(held), warp, instruction))
        held += data
        if len(held) >= source.CHUNK:
            yield np.frombuffer(bytes(held), np.uint8), places
            held, places = bytearray(), [Place(0, warp or places[-1].warp, instruction)]
    if held:
        yield np.frombuffer(bytes(held), np.uint8), places


def _stretches(path: Path) -> Iterator[tuple[bytes, str, int]]:
    """Yield whole lines, and of instructions their warp and the first one's number in it."""
    try:
        with path.open("rb") as file, path.open("rb") as index:
            yield from _File(path, file, index).blocks()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}; give a trace file") from None


@dataclass
class _File:
    """A file that is read at two places: at its pieces and, in step with them, at the index after them."""

    path: Path
    pieces: BinaryIO
    index: BinaryIO

    def blocks(self) -> Iterator[tuple[bytes, str, int]]:
        self._open()
        (count,) = self._next(_COUNT)
        for _ in range(count):
            x, y, z, *_, warps = self._next(_BLOCK)
            yield b"#BEGIN_TB\nthread block = %d,%d,%d\n" % (x, y, z), "", 1
            for warp in range(warps):
                yield from self._warp(warp, f"block {x},{y},{z} warp {warp}")
            yield b"#END_TB\n", "", 1
        if self.index.tell() != self.size - _END.size:
            self._damaged("its index ends elsewhere than it says")

    def _open(self) -> None:
        """Find the index, the dictionary and where the first warp begins."""
        head = self.pieces.read(1 << 16)
        if head.startswith((source.XZ, source.GZIP, source.ZSTD)):
            raise InputError(f"{self.path}: a .tracez that was compressed once more; decompress it first")
        if 0 not in head:
            self._damaged("no null character ends its head")
        self.size = self.pieces.seek(0, os.SEEK_END)
        self.at = self.pieces.seek(head.index(0) + 1)
        self.end = self.size - _END.size
        length, _ = self._take(_SIZES, "its head")
        if length > MAX_TRAINED:
            self._damaged(f"its dictionary has {length} bytes, more than {MAX_TRAINED}")
        content = self.pieces.read(length)
        self.at += length
        try:
            raw = not content.startswith(_TRAINED)
            self.dictionary = source.zstd.ZstdDict(content, is_raw=raw) if length else None
            source.zstandard(self.dictionary)
        except (source.zstd.ZstdError, ValueError) as error:
            self._damaged(f"its dictionary is none ({error})")
        self.index.seek(max(self.end, 0))
        (self.end,) = self._next(_END)
        if not self.at <= self.end <= self.size - _END.size - _COUNT.size:
            self._damaged("it ends with no place of an index")
        self.index.seek(self.end)

    def _warp(self, number: int, name: str) -> Iterator[tuple[bytes, str, int]]:
        instructions, pieces, begin = self._next(_WARP)
        if begin < self.at:
            self._damaged(f"{name} begins within what stands before it")
        self.at = self.pieces.seek(begin) if begin <= self.end else self._damaged(f"{name} begins within the index")
        if self._take(_SIZES, name) != (instructions, pieces):
            self._damaged(f"{name} has another number of instructions or pieces than its index says")
        yield b"warp = %d\ninsts = %d\n" % (number, instructions), "", 1
        done = 0
        for _ in range(pieces):
            (count,) = self._next(_COUNT)
            (length,) = self._take(_COUNT, name)
            if self.at + length > self.end:
                self._damaged(f"{name} reaches into the index")
            if done + count > instructions:
                self._damaged(f"{name} has more instructions in its pieces than in all")
            yield from self._piece(length, count, name, done + 1)
            self.at = self.pieces.seek(self.at + length)
            done += count
        if done != instructions:
            self._damaged(f"{name} has {done} instructions in its pieces, {instructions} in all")

    def _piece(self, length: int, count: int, name: str, first: int) -> Iterator[tuple[bytes, str, int]]:
        """Yield the whole lines of a piece of `length` bytes and `count` instructions, from number `first` on."""
        left = length

        def more() -> bytes:
            nonlocal left
            data = self.pieces.read(min(source.CHUNK, left))
            left -= len(data)
            return data

        held, done = b"", 0
        stream = source.zstandard(self.dictionary)
        try:
            for text in source.stream_of(stream, b"", more):
                cut = text.rfind(b"\n") + 1
                whole, held = (held + text[:cut], text[cut:]) if cut else (b"", held + text)
                if len(held) > source.MAX_LINE:
                    self._damaged(f"{name} instruction {first + done} is longer than {source.MAX_LINE} bytes")
                lines = whole.count(b"\n")
                if done + lines > count:
                    self._damaged(f"{name} holds more than the {count} instructions of a piece")
                if lines:
                    yield whole, name, first + done
                done += lines
        except EOFError:
            self._damaged(f"{name}: a piece of its compressed data ends too early")
        except source.BROKEN as error:
            self._damaged(f"{name}: a piece cannot be decompressed ({error})")
        if left or stream.unused_data:
            self._damaged(f"{name}: a piece is longer than its compressed data")
        if done + 1 != count:
            self._damaged(f"{name} holds {done + 1} instructions in a piece of {count}")
        yield held + b"\n", name, first + done

    def _take(self, what: struct.Struct, name: str) -> tuple[int, ...]:
        """Read numbers before the index."""
        data = self.pieces.read(what.size)
        self.at += what.size
        if len(data) < what.size or self.at > self.end:
            self._damaged(f"{name} is cut short")
        return what.unpack(data)

    def _next(self, what: struct.Struct) -> tuple[int, ...]:
        """Read numbers of the index."""
        data = self.index.read(what.size)
        if len(data) < what.size:
            self._damaged("its index is cut short")
        return what.unpack(data)

    def _damaged(self, why: str) -> NoReturn:
        raise InputError(f"{self.path}: truncated or damaged: {why}; copy it anew")
