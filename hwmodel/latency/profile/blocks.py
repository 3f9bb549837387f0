"""Blocks to profile: small graphs told by a few numbers, one a line in a YAML file."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from circuits.yaml_file import read_yaml
from hwmodel.latency.graph import Graph
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.profile.sections import SECTIONS

DEFAULT = Path(__file__).parent / "blocks.yaml"
LIMIT_BYTES = 1 << 30  # of any one value
MOST = 1 << 16  # channels, pixels, repeats
_FRAME = {"kind", "side", "channels", "repeat"}


@dataclass(frozen=True)
class Block:
    """A section of a network, `repeat` times in a row: the later ones at the width and size that the first leaves."""

    name: str
    kind: str  # one of SECTIONS
    channels: int  # of the input; features, of a linear layer's
    side: int  # pixels of the input's height and width; 0 where it is no image
    repeat: int
    options: Mapping[str, Any]  # the section's own

    def graph(self) -> Graph:
        """Return the block as a graph, of one image."""
        w = Writer()
        x = w.input(1, self.channels, self.side, self.side) if self.side else w.input(1, self.channels)
        y = SECTIONS[self.kind](w, x, **self.options)
        further = {name: value for name, value in self.options.items() if name != "stride"}
        for _ in range(self.repeat - 1):
            y = SECTIONS[self.kind](w, y, **further)
        return w.graph(y)


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
    if not isinstance(given, Mapping) or given.get("kind") not in SECTIONS:
        raise InputError(f"block {name}: give a kind, one of {', '.join(SECTIONS)}")
    kind = str(given["kind"])
    channels, side, repeat = (
        _whole(name, key, given.get(key, fallback), least)
        for key, fallback, least in (("channels", None, 1), ("side", 0, 0), ("repeat", 1, 1))
    )
    options = {str(key): value for key, value in given.items() if key not in _FRAME}
    known = list(inspect.signature(SECTIONS[kind]).parameters)[2:]
    if unknown := sorted(set(options) - set(known)):
        raise InputError(f"block {name}: unknown {', '.join(unknown)}; a {kind} has {', '.join(known)}")
    made = Block(name, kind, channels, side, repeat, options)
    try:
        values = made.graph().values()
    except (TypeError, ValueError, ArithmeticError, IndexError) as error:
        raise InputError(f"block {name}: no network comes of it: {' '.join(str(error).split())}") from None
    for value in values.values():
        if min(value.shape) < 1 or value.nbytes > LIMIT_BYTES:
            raise InputError(f"block {name}: a value of shape {value.shape}; give it elements, and less than 1 GiB")
    return made


def _whole(name: str, key: str, value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MOST:
        raise InputError(f"block {name}: {key}: {value!r} is no whole number from {least} to {MOST}")
    return value
