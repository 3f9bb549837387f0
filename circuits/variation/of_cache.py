"""A cache of cells that scatter: its yield and its figures, from one cell's failures, its words and its code.

Nobody simulates twenty-five million cells: a chip's yield follows from the failure probability of its cells, the worst
of them from order statistics. Chips are drawn; what a whole chip shares shifts all of its devices and wires.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.cache.design import CacheDesign, design_cache
from circuits.cells.scatter import pelgrom_V
from circuits.devices.leakage import BOLTZMANN_V_PER_K
from circuits.errors import InputError
from circuits.overrides import Figure, overridden
from circuits.variation.nominal import Nominal, cell_file
from circuits.variation.of_cell import DIE, evaluate, failures, prepared, sources, summary, turned, whole
from circuits.variation.spread import Spread, load_spread, number, scaled
from circuits.variation.tail import any_of, check_bits, word_failure, worst_of

CODES = ("none", "secded")
NEIGHBOURS = 20_032  # cells drawn a chip to find its worst
MOST_DIES = 1000
WIRE_LEVELS = ("local", "intermediate", "global")


@dataclass(frozen=True)
class CacheVariation:
    """A cache and `dies` chips about it.

    `values` are the chips' figures (SI, an array each): the latencies wait for the slowest of all cells where these are
    sensed by voltage, and for the design's strobe otherwise; leakage adds all of them. `yields` are the parts of chips
    without a word in error, for each code and reason. The resistance of a chip's wires counts in its writes.
    """

    nominal: CacheDesign
    values: dict[str, Any]
    yields: dict[str, dict[str, float]]
    words: int
    word_bits: dict[str, int]
    dies: int
    seed: int
    works: dict[str, str]
    assumptions: list[str]

    def quantiles(self) -> dict[str, dict[str, float]]:
        """Return quantiles, mean and standard deviation of every figure over the chips."""
        return {name: summary(array) for name, array in self.values.items()}

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able document: quantiles and yields, without the samples."""
        made = self.nominal
        return {
            "cell": made.cell, "node": made.node, "capacity_bytes": made.capacity_bytes, "dies": self.dies,
            "seed": self.seed, "words": self.words, "word_bits": self.word_bits, "yields": self.yields,
            "nominal": {name: getattr(made, name) for name in self.values}, "quantiles": turned(self.quantiles()),
            "organization": made.organization, "works": self.works, "assumptions": self.assumptions,
        }  # fmt: skip


def chip_yield(cell_failure: Any, words: int, bits: int, code: str) -> Any:
    """Return the probability that all words of a chip are read right, for cells that fail independently.

    Args:
        cell_failure: of one cell; a number or an array.
        words: words on the chip.
        bits: a word's data bits; `secded` adds its check bits and corrects one.
        code: none or secded.
    """
    corrected = int(code == "secded")
    wide = bits + (check_bits(bits) if corrected else 0)
    return 1 - any_of(word_failure(cell_failure, wide, corrected), words)


def _wires(figures: dict[str, Figure], stem: str, width: float, thickness: float, *,
           ohm: bool = True) -> dict[str, float]:  # fmt: skip
    """Return overrides for wires wider and thicker by these parts of themselves, at the same pitch.

    Without `ohm` only their capacitance changes.
    """
    found = {}
    for level in WIRE_LEVELS:

        def at(name: str, level: str = level) -> tuple[str, float]:
            key = f"{stem}.wires.{level}.{name}"
            return key, figures[key].value

        for name, factor in (("resistivity_ohm_m", 1 / width if ohm else thickness),
                             ("horizontal_permittivity", 1 / max(2 - width, 0.1)),
                             ("vertical_permittivity", width), ("aspect_ratio", thickness)):  # fmt: skip
            key, value = at(name)
            found[key] = value * factor
    return found


def _off(nominal: Nominal, shift_V: Any) -> Any:
    """Return the mean off-current of devices one unit wide over the nominal one, under a shift that all share."""
    slope = nominal.ideality * BOLTZMANN_V_PER_K * nominal.node.temperature_K
    local = pelgrom_V(nominal.node, nominal.spread, nominal.node.unit_m)
    return np.exp(-shift_V / slope + (local / slope) ** 2 / 2)


def _worst(nominal: Nominal, chip: Any, count: int, random: np.random.Generator) -> dict[str, float]:
    """Return the slowest of all a chip's cells, over the nominal one: sensing, and writing where that scatters."""
    draws = {name: random.standard_normal(NEIGHBOURS) for name in sources(nominal)[: -len(DIE)]}
    draws |= {name: np.full(NEIGHBOURS, shift) for name, shift in zip(DIE, chip, strict=True)}
    outputs, _ = evaluate(nominal, draws)
    slow = {name: worst_of(outputs[name], count) for name in ("sense_latency_s", "set_latency_s") if name in outputs}
    return slow | ({"leakage_W": float(np.mean(outputs["leakage_W"]))} if "leakage_W" in outputs else {})


