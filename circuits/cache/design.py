"""Design a cache: search the organisations of its tags and data for the best, or for the Pareto front."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.array.cache import tag_bits
from circuits.array.designed import SENSING
from circuits.array.search import Choice, Pairs, front
from circuits.cache.banks import Maker, as_document
from circuits.cache.request import Request, check
from circuits.cache.targets import FIGURES
from circuits.cells.design import cell_devices
from circuits.data import physical
from circuits.devices.node import load_node
from circuits.ecc import protect
from circuits.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

FIELDS = tuple(FIGURES)
MOST = 1e6  # of any figure in SI units: megawatts, or a square kilometre


@dataclass(frozen=True)
class CacheDesign:
    """The best cache found. SI units; latencies and energies are of a hit that reads or writes one whole line.

    `leakage_W` is the power at rest: what leaks, and `refresh_W`, which keeps cells that forget. `searched` counts the
    pairs of organisations searched; `parts` says what the figures are made of; `works` and `assumptions` are all that
    they rest on.
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
    ports: int = 1
    cell_leakage: str | None = None
    parts: dict[str, float] = field(default_factory=dict)
    works: dict[str, str] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the design as a JSON-able document."""
        return asdict(self)

    def as_frame(self) -> "DataFrame":
        """Return the design's figures and what it was asked for as a table of one row, without what it rests on."""
        import pandas as pd

        return pd.DataFrame([{k: v for k, v in vars(self).items() if not isinstance(v, (dict, list))}])

    def write_energy_of(self, changed_share: float, *, read_first: bool) -> float:
        """Return the energy [J] of writing a line of whose bits a share changes, where the others are not written.

        `write_energy_J` is of a line whose every cell is driven, half to either state. How many bits change is the
        data's: no trace holds them, so the share is yours. Bit lines are charged as for a whole write.

        Args:
            changed_share: bits that change over all bits, 0 to 1, check bits among them.
            read_first: True where the line is read before, and bits that are alike left alone, at a read more; False
                for early write termination, whose drivers end a pulse that finds its bit written (P. Zhou et al.,
                Energy reduction for STT-RAM using early write termination, ICCAD 2009): what such a pulse has drawn by
                then is taken for nothing, so that this is the least.

        Raises:
            InputError: for another share, and for cells that do not write each bit by a current of its own.
        """
        cells_J = self.parts.get("data_cells_J")
        if cells_J is None:
            raise InputError(f"cell {self.cell}: writes no bit by a current of its own; give stt, sot or another such")
        share = changed_share
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise InputError(f"changed_share {share!r}: give a number from 0 to 1")
        return self.write_energy_J - (1 - share) * cells_J + (self.read_energy_J if read_first else 0.0)


@dataclass(frozen=True)
class _Asked:
    """A request with what it is made from, and the banks of its modes."""

    request: Request
    maker: Maker
    pairs: tuple[Pairs, ...]
    wires: str
    ecc: str | None
    cell_leakage: str | None

    @property
    def searched(self) -> int:
        return sum(len(pairs) for pairs in self.pairs)

    def nothing(self, capacity: object) -> InputError:
        request = self.request
        why = self.maker.refusal(request) if request.organization is not None else ""
        if why:
            return InputError(f"organization: cannot be kept: {why}; search another one, or change less")
        what = f"no organisation of {request.ways} ways x {request.line_bytes} B fits"
        if request.limits:
            what += " within " + ", ".join(f"{k} {v:g}" for k, v in request.limits.items()) + " or at all"
        return InputError(f"capacity {capacity!r}: {what}; give more capacity, or a cell that allows for longer lines")

    def design(self, pairs: Pairs, choice: Choice) -> CacheDesign:
        """Return one pair of banks as a design.

        Raises:
            InputError: its figures are out of any physical range.
        """
        request, maker = self.request, self.maker
        cell, node = maker.cell.cell, maker.node
        found = {name: choice.totals[short] for name, short in FIGURES.items()}
        if not all(0 < number < MOST for number in found.values()):
            raise InputError(f"cell {cell.name} at {node.name}: figures out of any physical range")
        tag_at, data_at = pairs.tags.at(choice.tag), pairs.datas.at(choice.data)
        tag, data = maker.tag(request, pairs.mode, tag_at), maker.data(request, pairs.mode, data_at)
        guard = request.protection
        area = float(data.area_m2[0])
        organization = {
            "mode": pairs.mode,
            "data": as_document(data_at, data),
            "tag": as_document(tag_at, tag) | {"bits_per_line": tag_bits(maker.given, request.shape)},
            "data_area_m2": area,
            "tag_area_m2": float(tag.area_m2[0]),
            "data_area_efficiency": float(data.cells_m2[0]) / area,
        } | ({"ecc": guard.as_dict()} if guard else {})
        parts = {f"{name}_{what}": float(getattr(bank, what)[0]) for name, bank in (("tag", tag), ("data", data))
                 for what in ("tree_s", "mat_s", "column_s", "read_J", "write_J", "leakage_W")}  # fmt: skip
        if cell.kind not in SENSING:  # each bit is written by a current through it
            bits = request.shape.word_bits
            parts["data_cells_J"] = bits * (cell.set_energy_J + cell.reset_energy_J) / 2
        coded = guard.assumptions if guard else ()
        return CacheDesign(
            cell.name, node.name, request.capacity_bytes, request.ways, request.line_bytes, **found,
            organization=organization, searched=self.searched, target=request.name, mode=pairs.mode,
            temperature_K=node.temperature_K, vdd_V=node.vdd_V, leakage=node.leakage, wires=self.wires,
            refresh_W=float(data.refresh_W[0]), ecc=self.ecc, ports=maker.cell.ports,
            cell_leakage=self.cell_leakage, parts=parts,
            works=node.works | cell.works | maker.tag_cell.cell.works | maker.given.works,
            assumptions=list(dict.fromkeys((*maker.notes, *coded))),
        )  # fmt: skip


