"""Design a cache: search the organisations of its tags and data for the best under a target."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from numbers import Integral
from typing import Any

import numpy as np

from circuits.array.bank import WIRES, Bank, Shape, Space, evaluate, space
from circuits.array.figures import Figures, load_figures
from circuits.array.gates import LEAKING, Inverter
from circuits.cache.modes import MODES, Compare, Totals, combine, guarded
from circuits.cache.targets import TARGETS
from circuits.cells.cell import Cell
from circuits.cells.design import build_cell
from circuits.data import physical
from circuits.devices.node import Node, load_node
from circuits.ecc import Protection, protect
from circuits.errors import InputError
from circuits.quantity import parse_bytes

TAG_CELL = "sram"
LINES = (16, 512)
MOST_WAYS = 64
FIELDS = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W", "area_m2")


@dataclass(frozen=True)
class CacheDesign:
    """The best cache found. SI units; latencies and energies are of a hit that reads or writes one whole line.

    `leakage_W` is the power at rest: what leaks, and `refresh_W`, which keeps cells that forget. `searched` counts the
    organisations evaluated; `works` and `assumptions` are all that the figures rest on.
    """

    cell: str
    node: str
    capacity_bytes: int
    ways: int
    line_bytes: int
    read_latency_s: float
    write_latency_s: float
    read_energy_J: float
    write_energy_J: float
    leakage_W: float
    area_m2: float
    organization: dict[str, Any]
    searched: int
    target: str
    mode: str
    temperature_K: float
    vdd_V: float
    leakage: str
    wires: str
    refresh_W: float = 0.0
    ecc: str | None = None
    works: dict[str, str] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the design as a JSON-able document."""
        return asdict(self)


@dataclass(frozen=True)
class Request:
    """A cache asked for, checked."""

    capacity_bytes: int
    ways: int
    line_bytes: int
    target: str
    modes: tuple[str, ...]
    organization: Mapping[str, Any] | None = None

    protection: Protection | None = None

    @property
    def line_bits(self) -> int:
        """Bits stored of a line, check bits included."""
        return 8 * self.line_bytes + (self.protection.check_bits if self.protection else 0)

    @property
    def sets(self) -> int:
        return self.capacity_bytes // (self.ways * self.line_bytes)


def check(capacity: int | str, ways: int, line: int | str, target: str, mode: str | None) -> Request:
    """Return a checked request.

    Raises:
        InputError: for the first value that cannot be used.
    """
    size, line_bytes = parse_bytes(capacity), parse_bytes(line, "line")
    if isinstance(ways, bool) or not isinstance(ways, Integral) or not 1 <= ways <= MOST_WAYS:
        raise InputError(f"ways {ways!r}: give a whole number from 1 to {MOST_WAYS}")
    if not LINES[0] <= line_bytes <= LINES[1] or line_bytes & (line_bytes - 1):
        raise InputError(f"line {line!r}: give a power of two from {LINES[0]} to {LINES[1]} bytes")
    if size < ways * line_bytes:
        raise InputError(
            f"capacity {capacity!r}: less than one set of {ways} ways x {line_bytes} B; give at least that"
        )
    if size % (ways * line_bytes):
        raise InputError(
            f"capacity {capacity!r}: not a whole number of sets of {ways} ways x {line_bytes} B = {ways * line_bytes} B"
        )
    if target not in TARGETS:
        raise InputError(f"target {target!r}: unknown; known are {', '.join(TARGETS)}")
    if mode is not None and mode not in MODES:
        raise InputError(f"mode {mode!r}: unknown; known are {', '.join(MODES)}, or none for the best of the three")
    return Request(size, int(ways), line_bytes, target, (mode,) if mode else MODES)


def tag_bits(request: Request, figures: Figures) -> int:
    """Return the bits of one line's tag: what the address has beyond line and set, and the line's state."""
    known = math.log2(request.line_bytes) + math.log2(request.sets)
    return max(math.ceil(figures.address_bits - known), 1) + int(figures.state_bits)


def comparators(node: Node, figures: Figures, request: Request, bits: int) -> Compare:
    """Return the tag comparators of all ways: an XOR a bit, an AND tree of three-input gates, four-fold fan-outs."""
    inverter = Inverter.of(node)
    count = request.ways * bits
    width = figures.comparator_gates * node.unit_m
    return Compare(
        (2 + math.log(bits, 3)) * inverter.fan_out_4_s,
        count * figures.activity * figures.comparator_gates * (inverter.gate_F + inverter.drain_F) * node.vdd_V**2,
        node.leak_W(count * width * (1 + node.p_to_n) * LEAKING),
        float(count * node.row_area(0.0, 0.0, figures.comparator_gates)),
    )


@dataclass(frozen=True)
class Candidate:
    """The best organisation found: which of the tags' organisations (row) and of the data's (column)."""

    value: float
    mode: str
    totals: Totals
    row: int
    column: int
    tag_bits: int
    tag: tuple[Space, Bank]
    data: tuple[Space, Bank]


def _search(request: Request, node: Node, cell: Cell, tag_cell: Cell, figures: Figures,
            wires: str) -> tuple[Candidate | None, int]:  # fmt: skip
    """Return the best pair of a tag and a data organisation over the request's modes, and how many pairs were tried."""
    bits = tag_bits(request, figures)
    shape = Shape(request.sets, request.ways * bits, 1)
    tag_space = _kept(space(shape), request, "tag")
    tag_bank = evaluate(node, tag_cell, figures, shape, tag_space, wires)
    compare = comparators(node, figures, request, bits)
    score_of = TARGETS[request.target][1]
    searched, best = 0, None
    for mode in request.modes:
        shape = _shape(request, mode)
        where = _kept(space(shape), request, "data")
        if not where.rows.size or not tag_space.rows.size:
            continue
        bank = evaluate(node, cell, figures, shape, where, wires)
        totals = combine(mode, tag_bank, bank, compare)
        if request.protection:
            totals = guarded(totals, request.protection.encode, request.protection.decode)
        score = np.where(bank.fits, score_of(totals), np.inf)
        score[np.isnan(score)] = np.inf
        searched += score.size
        row, column = (int(i) for i in np.unravel_index(int(np.argmin(score)), score.shape))
        value = float(score[row, column])
        if value < (best.value if best else math.inf):
            best = Candidate(value, mode, totals, row, column, bits, (tag_space, tag_bank), (where, bank))
    return best, searched


