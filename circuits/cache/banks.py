"""The tag and the data banks that a cache may be made of, with everything that they rest on."""

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from circuits.array.assumptions import Assumptions, load_assumptions
from circuits.array.bank import Banks, Figures, evaluate
from circuits.array.cache import data_content, tag_bits, tag_content
from circuits.array.choices import load_choices
from circuits.array.designed import Designed, metal_of, process_of
from circuits.array.driver import STYLES
from circuits.array.organisation import Form, Organisations
from circuits.array.process import Metal, Process
from circuits.array.search import Pairs
from circuits.array.space import NAMES, Found, Limits, explore
from circuits.cache.request import Request
from circuits.cells.design import build_cell
from circuits.devices.node import Node
from circuits.errors import InputError

WIRES = {"repeated": "repeated", "unrepeated": "bare"}
TAG_CELL = "sram"
STRAP = "intermediate"  # the level that word lines are strapped in
LEAST_ROWS, MOST_ROWS, MOST_COLUMNS = 16, 1024, 2048
MUXES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 48, 64, 96, 128)
LEAST_BITS = 13  # log2 of the smallest subarrays that a search cuts a bank into
PARTS = tuple(field.name for field in fields(Organisations))


class _Recent:
    """The last few searches, each beside all that it rests on: another target or limit is chosen from the same banks.

    What they rest on has parts that do not hash, so that they are compared.
    """

    def __init__(self, most: int) -> None:
        self._kept: deque[tuple[Any, Found]] = deque(maxlen=most)

    def get(self, key: Any, search: Callable[[], Found]) -> Found:
        """Return what was found for an equal key, or search and keep what is found."""
        for known, found in tuple(self._kept):
            if known == key:
                return found
        found = search()
        self._kept.append((key, found))
        return found


_SEARCHES = _Recent(12)  # tags and data of three modes, of two caches; each some megabytes


@dataclass(frozen=True)
class Maker:
    """What banks are made from at a node: devices, assumptions, cells, metals."""

    node: Node
    process: Process
    given: Assumptions
    cell: Designed
    tag_cell: Designed
    strap: Metal
    trunk: Metal
    notes: tuple[str, ...]

    @classmethod
    def of(cls, node: Node, cell: str, assumptions: str, wires: str, ports: int = 1,
           cell_node: Node | None = None) -> "Maker":  # fmt: skip
        """Return the maker of caches of a cell at a node; SRAM cells may be of other devices, `cell_node`'s.

        Raises:
            InputError: an unknown cell, set of assumptions or kind of wires, or ports that the cell cannot have.
        """
        if wires not in WIRES:
            raise InputError(f"wires {wires!r}: unknown; known are {', '.join(WIRES)}")
        given = load_assumptions(assumptions)
        bits, tags = (build_cell(one, node, ports, cell_node) for one in (cell, TAG_CELL))
        given = replace(given, buses=given.buses * ports)
        choices, notes = load_choices()
        low = (f"SRAM cells of the leakage school {cell_node.leakage}, by a higher threshold",) if cell_node else ()
        said = (
            f"global wires: {wires}",
            *low,
            *node.assumptions,
            *bits.assumptions,
            *tags.assumptions,
            *given.notes,
            *notes,
        )
        trunk = metal_of(node, "global", WIRES[wires])
        process = process_of(node, given.logic_leak_share)
        cells = [Designed(one, node, choices, int(ports)) for one in (bits, tags)]
        return cls(node, process, given, cells[0], cells[1], metal_of(node, STRAP), trunk, tuple(dict.fromkeys(said)))

    def pairs(self, request: Request, mode: str) -> Pairs:
        """Return all banks that a request allows in a mode: every organisation, or the one that it names."""
        tags, datas = self._tags(request, mode), self._datas(request, mode)
        if request.protection:
            encode, decode = request.protection.encode, request.protection.decode
            datas = replace(
                datas, read_s=datas.read_s + decode.delay_s, rest_s=datas.rest_s + decode.delay_s,
                write_s=datas.write_s + encode.delay_s, read_J=datas.read_J + decode.energy_J,
                write_J=datas.write_J + encode.energy_J,
                leakage_W=datas.leakage_W + encode.leakage_W + decode.leakage_W,
                area_m2=datas.area_m2 + encode.area_m2 + decode.area_m2,
            )  # fmt: skip
        return Pairs(mode, tags, datas)

    def _of_any_shape(self) -> "Maker":
        """Return a maker that refuses no bank for its shape: an organisation that is kept is kept."""
        return replace(self, given=replace(self.given, highest_aspect=math.inf))

    def _tags(self, request: Request, mode: str) -> Found:
        cache = request.shape
        if request.organization is not None:
            at = _named(request.organization, "tag")
            return as_found(self._of_any_shape().tag(request, mode, at), at)
        bits = cache.sets * cache.ways * tag_bits(self.given, cache)
        parts = (self.process, self.given, self.tag_cell, self.strap, self.trunk)
        return _SEARCHES.get(("tag", mode, cache, *parts), lambda: explore(
            *parts, limits_of(bits, cache.sets), lambda at: tag_content(self.given, mode, cache, at)))  # fmt: skip

    def _datas(self, request: Request, mode: str) -> Found:
        cache = request.shape
        if request.organization is not None:
            at = _named(request.organization, "data")
            return as_found(self._of_any_shape().data(request, mode, at), at)
        content, bits = data_content(self.given, mode, cache), cache.sets * cache.ways * cache.word_bits
        parts = (self.process, self.given, self.cell, self.strap, self.trunk)
        return _SEARCHES.get(("data", mode, cache, *parts), lambda: explore(
            *parts, limits_of(bits, cache.sets), lambda _: content))  # fmt: skip

    def refusal(self, request: Request) -> str:
        """Return which limit a kept organisation breaks, and its value; empty where none that depends on rows alone."""
        found, mode = self._of_any_shape(), request.modes[0]
        for part, cell, made in (("tag", self.tag_cell, found.tag), ("data", self.cell, found.data)):
            banks = made(request, mode, _named(request.organization or {}, part))
            rows = int(banks.rows[0])
            why = "" if bool(np.all(banks.fits)) else cell.refusal(self.process, rows)
            if why:
                return f"its {part} subarrays have {rows} rows; at {self.node.temperature_K:g} K, {why}"
        return ""

    def tag(self, request: Request, mode: str, at: Organisations) -> Banks:
        """Return tag banks at organisations, with their parts."""
        content = tag_content(self.given, mode, request.shape, at)
        return evaluate(self.process, self.given, self.tag_cell, self.strap, self.trunk, content, at)

    def data(self, request: Request, mode: str, at: Organisations) -> Banks:
        """Return data banks at organisations, with their parts, without a code's circuits."""
        content = data_content(self.given, mode, request.shape)
        return evaluate(self.process, self.given, self.cell, self.strap, self.trunk, content, at)