def vary_cache(cell: str = "sram", node: str = "16nm", capacity: int | str = 1 << 20, ways: int = 16,
               line: int | str = 128, target: str = "edap", *, dies: int = 50, seed: int = 0, scale: float = 1.0,
               temperature_K: float = 350.0, leakage: str | None = None, **options: Any) -> CacheVariation:  # fmt: skip
    """Return how the chips of a cache differ, and how many of them work.

    Args:
        cell: the data's cell, one of `cell_names()`, or a .yaml file.
        node: a node's name, or a .yaml file.
        capacity: as `design_cache` takes it, and so are the next three.
        ways: ways.
        line: bytes.
        target: what the organisation is best for.
        dies: chips drawn, 1 to 10,000; cells are not drawn but counted.
        seed: of the random numbers.
        scale: of every spread in `spread.yaml`, 0 to 10.
        temperature_K: 300 to 400.
        leakage: a leakage school of the node; None takes its default.
        **options: as `design_cache` takes them: mode, wires.

    Raises:
        InputError: a value that cannot be used.
    """
    chips, start = whole("dies", dies, 1, MOST_DIES), whole("seed", seed, 0, 2**63)
    spread = scaled(load_spread(cell=cell_file(cell)), number("scale", scale, 0.0, 10.0))
    hot: dict[str, Any] = {"temperature_K": temperature_K, "leakage": leakage}
    with overridden() as figures:
        made = design_cache(cell, node, capacity, ways, line, target, **hot, **options)
    kept: dict[str, Any] = options | {"organization": made.organization}
    nominal = prepared(cell, node, spread, temperature_K, leakage, made.organization["data"].get("rows"))
    random = np.random.default_rng(start)
    shifts = random.standard_normal((chips, len(DIE)))
    tolerance = np.array([spread.die.wire_width, spread.die.wire_thickness])
    metal = np.maximum(1 + tolerance * random.standard_normal((chips, 2)), 0.2)
    if tolerance.any():
        shifts[:, DIE.index("die.wires")] = (1 / metal.prod(axis=1) - 1) / math.hypot(*tolerance)
    bits = int(spread.limits.word_bits)
    words = 8 * made.capacity_bytes // bits
    rare = failures(nominal, shifts)
    rows: list[dict[str, float]] = []
    for chip, factors in zip(shifts, metal, strict=True):
        worst = _worst(nominal, chip, 8 * made.capacity_bytes, random)
        try:
            with overridden(_wires(figures, nominal.node_file, *factors)):
                wired = design_cache(cell, node, capacity, ways, line, target, **hot, **kept)
        except InputError:  # lines beyond the organisation's limit: what they cost a write is counted as its failure
            with overridden(_wires(figures, nominal.node_file, *factors, ohm=False)):
                wired = design_cache(cell, node, capacity, ways, line, target, **hot, **kept)
        rows.append(_chip(nominal, wired, worst, spread, float(chip[0])))
    yields: dict[str, dict[str, float]] = {}
    for code in CODES:
        yields[code] = {name: float(np.mean(chip_yield(p, words, bits, code))) for name, p in rare.items()}
    values = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    wide = {code: bits + (check_bits(bits) if code == "secded" else 0) for code in CODES}
    return CacheVariation(made, values, yields, words, wide, chips, start, made.works | spread.works,
                          [*made.assumptions, *spread.assumptions])  # fmt: skip


def _chip(nominal: Nominal, wired: CacheDesign, worst: dict[str, float], spread: Spread,
          shift: float) -> dict[str, float]:  # fmt: skip
    """Return a chip's figures: its wires, its logic under the shift of all thresholds, and its worst cells.

    Logic slows as its on-current falls; cells add the worst one's lateness. Leakage is the mean over all devices, those
    around the cells taken as of one unit.
    """
    cell, node = nominal.cell, nominal.node
    shift_V = spread.die.threshold_V * shift
    overdrive = node.vdd_V - node.transistors.threshold_V
    slower = overdrive / max(overdrive - shift_V, 0.05 * overdrive)
    sense = cell.sense_latency_s
    write = max(cell.set_latency_s, cell.reset_latency_s)
    logic_read, logic_write = max(wired.read_latency_s - sense, 0.0), max(wired.write_latency_s - write, 0.0)
    late_read = sense * (worst.get("sense_latency_s", 1.0) - 1)
    late_write = write * (worst.get("set_latency_s", 1.0) - 1)
    bits = 8 * wired.capacity_bytes
    cells_W = bits * cell.leakage_W
    around = float(_off(nominal, shift_V))
    return {
        "read_latency_s": wired.read_latency_s + logic_read * (slower - 1) + late_read,
        "write_latency_s": wired.write_latency_s + logic_write * (slower - 1) + late_write,
        "read_energy_J": wired.read_energy_J,
        "write_energy_J": wired.write_energy_J,
        "leakage_W": max(wired.leakage_W - cells_W, 0.0) * around
        + cells_W * worst.get("leakage_W", math.nan if cells_W else 0.0),
        "area_m2": wired.area_m2,
    }
