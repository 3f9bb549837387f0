"""Blocks to profile: small graphs told by a few numbers, one a line in a YAML file.

A block is a section of a network, or several in a row (`sections:`), each `repeat` times.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from circuits.yaml_file import read_yaml
from hwmodel.latency.graph import Graph, Value
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.profile.sections import SECTIONS

DEFAULT = Path(__file__).parent / "blocks.yaml"
LIMIT_BYTES = 1 << 30  # of any one value
MOST = 1 << 16  # channels, pixels, repeats
_FRAME = {"kind", "side", "channels", "repeat", "sections"}


@dataclass(frozen=True)
class Section:
    """A section, `repeat` times in a row: the later ones at the width and size that the first leaves."""

    kind: str  # one of SECTIONS
    repeat: int
    options: Mapping[str, Any]  # its own

    def write(self, w: Writer, x: Value) -> Value:
        y = SECTIONS[self.kind](w, x, **self.options)
        further = {name: value for name, value in self.options.items() if name != "stride"}
        for _ in range(self.repeat - 1):
            y = SECTIONS[self.kind](w, y, **further)
        return y


@dataclass(frozen=True)
class Block:
    """Sections of a network, one after another."""

    name: str
    channels: int  # of the input; features, of a linear layer's
    side: int  # pixels of the input's height and width; 0 where it is no image
    sections: tuple[Section, ...]

    @property
    def kind(self) -> str:
        """The kind that most of its sections are of."""
        kinds = [section.kind for section in self.sections]
        return max(kinds, key=lambda kind: (kinds.count(kind), kinds.index(kind)))

    def graph(self) -> Graph:
        """Return the block as a graph, of one image."""
        w = Writer()
        x = w.input(1, self.channels, self.side, self.side) if self.side else w.input(1, self.channels)
        for section in self.sections:
            x = section.write(w, x)
        return w.graph(x)


def read_blocks(path: Path) -> list[Block]:
    """Return the blocks of a file.

    Raises:
        InputError: for a file that cannot be read, or a block that cannot be; the line names the block.
    """
    document = read_yaml(path)
    blocks = document.get("blocks")
    if not isinstance(blocks, dict) or not blocks:
        raise InputError(f"{path}: give `blocks:`, a map from a name to kind, side, channels and the kind's options")
    made = []
    for name, given in blocks.items():
        try:
            made.append(block(str(name), given))
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
    return made


def block(name: str, given: object) -> Block:
    """Return the block that a line of a file tells.

    Raises:
        InputError: where no network comes of it.
    """
    if not isinstance(given, Mapping):
        raise InputError(f"block {name}: give a kind, one of {', '.join(SECTIONS)}")
    within = given.get("sections")
    if within is None:
        parts = (_section(name, given, _FRAME),)
    elif not isinstance(within, list) or not within or set(given) - {"channels", "side", "sections"}:
        raise InputError(f"block {name}: with sections: a list of them, side and channels, and nothing else")
    else:
        parts = tuple(_section(name, part, {"kind", "repeat"}) for part in within)
    channels, side = (_whole(name, key, given.get(key, fallback), least)
                      for key, fallback, least in (("channels", None, 1), ("side", 0, 0)))  # fmt: skip
    made = Block(name, channels, side, parts)
    try:
        values = made.graph().values()
    except (TypeError, ValueError, ArithmeticError, IndexError) as error:
        raise InputError(f"block {name}: no network comes of it: {' '.join(str(error).split())}") from None
    for value in values.values():
        if min(value.shape) < 1 or value.nbytes > LIMIT_BYTES:
            raise InputError(f"block {name}: a value of shape {value.shape}; give it elements, and less than 1 GiB")
    return made


def _section(name: str, given: object, frame: set[str]) -> Section:
    if not isinstance(given, Mapping) or given.get("kind") not in SECTIONS:
        raise InputError(f"block {name}: give a kind, one of {', '.join(SECTIONS)}")
    kind = str(given["kind"])
    options = {str(key): value for key, value in given.items() if key not in frame}
    known = list(inspect.signature(SECTIONS[kind]).parameters)[2:]
    if unknown := sorted(set(options) - set(known)):
        raise InputError(f"block {name}: unknown {', '.join(unknown)}; a {kind} has {', '.join(known)}")
    return Section(kind, _whole(name, "repeat", given.get("repeat", 1), 1), options)


def _whole(name: str, key: str, value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MOST:
        raise InputError(f"block {name}: {key}: {value!r} is no whole number from {least} to {MOST}")
    return value