def limits_of(bits: int, sets: int) -> Limits:
    """Return how far a bank of so many bits and sets may be cut: not into subarrays of less than 8 Kibit throughout."""
    side = max((bits.bit_length() - LEAST_BITS) // 2 + 2, 3)  # even a single word must find a shape
    return Limits(min(side, 10), (MUXES, (1,), (1,)), full=False, rows=MOST_ROWS, columns=MOST_COLUMNS,
                  least_rows=LEAST_ROWS if sets >= 4 * LEAST_ROWS else 1)  # fmt: skip


def _named(organization: Mapping[str, Any], part: str) -> Organisations:
    """Return the organisation that a design's `organization` names for its tags or its data."""
    try:
        named = organization[part]
        at = {name: named[name] for name in PARTS}
        at["style"] = STYLES[at["style"]]
        return Organisations(**{name: np.array([int(value)]) for name, value in at.items()})
    except (KeyError, TypeError, ValueError):
        raise InputError(f"organization: lacks what names its {part}; give a design's own organization") from None


def as_found(banks: Banks, at: Organisations) -> Found:
    """Return one bank, evaluated alone, as a search of one finds it; as none where it does not fit."""
    figures = Figures(*(np.atleast_1d(getattr(banks, name)) for name in NAMES))
    form = Form(banks.rows, banks.columns, at.mux, at.mux_1, at.mux_2, at.style)
    zero = np.zeros(1, dtype=int)
    found = Found(**vars(figures), frame=zero, mat=zero, frames=at, kinds=form)
    return found if bool(np.all(banks.fits)) else found.take(zero[:0])


def as_document(at: Organisations, banks: Banks) -> dict[str, Any]:
    """Return one organisation by name: mats and subarrays, rows and columns, multiplexers."""
    names = {value: name for name, value in STYLES.items()}
    found: dict[str, Any] = {"rows": int(banks.rows[0]), "columns": int(banks.columns[0])}
    found |= {name: int(getattr(at, name)[0]) for name in PARTS if name != "style"}
    count = found["bank_rows"] * found["bank_columns"] * found["mat_rows"] * found["mat_columns"]
    active = found["active_rows"] * found["active_columns"] * found["sub_rows"] * found["sub_columns"]
    return found | {"style": names[int(at.style[0])], "subarrays": count, "active_subarrays": active}
