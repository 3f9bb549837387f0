"""How long kernels take on a GPU that overlaps its accesses: the largest of several bounds, and which of them it is.

Where hwmodel.gpu.accounting charges accesses one after another, here a kernel takes

    time = start + max(compute, l2, banks, dram, rows, latency)

- compute: the products of the SM that has the most blocks, over the rate of the unit that multiplies.
- l2: bytes read and written over the slices' rates, or over the ports of the SMs that have a block.
- banks: how long reads and writes keep the arrays of a designed cache, evenly spread over its banks. What is fetched is
  written into them, and what is evicted read; so a slow write is paid by misses too.
- dram: bytes over what a stream of reads, of writes reaches.
- rows: activations over those that DRAM's channels and banks allow.
- latency: waves of blocks, each with its dependent loads one after another, and between a product's the arithmetic of a
  slab, unless slabs are under way ahead of need. By Little's law this is bytes over what is in flight, times latency.

The latency of a load is the measured one, with the designed cache's read in place of the SRAM's. Writes wait for
nothing. All is of one kernel after another, as in a stream or a graph.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel.gpu.dram import Dram
from hwmodel.gpu.machine import Machine, load_machine
from hwmodel.gpu.occupancy import Work, work_of
from hwmodel.gpu.shapes import launched, tunes

if TYPE_CHECKING:
    import pandas as pd

    from traces.gpus import Gpu

BOUNDS = ("compute", "l2", "banks", "dram", "rows", "latency")
# Of DRAM's sectors: an activation a 256 B, the mean behind the 3.92 pJ/bit of O'Connor et al. (dram/hbm2.yaml).
ROW_HITS = 0.875
CACHE_FIGURES = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W")
ASSUMPTIONS = (
    "A kernel takes its start and the largest of its bounds; kernels run one after another.",
    "Accesses spread evenly over slices, banks and channels.",
    "What DRAM fetches is written into the cache's arrays, what is evicted is read from them.",
    f"A row of DRAM is opened for every {1 / (1 - ROW_HITS):.0f} sectors, unless a share of hits is given.",
    "Loads of a block that do not depend on one another are in flight at once.",
    "Of a product's slabs as many are in flight as the machine's file says.",
)


@dataclass(frozen=True)
class Arrays:
    """Designed caches: figures of shape (caches, 1), to stand beside kernels; without a cache, the GPU's own L2."""

    read_latency_s: np.ndarray
    read_cycle_s: np.ndarray
    write_cycle_s: np.ndarray
    banks: np.ndarray

    @classmethod
    def of(cls, cache: "Mapping[str, Any] | pd.DataFrame | None", gpu: "Gpu", machine: Machine) -> "Arrays":
        """Return a cache's figures, or several caches'.

        Args:
            cache: read_latency_s and write_latency_s; read_cycle_s and write_cycle_s where a bank is free sooner than
                that; banks where they are not the GPU's. A mapping of numbers, or a row a cache; None for the GPU's L2.
            gpu: how many slices there are.
            machine: how many banks a slice has.

        Raises:
            InputError: for a figure that is missing or no positive number.
        """
        if cache is None:
            none = np.zeros((1, 1))
            return cls(np.full((1, 1), machine.l2_array_s), none, none, np.ones((1, 1)))
        own = gpu.l2_slices * machine.l2_banks_per_slice
        read, write = _figure(cache, "read_latency_s"), _figure(cache, "write_latency_s")
        return cls(
            read, _figure(cache, "read_cycle_s", read), _figure(cache, "write_cycle_s", write),
            _figure(cache, "banks", np.full_like(read, own)),
        )  # fmt: skip


def _figure(cache: "Mapping[str, Any] | pd.DataFrame", name: str, default: np.ndarray | None = None) -> np.ndarray:
    if name not in cache:
        if default is None:
            raise InputError(f"cache: {name} missing; give {', '.join(CACHE_FIGURES)} (and banks, if known)")
        return default
    try:
        values = np.atleast_1d(np.asarray(cache[name], np.float64)).reshape(-1, 1)
    except (ValueError, TypeError):
        raise InputError(f"cache: {name} is no number") from None
    if not ((values > 0) & (values < np.inf)).all():
        raise InputError(f"cache: {name} is {cache[name]}; give a positive number")
    return values


