"""How a kernel's blocks fill a GPU: its table checked and completed, and what runs side by side, kernel by kernel."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from circuits.errors import InputError
from hwmodel.gpu.machine import Machine

if TYPE_CHECKING:
    import pandas as pd

    from traces.gpus import Gpu

WARP = 32
COUNTS = ("l2_reads", "l2_writes", "dram_reads", "dram_writes")
# What a table may leave out, column or value, and what stands for it; hits are the reads that DRAM does not serve.
OPTIONAL = {"l2_read_hits": None, "macs": 0.0, "blocks": 0.0, "threads": 0.0, "registers": 0.0, "rounds": 1.0,
            "issued_macs": 0.0, "launches": 1.0}  # fmt: skip
KERNEL_FIELDS = ("blocks", "macs", "threads", "registers", "rounds", "issued_macs")  # those a trace's kernels have
ATTENTION = "attention"  # kernels of such names are fused attention
ON_CORES = "depthwise"  # kernels of such names are no products: whatever their type, fp32's cores multiply


@dataclass(frozen=True)
class Work:
    """Kernels as arrays, shape (kernels,): counts of one launch, and how it fills the machine."""

    l2_reads: np.ndarray  # sectors
    l2_read_hits: np.ndarray
    l2_writes: np.ndarray
    dram_reads: np.ndarray
    dram_writes: np.ndarray
    macs: np.ndarray
    issued: np.ndarray  # products that a block of them issues, with those beyond the matrices' edges
    blocks: np.ndarray
    rounds: np.ndarray  # dependent loads of a block, one after another
    launches: np.ndarray
    per_sm: np.ndarray  # blocks that an SM holds at once
    active: np.ndarray  # SMs that have a block
    warps: np.ndarray  # of a block
    units: tuple[str, ...]  # those that multiply
    unit: np.ndarray  # which of them, by place
    attention: np.ndarray  # whether it is fused attention


def work_of(kernels: "pd.DataFrame", gpu: "Gpu", machine: Machine, dtype: str) -> Work:
    """Return kernels' counts and occupancy.

    Args:
        kernels: a row a kernel; see hwmodel.gpu.overlap.overlap.
        gpu: how many SMs there are, and what each holds.
        machine: which units multiply.
        dtype: what the run's products are in, where the table has no column `dtype`.

    Raises:
        InputError: for a column that is missing, and for what is no count.
    """
    if missing := [name for name in COUNTS if name not in kernels]:
        raise InputError(f"kernels: {', '.join(missing)} missing; give sectors of one launch of each kernel")
    c = {name: _column(kernels, name) for name in COUNTS}
    for name, value in OPTIONAL.items():
        default = np.maximum(c["l2_reads"] - c["dram_reads"], 0) if value is None else np.full(len(kernels), value)
        c[name] = _column(kernels, name, default) if name in kernels else default
    threads = np.where(c["threads"] > 0, c["threads"], gpu.pass_threads_per_block)
    blocks = np.where(c["blocks"] > 0, c["blocks"], _blocks(c, gpu))
    per_sm = np.minimum(gpu.blocks_per_sm, gpu.threads_per_sm // threads)
    used = threads * c["registers"]
    per_sm = np.where(used > 0, np.minimum(per_sm, gpu.registers_per_sm // np.maximum(used, 1)), per_sm)
    per_sm = np.maximum(per_sm, 1)
    issued = np.maximum(c["issued_macs"], c["macs"])
    units, unit = _units(kernels, machine, dtype)
    hits = np.minimum(c["l2_read_hits"], c["l2_reads"])
    return Work(
        c["l2_reads"], hits, c["l2_writes"], c["dram_reads"], c["dram_writes"], c["macs"],
        issued / np.maximum(blocks, 1), blocks, np.maximum(c["rounds"], 1), c["launches"], per_sm,
        np.minimum(blocks, gpu.sms),
        np.ceil(threads / WARP), units, unit, _named(kernels, ATTENTION),
    )  # fmt: skip


def _column(kernels: "pd.DataFrame", name: str, default: np.ndarray | None = None) -> np.ndarray:
    try:
        values = kernels[name].to_numpy(np.float64)
    except (ValueError, TypeError):
        raise InputError(f"kernels: {name} holds what is no number") from None
    if default is not None:
        values = np.where(np.isnan(values), default, values)
    wrong = ~((values >= 0) & (values < np.inf))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(f"kernels: row {row}: {name} is {values[row]:g}; give a count from 0")
    return values


def _blocks(counts: dict[str, np.ndarray], gpu: "Gpu") -> np.ndarray:
    """Return the blocks of an elementwise kernel that moves so much, of 4 B elements of the larger side."""
    sectors = np.maximum(counts["l2_reads"], counts["l2_writes"])
    each = 4 * gpu.pass_threads_per_block * gpu.pass_elements_per_thread
    return np.maximum(np.ceil(sectors * gpu.sector_bytes / each), counts["macs"] > 0)


def _units(kernels: "pd.DataFrame", machine: Machine, dtype: str) -> tuple[tuple[str, ...], np.ndarray]:
    units = tuple(machine.macs_per_sm_cycle)
    given = kernels["dtype"].tolist() if "dtype" in kernels else [dtype] * len(kernels)
    place = {name: units.index(machine.unit(name)) for name in set(given)}
    unit = np.array([place[name] for name in given], np.int64)
    unit[_named(kernels, ON_CORES)] = units.index("fp32")
    return units, unit


def _named(kernels: "pd.DataFrame", start: str) -> np.ndarray:
    if "name" not in kernels:
        return np.zeros(len(kernels), np.bool_)
    return kernels["name"].astype(str).str.startswith(start).to_numpy(np.bool_)
