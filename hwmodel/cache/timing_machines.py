"""Banked caches of designed cells, on a GPU and before a DRAM: what `hwmodel timing` times."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from circuits.errors import InputError
from hwmodel.cache.banked import BankedCache
from hwmodel.cache.config import CacheConfig
from hwmodel.gpu.dram import known as known_drams
from hwmodel.gpu.dram import load_dram
from traces.gpus import load_gpu

_WHOLE = ("banks", "outstanding", "buffer", "forwards")
FIGURES = tuple(field.name for field in fields(BankedCache) if field.name not in _WHOLE)
_NEEDED = tuple(field.name for field in fields(BankedCache) if field.default is MISSING and field.name not in _WHOLE)


@dataclass(frozen=True)
class Surroundings:
    """What is around a cache's array, and which figures stand in place of a cell's, a GPU's or a DRAM's.

    Args:
        gpu: a GPU's name or file: its L2's slices are the banks, a sector a slice and cycle the crossbar's rate, and
            its DRAM's bandwidth the memory's.
        dram: a DRAM's name or file, for its latency; None for the kind that the GPU has.
        banks: banks in all; None for the GPU's slices.
        outstanding: accesses under way.
        buffer: entries of a bank's write buffer.
        figures: arguments of BankedCache by name, in seconds and bytes a second.

    Raises:
        InputError: for a figure that BankedCache has not.
    """

    gpu: str
    dram: str | None = None
    banks: int | None = None
    outstanding: int = 1024
    buffer: int = 0
    figures: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for name in self.figures or {}:
            if name not in FIGURES:
                raise InputError(f"figure {name!r}: unknown; known are {', '.join(FIGURES)}")

    def cache(self, latencies: Mapping[str, float]) -> BankedCache:
        """Return a cache whose array has these latencies: read_latency_s, write_latency_s.

        Raises:
            InputError: for an unknown GPU or DRAM, and figures that are missing or cannot be.
        """
        gpu, given = load_gpu(self.gpu), dict(self.figures or {})
        banks = gpu.l2_simulated_slices if self.banks is None else self.banks
        interval = 1 / (gpu.l2_simulated_slices * gpu.core_Hz)
        found: dict[str, Any] = {"interval_s": interval, "dram_bytes_per_s": gpu.dram_bytes_per_s}
        if "dram_latency_s" not in given:
            found["dram_latency_s"] = load_dram(self._kind(gpu.dram_kind)).read_latency_s
        found |= {**latencies, **given}
        if missing := [name for name in _NEEDED if name not in found]:
            raise InputError(f"{', '.join(missing)}: missing; name a cell, or give seconds")
        return BankedCache(banks=banks, outstanding=self.outstanding, buffer=self.buffer, **found)

    def _kind(self, of_gpu: str) -> str:
        if self.dram is not None:
            return self.dram
        if of_gpu.lower() not in known_drams():
            raise InputError(
                f"gpu {self.gpu!r}: no figures of its {of_gpu}; name a DRAM ({', '.join(known_drams())}, or a .yaml "
                f"file), or give dram_latency_s"
            )
        return of_gpu.lower()


def latencies_of(cell: str, node: str, config: CacheConfig, target: str) -> dict[str, float]:
    """Return read_latency_s and write_latency_s of the best cache of a cell, as `hwmodel cache` finds it.

    Raises:
        InputError: for an unknown cell, node or target, and a capacity that nothing fits.
    """
    from circuits.cache.design import design_cache

    found = design_cache(cell, node, config.capacity, config.ways, config.line, target)
    return {"read_latency_s": found.read_latency_s, "write_latency_s": found.write_latency_s}