def _kept(where: Space, request: Request, part: str) -> Space:
    """Return the organisations of a space that a request allows: all, or the one it names."""
    if request.organization is None:
        return where
    try:
        named = request.organization[part]
        keep = (where.rows == named["rows"]) & (where.active == named["active_subarrays"])
        keep &= (where.mux == named["column_mux"]) & (where.fanout == named["fanout"])
    except (KeyError, TypeError):
        raise InputError(f"organization: lacks what names its {part}; give a design's own organization") from None
    return Space(*(x[keep] for x in vars(where).values()))


def _organization(best: Candidate) -> dict[str, Any]:
    (tag_space, tag_bank), (data_space, data_bank) = best.tag, best.data
    data_m2 = float(data_bank.area_m2[best.column])
    return {
        "mode": best.mode,
        "data": data_space.at(best.column),
        "tag": tag_space.at(best.row) | {"bits_per_line": best.tag_bits},
        "data_area_m2": data_m2,
        "tag_area_m2": float(tag_bank.area_m2[best.row]),
        "data_area_efficiency": float(data_bank.cells_m2[best.column]) / data_m2,
    }


def design_cache(cell: str = "sram", node: str = "16nm", capacity: int | str = 1 << 20, ways: int = 16,
                 line: int | str = 128, target: str = "edap", *, mode: str | None = None, temperature_K: float = 350.0,
                 leakage: str | None = None, vdd_V: float | None = None, wires: str = "repeated",
                 organization: Mapping[str, Any] | None = None, ecc: str | None = None) -> CacheDesign:  # fmt: skip
    """Return the best cache under a target, over all organisations of its tags and data and its access modes.

    Args:
        cell: the data's cell, one of `cells.design.cell_names()`, or a .yaml file; the tags are SRAM.
        node: 45nm to 3nm, or a .yaml file.
        capacity: bytes, or text such as 3MiB; a whole number of sets, no power of two needed.
        ways: 1 to 64.
        line: 16 to 512 bytes, a power of two.
        target: see `circuits.cache.targets`; edap is mean energy x mean latency x area.
        mode: normal, fast or sequential; None takes the best.
        temperature_K: 300 to 400.
        leakage: a leakage school of the node; None takes its default.
        vdd_V: the logic's supply, 0.6 to 1.25 of the node's own; None takes that.
        wires: the H-tree's: repeated, or unrepeated as the older array model has them.
        organization: another design's `organization`, mode included, to keep; None searches.
        ecc: the data's code: secded over words of 64 bits, bch1, bch2, ... over words of 512 bits; None has none.

    Raises:
        InputError: a value that cannot be used.
    """
    if organization is not None:
        mode = organization.get("mode", mode) if isinstance(organization, Mapping) else mode
    request = replace(check(capacity, ways, line, target, mode), organization=organization)
    if wires not in WIRES:
        raise InputError(f"wires {wires!r}: unknown; known are {', '.join(WIRES)}")
    at = load_node(node, temperature_K, leakage, vdd_V)
    bits, tags = build_cell(cell, at), build_cell(TAG_CELL, at)
    guard = protect(at, ecc, 8 * request.line_bytes) if ecc is not None else None
    request = replace(request, protection=guard)
    figures, choices = load_figures()
    with physical(f"cell {bits.name} at {at.name}"), np.errstate(all="ignore"):
        best, searched = _search(request, at, bits, tags, figures, wires)
    if best is None:
        what = f"no organisation of {ways} ways x {request.line_bytes} B fits"
        raise InputError(f"capacity {capacity!r}: {what}; give more capacity, or a cell that allows for longer lines")
    found = {name: _pick(getattr(best.totals, name), best.row, best.column) for name in FIELDS}
    if not all(0 < number < math.inf for number in found.values()):
        raise InputError(f"cell {bits.name} at {at.name}: figures out of any physical range")
    coded = guard.assumptions if guard else ()
    assumptions = dict.fromkeys(
        (f"global wires: {wires}", *at.assumptions, *bits.assumptions, *tags.assumptions, *choices, *coded)
    )
    return CacheDesign(
        bits.name, at.name, request.capacity_bytes, request.ways, request.line_bytes, **found,
        organization=_organization(best) | ({"ecc": guard.as_dict()} if guard else {}),
        searched=searched, target=target, mode=best.mode,
        temperature_K=at.temperature_K, vdd_V=at.vdd_V, leakage=at.leakage, wires=wires,
        refresh_W=float(best.data[1].refresh_W[best.column]), ecc=ecc,
        works=at.works | bits.works | tags.works, assumptions=list(assumptions),
    )  # fmt: skip


def _pick(values: Any, row: int, column: int) -> float:
    return float(np.asarray(values)[row, column])


def _shape(request: Request, mode: str) -> Shape:
    """Return the data bank's shape: in fast mode a word is a whole set, in normal mode a row must hold whole sets."""
    if mode == "fast":
        return Shape(request.sets, request.ways * request.line_bits, 1)
    return Shape(request.sets * request.ways, request.line_bits, request.ways if mode == "normal" else 1)
