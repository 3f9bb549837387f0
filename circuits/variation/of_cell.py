"""Monte Carlo of one cell: distributions of its figures, its margins, and its yield."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from circuits.cells.cell import Cell
from circuits.cells.scatter import Draws
from circuits.data import physical
from circuits.errors import InputError
from circuits.variation import dynamic, fefet, mram, resistive, sram
from circuits.variation.nominal import Nominal, cell_file, nominal_cell
from circuits.variation.spread import Spread, load_spread, number, scaled
from circuits.variation.tail import failure

KINDS = {"sram": sram, "sram8t": sram, "stt": mram, "sot": mram, "reram": resistive, "pcm": resistive, "fefet": fefet,
         "edram": dynamic, "gain": dynamic}  # fmt: skip
MOST_SAMPLES = 4_000_000
MOST_SEED = 2**63
CHUNK = 20_000  # cells at a time: arrays that stay within a core's caches
ROUNDING = 1e-12  # a ratio to the nominal cell this near 1 is 1
QUANTILES = (0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999)
DIE = ("die.threshold", "die.fin_height", "die.diameter", "die.resistance_area", "die.magnetoresistance",
       "die.resistance", "die.film", "die.storage", "die.leak", "die.wires")  # fmt: skip


@dataclass(frozen=True)
class CellVariation:
    """A cell and `samples` cells about it.

    `values` are outputs (SI) and `margins` (below zero a cell fails), an array an entry, a number a cell. `yields` are
    the parts of cells that pass, counted; `failures` the probabilities of failing for neighbours on a nominal chip, by
    the first-order reliability method where counting could not see them, missing fins among `all`.
    """

    nominal: Cell
    values: dict[str, Any]
    margins: dict[str, Any]
    yields: dict[str, float]
    failures: dict[str, float]
    samples: int
    seed: int
    works: dict[str, str]
    assumptions: list[str]

    def quantiles(self, at: tuple[float, ...] = QUANTILES) -> dict[str, dict[str, float]]:
        """Return quantiles, mean and standard deviation of every output and margin."""
        return {name: summary(array, at) for name, array in (self.values | prefixed(self.margins)).items()}

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able document: quantiles and yields, without the samples."""
        cell = self.nominal
        return {
            "cell": cell.name, "node": cell.node, "temperature_K": cell.temperature_K, "leakage": cell.leakage,
            "samples": self.samples, "seed": self.seed, "yields": self.yields, "failures": self.failures,
            "quantiles": turned(self.quantiles()), "works": self.works, "assumptions": self.assumptions,
        }  # fmt: skip


def prefixed(margins: dict[str, Any]) -> dict[str, Any]:
    return {f"{name}_margin": array for name, array in margins.items()}


def summary(array: Any, at: tuple[float, ...] = QUANTILES) -> dict[str, float]:
    """Return mean, standard deviation and quantiles of samples."""
    found = np.quantile(array, at, method="inverted_cdf")
    exact = array.size and array.min() == array.max()  # a mean of equals may round
    moments = {"mean": array[0] if exact else array.mean(), "sigma": 0.0 if exact else array.std()}
    return {k: float(v) for k, v in moments.items()} | {
        f"p{100 * q:g}": float(v) for q, v in zip(at, found, strict=True)
    }


