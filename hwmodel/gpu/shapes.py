"""What a kernel's blocks take as they are launched: arithmetic, and loads that wait for one another.

A library picks a product's tile by time; a lowering by a rule. So a product may also be launched as the fastest of some
shapes: each tile as it is, or cut in two or in four with as many threads. A product that would leave most of its tiles
empty, of a vector or a few rows, has kernels of its own, which multiply no padding. Counts stay those of the lowering.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hwmodel.gpu.machine import Machine
from hwmodel.gpu.occupancy import Work

if TYPE_CHECKING:
    from traces.gpus import Gpu

CUTS = (1, 2, 4)  # tiles for one: with 64 results a thread as they are, sixteen at least are left
EMPTY = 8  # a product is thin where whole tiles would multiply so many times what it asks for


SMALLEST = 32 * 32  # results of the smallest float tile that libraries have


def tunes(gpu: "Gpu") -> bool:
    """Return whether products are cut finer than a GPU's description has them: not where its tiles end at SMALLEST."""
    return min(tile.m * tile.n for tile in gpu.tiles) > SMALLEST


@dataclass(frozen=True)
class Launched:
    """Seconds of each kernel, shape (kernels,) or (caches, kernels)."""

    compute: np.ndarray  # products of the SM that has the most blocks
    latency: np.ndarray  # waves of blocks, each with its loads one after another


def launched(work: Work, gpu: "Gpu", machine: Machine, load: np.ndarray, tuned: bool) -> Launched:
    """Return what kernels take whose loads have a latency.

    Args:
        work: the kernels.
        gpu: how many SMs there are.
        machine: the rates of their units.
        load: seconds of a block's load, shape (caches, kernels).
        tuned: whether products are launched as the fastest shape, not as they are given.
    """
    if tuned:
        thin = (work.issued * work.blocks >= EMPTY * work.macs) & (work.macs > 0) & ~work.attention
        work = replace(work, issued=np.where(thin, work.macs / np.maximum(work.blocks, 1), work.issued))
    best = _shape(work, gpu, machine, load, 1)
    for tiles in CUTS[1:] if tuned else ():
        other = _shape(work, gpu, machine, load, tiles)
        faster = np.maximum(other.compute, other.latency) < np.maximum(best.compute, best.latency)
        faster &= (work.macs > 0) & ~work.attention
        best = Launched(np.where(faster, other.compute, best.compute), np.where(faster, other.latency, best.latency))
    return best


def _shape(work: Work, gpu: "Gpu", machine: Machine, load: np.ndarray, tiles: int) -> Launched:
    blocks, issued = work.blocks * tiles, work.issued / tiles
    most = np.ceil(blocks / gpu.sms)
    product, attention = (by_unit(share, work) for share in (machine.product_share, machine.attention_share))
    rate = by_unit(machine.macs_per_sm_cycle, work) * gpu.core_Hz * np.where(work.attention, attention, product)
    # Schedulers without a warp leave their share of the unit idle.
    fed = np.minimum(1, np.maximum(1, np.minimum(work.per_sm, most)) * work.warps / machine.schedulers_per_sm)
    alone = np.minimum(1, work.warps / machine.schedulers_per_sm)
    waves = np.ceil(blocks / (gpu.sms * work.per_sm))
    ahead = np.where(work.macs > 0, 1 + by_unit(machine.slabs_ahead, work), 1)
    one = load + issued / work.rounds / (rate * alone)
    return Launched(most * issued / (rate * fed), waves * work.rounds * one / ahead)


def by_unit(figures: Mapping[str, float], work: Work) -> np.ndarray:
    """Return the figure of each kernel's unit, shape (kernels,)."""
    return np.array([figures.get(unit, figures["fp32"]) for unit in work.units])[work.unit]