def _asked(cell: str, node: str, request: Request, assumptions: str, temperature_K: float, leakage: str | None,
           vdd_V: float | None, wires: str, ecc: str | None, ports: int = 1,
           cell_leakage: str | None = None) -> _Asked:  # fmt: skip
    at = load_node(node, temperature_K, leakage, vdd_V)
    maker = Maker.of(at, cell, assumptions, wires, ports, cell_devices(at, cell_leakage, node, vdd_V))
    guard = protect(at, ecc, 8 * request.line_bytes) if ecc is not None else None
    request = replace(request, protection=guard)
    with physical(f"cell {maker.cell.cell.name} at {at.name}"), np.errstate(all="ignore"):
        pairs = (maker.pairs(request, mode) for mode in request.modes)
        return _Asked(request, maker, tuple(p for p in pairs if len(p)), wires, ecc, cell_leakage)


def design_cache(cell: str = "sram", node: str = "16nm", capacity: int | str = 1 << 20, ways: int = 16,
                 line: int | str = 128, target: str | Mapping[str, float] = "edap", *, mode: str | None = None,
                 temperature_K: float = 350.0, leakage: str | None = None, vdd_V: float | None = None,
                 wires: str = "repeated", organization: Mapping[str, Any] | None = None, ecc: str | None = None,
                 limits: Mapping[str, float] | None = None, assumptions: str = "default",
                 ports: int = 1, cell_leakage: str | None = None) -> CacheDesign:  # fmt: skip
    """Return the best cache under a target, over all organisations of its tags and data and its access modes.

    Args:
        cell: the data's cell, one of `cells.design.cell_names()`, or a .yaml file; the tags are SRAM.
        node: 45nm to 3nm, or a .yaml file.
        capacity: bytes, or text such as 3MiB; a whole number of sets, no power of two needed; at most 8 GiB.
        ways: 1 to 64.
        line: 16 to 512 bytes, a power of two.
        target: see `circuits.cache.targets`; edap is mean energy x mean latency x area. Or weights: the product of the
            design's figures named, each to the power of its weight, is made least.
        mode: normal, fast or sequential; None takes the best.
        temperature_K: 300 to 400.
        leakage: a leakage school of the node; None takes its default.
        vdd_V: the logic's supply, 0.6 to 1.25 of the node's own; None takes that.
        wires: the H-tree's: repeated, or unrepeated as the older array model has them.
        organization: another design's `organization`, mode included, to keep; None searches.
        ecc: the data's code: secded over words of 64 bits, bch1, bch2, ... over words of 512 bits; None has none.
        limits: the most that figures of the design, such as read_latency_s, may come to.
        assumptions: the set that the circuits around the cells rest on: default, mended, older or cacti.
        ports: read-write ports of an SRAM cache, 1 to 8; each has its own decoders, bit lines and H-tree.
        cell_leakage: a leakage school of the node for the devices of SRAM cells alone, data's and tags'; their
            threshold moves for it; None takes the logic's devices.

    Raises:
        InputError: a value that cannot be used, or limits that no organisation keeps.
    """
    if organization is not None:
        mode = organization.get("mode", mode) if isinstance(organization, Mapping) else mode
    request = replace(check(capacity, ways, line, target, mode, limits), organization=organization)
    asked = _asked(cell, node, request, assumptions, temperature_K, leakage, vdd_V, wires, ecc, ports, cell_leakage)
    best: tuple[float, Pairs, Choice] | None = None
    with physical(f"cell {cell} at {node}"), np.errstate(all="ignore"):
        for pairs in asked.pairs:
            choice = pairs.best(request.target, request.limits)
            if choice:
                score = pairs.score(choice, request.target)
                best = min(best or (math.inf, pairs, choice), (score, pairs, choice), key=lambda one: one[0])
        if best is None:
            raise asked.nothing(capacity)
        return asked.design(best[1], best[2])