def bounds(
    work: Work, gpu: "Gpu", dram: Dram, machine: Machine, arrays: Arrays, *, row_hits: float = ROW_HITS,
    fills: bool = True, tuned: bool | None = None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Return each bound in seconds, of shape (caches, kernels), or (kernels,) where no cache changes it."""
    if not 0 <= row_hits <= 1:
        raise InputError(f"row_hits {row_hits!r}: give a share from 0 to 1")
    read, written = work.l2_reads * gpu.sector_bytes, work.l2_writes * gpu.sector_bytes
    slices = gpu.l2_slices * gpu.core_Hz
    ports = np.maximum(work.active, 1) * machine.sm_bytes_per_cycle * gpu.core_Hz
    l2 = read / (slices * machine.l2_read_bytes_per_slice_cycle)
    l2 = l2 + written / (slices * machine.l2_write_bytes_per_slice_cycle)
    peak, sectors = gpu.dram_bytes_per_s, work.dram_reads + work.dram_writes
    streams = work.dram_reads / machine.dram_read_share + work.dram_writes / machine.dram_write_share
    reads = work.l2_read_hits + work.dram_writes if fills else work.l2_reads
    writes = work.l2_writes + (work.dram_reads if fills else 0)
    load = _load(work, machine) + np.where(work.l2_reads > 0, arrays.read_latency_s - machine.l2_array_s, 0.0)
    own = launched(work, gpu, machine, load, tunes(gpu) if tuned is None else tuned)
    return {
        "compute": own.compute,
        "l2": np.maximum(l2, np.maximum(read, written) / ports),
        "banks": (reads * arrays.read_cycle_s + writes * arrays.write_cycle_s) / arrays.banks,
        "dram": streams * gpu.sector_bytes / peak,
        "rows": sectors * (1 - row_hits) / dram.activations_per_s(peak),
        "latency": own.latency,
    }


def _load(work: Work, machine: Machine) -> np.ndarray:
    """Return the mean latency of a load, by the share of the kernel's reads that miss."""
    missed = 1 - work.l2_read_hits / np.maximum(work.l2_reads, 1)
    latency = machine.l2_latency_s + missed * (machine.dram_latency_s - machine.l2_latency_s)
    return np.where(work.l2_reads > 0, latency, 0.0)


def overlap(
    kernels: "pd.DataFrame", gpu: "Gpu", dram: Dram, cache: Mapping[str, Any] | None = None,
    machine: Machine | None = None, *, dtype: str = "fp32", row_hits: float = ROW_HITS, fills: bool = True,
    tuned: bool | None = None, start_s: float | None = None,
) -> "pd.DataFrame":  # fmt: skip
    """Return how long each kernel takes, and what limits it.

    Args:
        kernels: a row a kernel, with the sectors of one launch: l2_reads, l2_writes, dram_reads, dram_writes; where
            known l2_read_hits, and what its launch is: macs, blocks, threads (of a block), registers (of a thread),
            rounds (dependent loads of a block), issued_macs, launches, dtype, name (as a trace's kernels have them).
        gpu: SMs, slices, clocks, peak bandwidth of DRAM.
        dram: its rows.
        cache: read_latency_s and write_latency_s of a designed cache, and banks, read_cycle_s, write_cycle_s where
            they are known; None for the GPU's own L2.
        machine: the GPU's measured figures; those that come with the package under its name when None.
        dtype: what products are in, where kernels do not say.
        row_hits: share of DRAM's sectors that find their row open.
        fills: whether what is fetched is written into the cache's arrays and what is evicted read from them; else
            each access is charged as such, as hwmodel.gpu.accounting does.
        tuned: whether products are launched as the fastest of some shapes, as a library's are (hwmodel.gpu.shapes);
            False where the table holds the launches that ran. None asks the GPU's description: one that lists tiles
            down to a library's smallest leaves nothing to choose.
        start_s: of a kernel, before its first access; the machine's when None.

    Returns:
        The table's index; time_s (of one launch), limiter (a name of BOUNDS, or start where there is no work), start_s
        and a column a bound.

    Raises:
        InputError: for tables, caches and shares that cannot be.
    """
    import pandas as pd

    machine = load_machine(gpu.name) if machine is None else machine
    work = work_of(kernels, gpu, machine, dtype)
    found = bounds(work, gpu, dram, machine, Arrays.of(cache, gpu, machine), row_hits=row_hits, fills=fills,
                   tuned=tuned)  # fmt: skip
    table = np.stack([np.broadcast_to(found[name], (1, len(kernels)))[0] for name in BOUNDS])
    most = table.max(axis=0)
    start = machine.kernel_start_s if start_s is None else start_s
    names = np.where(most > 0, np.array(BOUNDS)[table.argmax(axis=0)], "start")
    columns = {"time_s": start + most, "limiter": names, "start_s": start}
    columns |= {f"{name}_s": row for name, row in zip(BOUNDS, table, strict=True)}
    return pd.DataFrame(columns, index=kernels.index)
