"""Which mix of accesses a published ratio of EDPs would take, given two caches: why a figure is missed, worked out.

An EDP of DeepNVM++'s accounting depends on a stream by two figures alone: the share of writes among accesses of L2, and
accesses of DRAM for each of them. So what any stream whatever could give is a curve, and what a published figure needs
can be told.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hwmodel.gpu.dram import Dram

SHARES = np.linspace(0.0, 1.0, 2001)
MOST_DRAM = 16.0  # accesses of DRAM for one of L2: far above any cache's


@dataclass(frozen=True)
class Mix:
    """A stream, for an access of L2."""

    writes: Any  # share of writes, 0 to 1
    dram_reads: Any = 0.0  # accesses of DRAM
    dram_writes: Any = 0.0


def edp(cache: "Mapping[str, Any]", mix: Mix, dram: "Dram", sector_bytes: int) -> Any:
    """Return the EDP of an access: energy times latency, DRAM's share of both included (hwmodel.gpu.accounting).

    Args:
        cache: read_latency_s, write_latency_s, read_energy_J, write_energy_J, leakage_W.
        mix: numbers, or arrays of one shape.
        dram: the memory behind it.
        sector_bytes: of an access.
    """
    reads = 1 - mix.writes
    own = reads * cache["read_latency_s"] + mix.writes * cache["write_latency_s"]
    delay = own + mix.dram_reads * dram.read_latency_s + mix.dram_writes * dram.write_latency_s
    energy = reads * cache["read_energy_J"] + mix.writes * cache["write_energy_J"] + cache["leakage_W"] * own
    return (energy + (mix.dram_reads + mix.dram_writes) * dram.energy_J(sector_bytes)) * delay


def reach(
    first: "Mapping[str, Any]", other: "Mapping[str, Any]", dram: "Dram", sector_bytes: int
) -> tuple[float, float]:
    """Return the least and the most that the first cache's EDP can be of the other's, over all shares of writes."""
    mix = Mix(SHARES)
    ratio = edp(first, mix, dram, sector_bytes) / edp(other, mix, dram, sector_bytes)
    return float(ratio.min()), float(ratio.max())


def writes_for(
    first: "Mapping[str, Any]", other: "Mapping[str, Any]", ratio: float, dram: "Dram", sector_bytes: int
) -> float | None:
    """Return the least share of writes at which caches alone have this ratio; None where no share has it."""
    mix = Mix(SHARES)
    over = np.asarray(edp(first, mix, dram, sector_bytes) / edp(other, mix, dram, sector_bytes)) - ratio
    turns = np.flatnonzero(over[:-1] * over[1:] <= 0)
    return float(SHARES[turns[0]]) if len(turns) else None


def dram_for(
    first: "Mapping[str, Any]", other: "Mapping[str, Any]", ratio: float, mix: Mix, dram: "Dram", sector_bytes: int
) -> float | None:
    """Return by how much a stream's DRAM accesses must be multiplied for this ratio; None where no factor does.

    Both caches are taken to have the stream's DRAM accesses.
    """
    factors = np.geomspace(1e-3, MOST_DRAM / max(mix.dram_reads + mix.dram_writes, 1e-9), 4001)
    moved = Mix(mix.writes, factors * mix.dram_reads, factors * mix.dram_writes)
    over = np.asarray(edp(first, moved, dram, sector_bytes) / edp(other, moved, dram, sector_bytes)) - ratio
    turns = np.flatnonzero(over[:-1] * over[1:] <= 0)
    return float(factors[turns[0]]) if len(turns) else None
