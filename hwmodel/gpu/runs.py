"""What runs take and draw with each of several caches: the kernels of hwmodel.gpu.overlap, summed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel.gpu.dram import Dram
from hwmodel.gpu.machine import Machine, load_machine
from hwmodel.gpu.occupancy import KERNEL_FIELDS, Work, work_of
from hwmodel.gpu.overlap import BOUNDS, CACHE_FIGURES, ROW_HITS, Arrays, bounds

if TYPE_CHECKING:
    import pandas as pd

    from traces.gpus import Gpu
    from traces.trace import Trace

LAUNCHES = ("graph", "eager")


def overlap_runs(
    kernels: "pd.DataFrame", caches: "Mapping[str, Any] | pd.DataFrame | None", gpu: "Gpu", dram: Dram,
    machine: Machine | None = None, *, by: Sequence[str] = (), dtype: str = "fp32", row_hits: float = ROW_HITS,
    fills: bool = True, tuned: bool | None = None, start_s: float | None = None, launch: str = "graph",
) -> "pd.DataFrame":  # fmt: skip
    """Return times and energies of runs, one after another kernel, with each cache.

    Args:
        kernels: as hwmodel.gpu.overlap.overlap takes them; a row counts `launches` times where that column is there.
        caches: a row a cache of the capacity that the counts are of, with read_latency_s, write_latency_s (and banks,
            read_cycle_s, write_cycle_s), read_energy_J, write_energy_J (an access) and leakage_W; a mapping for one;
            None for the GPU's own L2, whose energy is within the GPU's.
        gpu: as there.
        dram: as there, and its energies.
        machine: as there, and the GPU's energies.
        dtype: as there.
        row_hits: as there.
        fills: as there.
        tuned: as there.
        start_s: as there.
        by: columns of `kernels` that tell runs apart, such as network and phase; none for one run.
        launch: `graph`, where kernels follow one another; `eager`, where the host may launch them more slowly.

    Returns:
        A row a run and cache: the columns `by`, cache (the label of the cache's row), launches, time_overlap_s;
        {bound}_limited_s, the part of it in kernels that this bound limits, and start_limited_s, the starts;
        energy_cache_dynamic_J, energy_cache_leakage_J, energy_dram_activation_J, energy_dram_transfer_J,
        energy_dram_background_J and their sum energy_overlap_J; of the GPU itself energy_gpu_static_J,
        energy_gpu_macs_J, energy_gpu_l2_J, energy_gpu_dram_J and the sum of all, energy_board_J; edp_overlap_Js.
        A board's L2 bytes are paid at what the GPU's own SRAM was measured to cost; a designed cache comes on top.

    Raises:
        InputError: as hwmodel.gpu.overlap.overlap.
    """
    import pandas as pd

    if launch not in LAUNCHES:
        raise InputError(f"launch {launch!r}: give {' or '.join(LAUNCHES)}")
    machine = load_machine(gpu.name) if machine is None else machine
    work = work_of(kernels, gpu, machine, dtype)
    arrays = Arrays.of(caches, gpu, machine)
    found = bounds(work, gpu, dram, machine, arrays, row_hits=row_hits, fills=fills, tuned=tuned)
    shape = (len(arrays.banks), len(kernels))
    table = np.stack([np.broadcast_to(found[name], shape) for name in BOUNDS])  # (bounds, caches, kernels)
    most, which = table.max(axis=0), table.argmax(axis=0)
    groups, group = _groups(kernels, by)
    sums = _Sums(work.launches, group, len(groups))
    start = machine.kernel_start_s if start_s is None else start_s
    columns = {f"{name}_limited_s": sums(np.where(which == at, most, 0.0)) for at, name in enumerate(BOUNDS)}
    columns["start_limited_s"] = sums(np.full(shape, start))
    launches = sums(np.ones(shape))
    time = sum(columns.values(), np.zeros_like(launches))
    if launch == "eager":
        time = np.maximum(time, launches * machine.launch_s)
    columns = {"launches": launches, "time_overlap_s": time} | columns
    columns |= _energies(work, gpu, dram, machine, caches, sums, time, row_hits, fills)
    label = caches.index if isinstance(caches, pd.DataFrame) else pd.RangeIndex(shape[0])
    rows = groups.loc[groups.index.repeat(shape[0])].reset_index(drop=True)
    rows["cache"] = np.tile(label.to_numpy(), len(groups))
    return rows.assign(**{name: values.T.reshape(-1) for name, values in columns.items()})


class _Sums:
    """Sums over the kernels of each run: (.., kernels) -> (caches, runs)."""

    def __init__(self, launches: np.ndarray, group: np.ndarray, groups: int) -> None:
        self._member = np.zeros((len(launches), groups))
        self._member[np.arange(len(launches)), group] = launches

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return np.atleast_2d(values) @ self._member


def _groups(kernels: "pd.DataFrame", by: Sequence[str]) -> "tuple[pd.DataFrame, np.ndarray]":
    """Return the runs, a row each, in the order they are met, and each kernel's."""
    import pandas as pd

    if missing := [name for name in by if name not in kernels]:
        raise InputError(f"kernels: no column {', '.join(missing)} to tell runs apart by")
    if not by:
        return pd.DataFrame(index=pd.RangeIndex(1)), np.zeros(len(kernels), np.int64)
    group = kernels.groupby(list(by), sort=False, dropna=False).ngroup().to_numpy()
    first = np.unique(group, return_index=True)[1]
    return kernels.loc[:, list(by)].iloc[first].reset_index(drop=True), group


def _energies(
    work: Work, gpu: "Gpu", dram: Dram, machine: Machine, caches: "Mapping[str, Any] | pd.DataFrame | None",
    sums: _Sums, time: np.ndarray, row_hits: float, fills: bool,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Return each energy in joules, shape (caches, runs)."""
    size, sectors = gpu.sector_bytes, work.dram_reads + work.dram_writes
    read, write, leakage = _drawn(caches)
    reads = work.l2_read_hits + work.dram_writes if fills else work.l2_reads
    writes = work.l2_writes + (work.dram_reads if fills else 0)
    bit = dram.transfer_energy_J_per_bit if dram.activation_energy_J else None
    mac = np.array([machine.mac_J.get(unit, machine.mac_J["fp32"]) for unit in work.units])[work.unit]
    held = (dram.background_W or 0.0) * dram.devices(gpu.dram_bytes_per_s)
    l2 = work.l2_reads * machine.l2_read_J_per_byte + work.l2_writes * machine.l2_write_J_per_byte
    path = work.dram_reads * machine.dram_read_J_per_byte + work.dram_writes * machine.dram_write_J_per_byte
    none = np.zeros_like(time)
    memory = {
        "energy_cache_dynamic_J": sums(reads) * read + sums(writes) * write,
        "energy_cache_leakage_J": leakage * time,
        "energy_dram_activation_J": none + sums(sectors * (1 - row_hits)) * (dram.activation_energy_J or 0.0),
        "energy_dram_transfer_J": none + sums(sectors * size) * 8 * (bit or dram.energy_J_per_bit),
        "energy_dram_background_J": held * time,
    }
    board = {
        "energy_gpu_static_J": machine.static_W * time,
        "energy_gpu_macs_J": none + sums(work.macs * mac),
        "energy_gpu_l2_J": none + sums(l2 * size),
        "energy_gpu_dram_J": none + sums(path * size),
    }
    total = sum(memory.values(), none)
    whole = {"energy_overlap_J": total, "edp_overlap_Js": total * time}
    return memory | whole | board | {"energy_board_J": total + sum(board.values(), none)}


def _drawn(caches: "Mapping[str, Any] | pd.DataFrame | None") -> list[np.ndarray]:
    """Return joules a read and a write, and watts of leakage, each of shape (caches, 1)."""
    if caches is None:
        return [np.zeros((1, 1))] * 3
    names = CACHE_FIGURES[2:]
    if missing := [name for name in names if name not in caches]:
        raise InputError(f"cache: {', '.join(missing)} missing; give {', '.join(CACHE_FIGURES)} (and banks, if known)")
    return [np.atleast_1d(np.asarray(caches[name], np.float64)).reshape(-1, 1) for name in names]


def kernel_table(trace: "Trace", counts: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table that `overlap` takes: counts by kernel, with what the trace knows of each kernel's launch.

    Args:
        trace: whose kernels were counted.
        counts: of one cache, as hwmodel.cache.replay_trace(trace, cache, by="kernel") returns them.
    """
    import pandas as pd

    own = pd.DataFrame([{name: getattr(kernel, name, 0) for name in KERNEL_FIELDS} for kernel in trace.kernels])
    table = counts.merge(own, left_on="kernel", right_index=True, how="left")
    return table.assign(
        l2_reads=table["read_hits"] + table["read_misses"],
        l2_writes=table["write_hits"] + table["write_misses"],
        l2_read_hits=table["read_hits"],
        dram_reads=table["dram_read_sectors"],
        dram_writes=table["dram_write_sectors"],
        dtype=trace.header.dtype,
    )
