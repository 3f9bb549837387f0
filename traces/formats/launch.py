"""The head of an Accel-Sim kernel trace: lines of `-name = value` that say what was launched.

Source: gpu-simulator/trace-parser/trace_parser.cc of Accel-Sim.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from traces.errors import InputError
from traces.formats import source
from traces.formats.tracez import is_packed
from traces.trace import Kernel

VERSIONS = range(3, 7)
_TRIPLE = r"\((\d{1,10}),(\d{1,10}),(\d{1,10})\)"


@dataclass(frozen=True)
class Launch:
    """What the head of a kernel's trace says."""

    path: Path
    kernel: Kernel
    threads: int  # of a block
    registers: int  # of a thread
    shared_bytes: int  # of a block
    numbered: bool  # each instruction begins with the number of its source line
    packed: bool  # a .tracez


def read_launch(path: Path) -> Launch:
    """Return what stands before a file's first thread block.

    Raises:
        InputError: naming the file and what is wrong with its head.
    """
    head = source.head(path)
    packed = is_packed(head)
    lines = (head[: head.index(0)] if packed else head).decode(errors="backslashreplace").split("\n")
    found: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if line.startswith("#"):
            return _launch(path, found, packed)
        if line.startswith("-"):
            name, equals, value = line[1:].partition("=")
            if not equals:
                raise InputError(f"{path}: line {number}: {line[:60]!r} sets nothing; give -name = value")
            found[name.strip()] = value.strip()
        elif line:
            break
    else:
        if packed and found:  # whose text ends with its head
            return _launch(path, found, packed)
    raise InputError(f"{path}: not a kernel trace: no head of lines such as '-kernel name = ..', then '#traces format'")


def _launch(path: Path, found: dict[str, str], packed: bool) -> Launch:
    def number(name: str, default: int | None = None) -> int:
        text = found.get(name, "" if default is None else str(default))
        if not re.fullmatch(r"\d{1,10}", text, re.ASCII):
            raise InputError(f"{path}: its head has {name} = {text[:60]!r}; give a whole number below 10**10")
        return int(text)

    def lengths(name: str) -> tuple[int, int, int]:
        right = re.fullmatch(_TRIPLE, found.get(name, ""), re.ASCII)
        if right is None:
            raise InputError(f"{path}: its head has {name} = {found.get(name, '')[:60]!r}; give (x,y,z)")
        x, y, z = map(int, right.groups())
        if x * y * z >= 2**63:
            raise InputError(f"{path}: its head has {name} = {found[name]}; give less than 2**63 in all")
        return x, y, z

    version = number("accelsim tracer version")
    if version not in VERSIONS:
        raise InputError(
            f"{path}: of tracer version {version}; give one of versions {VERSIONS[0]} to {VERSIONS[-1]}, post-processed"
        )
    grid, block = lengths("grid dim"), lengths("block dim")
    name = found.get("kernel name") or path.name
    layer = f"kernel {number('kernel id', 0)} grid {'x'.join(map(str, grid))} block {'x'.join(map(str, block))}"
    kernel = Kernel(name, "", layer, "forward", grid[0] * grid[1] * grid[2], 0)
    threads = block[0] * block[1] * block[2]
    numbered = number("enable lineinfo", 0) != 0
    return Launch(path, kernel, threads, number("nregs", 0), number("shmem", 0), numbered, packed)
