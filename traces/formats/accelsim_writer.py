"""A trace as Accel-Sim's kernel traces: a folder with a kernelslist.g and a .traceg file a kernel.

A kernel becomes one thread block of one warp, so that every order of reading is the stream's. An instruction accesses
up to 16 sectors, as 32 lanes of 16 bytes; a sector that is written in part is an instruction of its own, of one byte,
which is all that the format's lanes can say of it. Registers and PCs stand for nothing.
"""

import os
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np

from traces.errors import InputError
from traces.formats.compiled import Whole, inner, kernel
from traces.formats.expand import Accesses, accesses
from traces.trace import Kernel, Trace

VERSION = 5
SECTORS = 16  # of an instruction
LINE = 640  # bytes, more than the longest
FAR = np.int64(1 << 40)  # the widest step between two lanes
_INSTS = b"insts = "
_DIGITS = 20  # kept free for the number of instructions, known at the end


def _word(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


_LOAD, _STORE = _word(" 1 R1 LDG.E.128.SYS 1 R2 16 2 0x"), _word(" 0 STG.E.128.SYS 2 R2 R1 16 2 0x")
_BYTE = _word("0000 00000001 0 STG.E.U8.SYS 2 R2 R1 1 2 0x")


@inner
def _put(out: np.ndarray, at: Whole, word: np.ndarray) -> Whole:
    for i in range(len(word)):
        out[at + i] = word[i]
    return at + len(word)


@inner
def _hexadecimal(out: np.ndarray, at: Whole, value: np.uint64, digits: Whole) -> Whole:
    for i in range(digits):
        digit = np.int64(value >> np.uint64(4 * (digits - 1 - i))) & 15
        out[at + i] = digit + (48 if digit < 10 else 87)
    return at + digits


@inner
def _decimal(out: np.ndarray, at: Whole, value: np.int64) -> Whole:
    if value < 0:
        out[at] = 45
        at, value = at + 1, -value
    unit = np.int64(1)
    while value // unit >= 10:
        unit *= 10
    while unit > 0:
        out[at] = 48 + value // unit % 10
        at, unit = at + 1, unit // 10
    return at


@kernel
def _lines(found: Accesses, start: int, stop: int, out: np.ndarray) -> tuple[Whole, int]:
    """Write the accesses from `start` to `stop` as instructions; return how many bytes and how many instructions."""
    at, count, i = 0, 0, start
    low = np.uint64(31)
    while i < stop:
        count += 1
        if found.write[i] and not found.whole[i]:
            at = _hexadecimal(out, _put(out, at, _BYTE), found.address[i], 16)
            out[at], out[at + 1], out[at + 2] = 32, 48, 10
            at, i = at + 3, i + 1
            continue
        end = i + 1
        while end < stop and end - i < SECTORS and found.write[end] == found.write[i]:
            step = np.int64(found.address[end] & ~low) - np.int64(found.address[end - 1] & ~low)
            again = found.write[end] and not found.whole[end]
            for other in range(i, end):
                again |= found.address[other] & ~low == found.address[end] & ~low
            if again or step > FAR or step < -FAR:
                break
            end += 1
        mask = (np.uint64(1) << np.uint64(2 * (end - i))) - np.uint64(1)
        at = _hexadecimal(out, at, np.uint64(0), 4)
        out[at] = 32
        at = _hexadecimal(out, at + 1, mask, 8)
        at = _put(out, at, _STORE if found.write[i] else _LOAD)
        at = _hexadecimal(out, at, found.address[i] & ~low, 16)
        for place in range(i, end):
            if place > i:
                out[at] = 32
                at = _decimal(
                    out, at + 1, np.int64((found.address[place] & ~low) - (found.address[place - 1] & ~low)) - 16
                )
            out[at], out[at + 1], out[at + 2] = 32, 49, 54
            at += 3
        out[at], out[at + 1], out[at + 2] = 32, 48, 10
        at, i = at + 3, end
    return at, count


def _head(one: Kernel, number: int) -> bytes:
    name = " ".join(one.name.split()) or "kernel"
    lines = f"""-kernel name = {name}
-kernel id = {number}
-grid dim = (1,1,1)
-block dim = (32,1,1)
-shmem = 0
-nregs = 16
-binary version = 70
-cuda stream id = 0
-shmem base_addr = 0x0000000000000000
-local mem base_addr = 0x0000000000000000
-nvbit version = 1.5
-accelsim tracer version = {VERSION}
-enable lineinfo = 0

#traces format = PC mask dest_num [reg_dests] opcode src_num [reg_srcs] mem_width [mode] [mem_addresses] immediate

"""
    return lines.encode()


def write(trace: Trace, path: Path) -> None:
    """Write a trace as a folder that appears whole or not at all.

    Raises:
        InputError: for a folder that is there or cannot be made, sectors other than of 32 bytes, and a stream that goes
            back to an earlier kernel.
    """
    if path.suffix in {".traceg", ".xz", ".g"}:
        raise InputError(f"{path}: a name of a file; give that of a folder to make, and --format accelsim")
    if trace.header.sector_bytes != 2 * SECTORS:
        raise InputError(f"{path}: sectors of {trace.header.sector_bytes} B; Accel-Sim's are of 32")
    try:
        if path.exists() or path.is_symlink():
            raise InputError(f"{path}: is there already; give the name of a folder to make")
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name[:100]}.", dir=path.parent))
        try:
            _write(trace, folder, path)
            mask = os.umask(0)
            os.umask(mask)
            folder.chmod(0o777 & ~mask)  # mkdtemp's folders are the owner's alone
            folder.rename(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _write(trace: Trace, folder: Path, path: Path) -> None:
    names = [f"kernel-{number}.traceg" for number in range(1, len(trace.kernels) + 1)]
    (folder / "kernelslist.g").write_text("".join(f"{name}\n" for name in names))
    now, file, count, place = -1, None, 0, 0
    try:
        for found in accesses(trace):
            edges = [0, *(np.flatnonzero(np.diff(found.kernel)) + 1).tolist(), len(found.kernel)]
            for start, stop in pairwise(edges):
                index = int(found.kernel[start])
                if index < now:
                    raise InputError(f"{path}: kernels {index} and {now} overlap, which Accel-Sim's format cannot say")
                if index != now:
                    _end(file, place, count)
                    file = _begin(trace.kernels, folder, names, range(now + 1, index + 1))
                    now, count, place = index, 0, file.tell() - _DIGITS - 1
                out = np.empty(LINE * (stop - start), np.uint8)
                size, more = _lines(found, start, stop, out)
                file.write(out[:size].tobytes())  # type: ignore[union-attr]
                count += more
        _end(file, place, count)
        file = None
        for index in range(now + 1, len(names)):
            (folder / names[index]).write_bytes(_head(trace.kernels[index], index + 1))
    finally:
        if file is not None:
            file.close()


def _begin(kernels: list[Kernel], folder: Path, names: list[str], indices: range) -> BinaryIO:
    """Write the heads of kernels without an access, and open the file of the last, up to its first instruction."""
    for index in indices[:-1]:
        (folder / names[index]).write_bytes(_head(kernels[index], index + 1))
    index = indices[-1]
    file = (folder / names[index]).open("wb")
    start = b"#BEGIN_TB\n\nthread block = 0,0,0\n\nwarp = 0\n"
    file.write(_head(kernels[index], index + 1) + start + _INSTS + b" " * _DIGITS + b"\n")
    return file


def _end(file: BinaryIO | None, place: int, count: int) -> None:
    if file is None:
        return
    file.write(b"\n#END_TB\n")
    file.seek(place)
    file.write(str(count).encode())
    file.close()