def cache_front(cell: str = "sram", node: str = "16nm", capacity: int | str = 1 << 20, ways: int = 16,
                line: int | str = 128, figures: tuple[str, ...] = ("read_latency_s", "read_energy_J", "area_m2"), *,
                mode: str | None = None, temperature_K: float = 350.0, leakage: str | None = None,
                vdd_V: float | None = None, wires: str = "repeated", ecc: str | None = None,
                limits: Mapping[str, float] | None = None, assumptions: str = "default", ports: int = 1,
                cell_leakage: str | None = None) -> "DataFrame":  # fmt: skip
    """Return the caches that no other beats in all of some figures: the Pareto front over all organisations and modes.

    Args:
        cell: as `design_cache` takes it, and so are the next four.
        node: a node's name, or a .yaml file.
        capacity: bytes, or text.
        ways: ways.
        line: bytes.
        figures: fields of a design, one or more, such as read_latency_s, leakage_W, area_m2.
        mode: normal, fast or sequential; None takes all three.
        temperature_K: as `design_cache` takes it, and so are all that follow.
        leakage: a leakage school.
        vdd_V: the logic's supply.
        wires: the H-tree's.
        ecc: the data's code.
        limits: the most that figures may come to.
        assumptions: the set that the circuits around the cells rest on.
        ports: read-write ports.
        cell_leakage: a leakage school for the devices of SRAM cells alone.

    Returns:
        A row a cache, by rising first figure: its mode, all its figures [SI], its organisation's numbers.

    Raises:
        InputError: a value that cannot be used.
    """
    import pandas as pd

    unknown = [name for name in figures if name not in FIGURES]
    if unknown or not figures:
        raise InputError(f"figures {', '.join(map(str, unknown)) or 'none'}: unknown; known are {', '.join(FIGURES)}")
    request = check(capacity, ways, line, "edap", mode, limits)
    asked = _asked(cell, node, request, assumptions, temperature_K, leakage, vdd_V, wires, ecc, ports, cell_leakage)
    names = tuple(FIGURES[name] for name in figures)
    rows = []
    with physical(f"cell {cell} at {node}"), np.errstate(all="ignore"):
        for pairs in asked.pairs:
            tag, data = pairs.front(names, request.limits)
            rows.append(_front_rows(pairs, tag, data))
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    if not len(table):
        raise asked.nothing(capacity)
    best = front(*(table[name].to_numpy() for name in figures))
    table = table.iloc[best].sort_values(list(figures), kind="stable").reset_index(drop=True)
    maker = asked.maker
    head = {"cell": maker.cell.cell.name, "node": maker.node.name, "capacity_bytes": request.capacity_bytes,
            "ways": request.ways, "line_bytes": request.line_bytes}  # fmt: skip
    for place, (name, value) in enumerate(head.items()):
        table.insert(place, name, value)
    return table


def _front_rows(pairs: Pairs, tag: Any, data: Any) -> "DataFrame":
    import pandas as pd

    totals = pairs.totals(tag, data)
    columns: dict[str, Any] = {"mode": pairs.mode}
    columns |= {name: getattr(totals, short) for name, short in FIGURES.items()}
    at = pairs.datas.at(data)
    form = pairs.datas.kinds.rows[pairs.datas.mat[data]], pairs.datas.kinds.columns[pairs.datas.mat[data]]
    columns |= {"rows": form[0], "columns": form[1], "column_mux": at.mux,
                "mats": at.bank_rows * at.bank_columns, "active_mats": at.active_rows * at.active_columns}  # fmt: skip
    return pd.DataFrame(columns)