def turned(found: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return a row a quantile in place of a row a figure, so that a figure's unit stands beside each number."""
    return {at: {name: row[at] for name, row in found.items()} for at in next(iter(found.values()))}


def whole(name: str, value: object, low: int, high: int) -> int:
    """Return a whole number from low to high, or raise InputError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        raise InputError(f"{name} {value!r}: give a whole number from {low} to {high}")
    return int(value)


def sources(nominal: Nominal) -> list[str]:
    """Return the names of all sources of variation, the die's last."""
    module = KINDS[nominal.cell.kind]
    own = [f"{device}.{what}" for device in module.devices(nominal) for what in ("threshold", "width")]
    return [*own, *module.others(nominal), *DIE]


def prepared(cell: str, node: str, spread: Spread, temperature_K: float, leakage: str | None,
             rows: int | None = None) -> Nominal:  # fmt: skip
    """Return the nominal cell, its equations evaluated once without spread; `rows` cells share a bit line."""
    nominal = nominal_cell(cell, node, spread, temperature_K, leakage, rows)
    evaluate(nominal, dict.fromkeys(sources(nominal), np.zeros(1)))
    return nominal


def evaluate(nominal: Nominal, draws: Draws) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return outputs over the nominal ones and margins of cells; see `sram.evaluate` and `mram.evaluate`."""
    with physical(f"cell {nominal.cell.name}"), np.errstate(all="ignore"):
        ratios, margins = KINDS[nominal.cell.kind].evaluate(nominal, draws)
        return {name: np.where(np.abs(r - 1) < ROUNDING, 1.0, r) for name, r in ratios.items()}, margins


def _fins(nominal: Nominal) -> dict[str, float]:
    return KINDS[nominal.cell.kind].devices(nominal) if nominal.node.kind == "finfet" else {}


def draw(nominal: Nominal, random: np.random.Generator, count: int) -> Draws:
    """Return `count` draws of every source, and of the fins that each device lacks."""
    draws: Draws = {name: random.standard_normal(count) for name in sources(nominal)}
    lost = min(nominal.spread.cell.fin_loss, 1.0)
    return draws | {f"{name}.lost": random.binomial(round(fins), lost, count) for name, fins in _fins(nominal).items()}


def failures(nominal: Nominal, dies: Any) -> dict[str, Any]:
    """Return the failure probabilities of a cell on each chip: an array a margin, and `all`.

    Args:
        nominal: the cell.
        dies: the chips' own shifts in standard deviations (chips, len(DIE)).
    """
    names = sources(nominal)[: -len(DIE)]
    chips = len(dies)

    def margins(u: Any) -> dict[str, Any]:
        shared = np.tile(dies, (len(u) // chips, 1))
        local = dict(zip(names, np.ascontiguousarray(u.T), strict=True))
        return evaluate(nominal, local | dict(zip(DIE, np.ascontiguousarray(shared.T), strict=True)))[1]

    origin = np.zeros((chips, len(names)))
    ways = {name: len(array) for name, array in margins(origin).items()}
    found: dict[str, Any] = {}
    for name, count in ways.items():

        def one(way: int, name: str = name) -> Callable[[Any], Any]:
            return lambda u: margins(u)[name][way]

        found[name] = np.minimum(sum(failure(one(way), origin) for way in range(count)), 1.0)
    lost = sum(_fins(nominal).values()) * nominal.spread.cell.fin_loss
    return found | {"all": np.minimum(sum(found.values()) + lost, 1.0)}


def vary_cell(cell: str = "sram", node: str = "16nm", samples: int = 100_000, seed: int = 0, *,
              temperature_K: float = 350.0, leakage: str | None = None,
              scale: float = 1.0) -> CellVariation:  # fmt: skip
    """Return how cells scatter about their design: neighbours, and chips of which each holds one of the cells.

    Args:
        cell: one of `cell_names()`, or a .yaml file.
        node: a node's name, or a .yaml file.
        samples: cells drawn, 1 to 4 million.
        seed: of the random numbers; the same seed gives the same cells.
        temperature_K: 300 to 400.
        leakage: a leakage school of the node; None takes its default.
        scale: of every spread in `spread.yaml`, 0 to 10; with 0 every cell is the nominal one.

    Raises:
        InputError: a value that cannot be used.
    """
    count, start = whole("samples", samples, 1, MOST_SAMPLES), whole("seed", seed, 0, MOST_SEED)
    spread = scaled(load_spread(cell=cell_file(cell)), number("scale", scale, 0.0, 10.0))
    nominal = prepared(cell, node, spread, temperature_K, leakage)
    random = np.random.default_rng(start)
    sizes = [min(CHUNK, count - done) for done in range(0, count, CHUNK)]
    parts = [evaluate(nominal, draw(nominal, random, size)) for size in sizes]
    ratios = {name: np.concatenate([part[0][name] for part in parts]) for name in parts[0][0]}
    margins = {name: np.concatenate([part[1][name].min(axis=0) for part in parts]) for name in parts[0][1]}
    values = {name: _nominal(nominal.cell, name) * ratio for name, ratio in ratios.items()}
    good = {name: array >= 0 for name, array in margins.items()}
    yields = {name: float(np.mean(passed)) for name, passed in good.items()}
    yields["all"] = float(np.mean(np.logical_and.reduce(list(good.values()))))
    rare = {name: float(p[0]) for name, p in failures(nominal, np.zeros((1, len(DIE)))).items()}
    named = [*nominal.cell.assumptions, *spread.assumptions]
    return CellVariation(nominal.cell, values, margins, yields, rare, count, start,
                         nominal.cell.works | spread.works, named)  # fmt: skip


def _nominal(cell: Cell, name: str) -> float:
    found = cell.device.get(name) if name in cell.device else getattr(cell, name, math.nan)
    return float(found if found is not None else math.nan)
