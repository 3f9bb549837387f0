"""Measured kernels as tables: what an H200 counted and took, how it was launched, and what is modelled beside it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.gpu.errors import calls
from hwmodel.gpu.dram import load_dram
from hwmodel.gpu.machine import load_machine
from hwmodel.gpu.overlap import overlap
from hwmodel.gpu.replayed import QUANTITIES, by_kernel
from traces.counters.join import Row
from traces.counters.table import MODES
from traces.gpus import Gpu, load_gpu
from traces.trace import Kernel, Trace

SMALLEST = ("bert_base", "aten.tanh.default", "warm")  # whose time under the profiler is nearly all start
BESIDE = re.compile(r"split_k_kernel|n(hw|chw)c?to|nchwto", re.IGNORECASE)  # kernels that multiply nothing
MULTIPLIES = re.compile(r"gemm|conv|fmha|flash", re.IGNORECASE)
XMMA = re.compile(r"tilesize(\d+)x(\d+)x(\d+)_stage\d_warpsize(\d)x(\d)x(\d)")
CUTLASS = re.compile(r"gemm_(\d+)x(\d+)_(\d+)x\d+")
KNOWN = ("name", "macs", "blocks", "threads", "registers", "rounds", "issued_macs")
RESULTS_OF_A_THREAD = 64  # of a float kernel whose name does not say how many warps a block has


@dataclass(frozen=True)
class Card:
    """The GPU that was measured."""

    gpu: Gpu
    lowered: Gpu  # for which traces are made

    @classmethod
    def h200(cls) -> "Card":
        """Return an H200, as its counters are modelled."""
        return cls(load_gpu("h200"), load_gpu("h200"))

    def overlap(self, kernels: pd.DataFrame, **more: Any) -> pd.DataFrame:
        return overlap(kernels, self.gpu, load_dram("hbm3e"), None, load_machine("h200"), **more)

    def roofline(self, kernels: pd.DataFrame, start_s: float | None = None) -> np.ndarray:
        """Return each kernel's time by its products and DRAM's bytes at their peaks, behind the machine's start."""
        machine = load_machine("h200")
        start = machine.kernel_start_s if start_s is None else start_s
        rate = np.array([machine.macs_per_sm_cycle[machine.unit(kind)] for kind in kernels["dtype"]])
        products = kernels["macs"].fillna(0).to_numpy(float) / (rate * self.gpu.sms * self.gpu.core_Hz)
        sectors = (kernels["dram_reads"] + kernels["dram_writes"]).to_numpy(float)
        return start + np.maximum(products, sectors * self.gpu.sector_bytes / self.gpu.dram_bytes_per_s)


def tile_of(name: str) -> tuple[int, int, int, int] | None:
    """Return rows, columns and depth of a float product's tile, and its threads, where its name states them."""
    if found := XMMA.search(name):
        m, n, k, *warps = map(int, found.groups())
        return m, n, k, 32 * warps[0] * warps[1] * warps[2]
    if found := CUTLASS.search(name):
        m, n, k = map(int, found.groups())
        return m, n, k, m * n // RESULTS_OF_A_THREAD
    return None


def launch_of(name: str, own: Kernel, results: float, written: float) -> dict[str, float]:
    """Return how a measured product was launched: by its name, else as ours is.

    Args:
        name: the measured kernel's.
        own: the modelled kernel.
        results: elements of the product.
        written: elements that the measured kernel wrote: as often `results` as its reduction is cut.
    """
    launch = {field: getattr(own, field) for field in KNOWN}
    tile = tile_of(name)
    if tile is None or not results:
        return launch
    m, n, k, threads = tile
    splits = max(1, round(written / results))
    blocks = float(np.ceil(results / (m * n))) * splits
    rounds = max(1.0, float(np.ceil(own.macs / results / splits / k)))
    return launch | {"blocks": blocks, "threads": threads, "rounds": rounds, "issued_macs": blocks * m * n * k * rounds}


def counted(rows: Sequence[Row], traces: dict[str, Trace]) -> pd.DataFrame:
    """Return a row a measured kernel: its counts, how it was launched, time_measured_s, item, mode, class."""
    found = []
    for call, kernels in _with_kernels(rows, traces):
        header = traces[call[0].item].header
        big = max((kernel for kernel in kernels if kernel.macs), key=lambda kernel: kernel.macs, default=None)
        timed = [row for row in call if row.measured_kernel and row.time_s]
        products = [r for r in timed if MULTIPLIES.search(r.measured_kernel) and not BESIDE.search(r.measured_kernel)]
        products = products or sorted(timed, key=lambda row: row.measured["l2_reads"] or 0)[-1:]
        size = 4 if header.dtype == "fp32" else 2
        for row in timed:
            one: dict[str, Any] = {name: row.measured[name] or 0 for name in QUANTITIES}
            one |= {"item": row.item, "mode": row.mode, "operator": row.operator, "dtype": header.dtype}
            one |= {"kernel": row.measured_kernel, "time_measured_s": row.time_s, "class": row.modelled_kernel}
            if big and any(row is product for product in products):
                place = kernels.index(big)
                ours = [row for row in call if row.modelled_kernel][place].modelled["l2_writes"] or 0
                elements = 32 / size
                one |= launch_of(row.measured_kernel, big, ours * elements, one["l2_writes"] * elements)
                one["macs"] = big.macs / len(products)
                one["class"] = big.name
            elif big:
                one["class"] = "layout changes, split sums"
            found.append(one | {"class": one["class"] or "not modelled"})
    return pd.DataFrame(found)


def _with_kernels(rows: Sequence[Row], traces: dict[str, Trace]) -> Iterator[tuple[list[Row], list[Kernel]]]:
    """Yield each call's rows and the trace's kernels among them, which come in the trace's order."""
    at: dict[tuple[str, str], int] = {}
    for call in calls(rows):
        key = call[0].item, call[0].mode
        begin = at.get(key, 0)
        at[key] = begin + sum(bool(row.modelled_kernel) for row in call)
        yield call, traces[call[0].item].kernels[begin : at[key]]


def start_under_profiler(table: pd.DataFrame, card: Card) -> tuple[float, pd.Series]:
    """Return seconds before a profiled kernel's first access, and which row tells."""
    item, operator, mode = SMALLEST
    chosen = table["item"].str.contains(item) & (table["operator"] == operator) & (table["mode"] == mode)
    row = card.overlap(table[chosen], start_s=0.0)["time_s"]
    return float((table.loc[chosen, "time_measured_s"] - row).iloc[0]), chosen


def own(rows: Sequence[Row], traces: dict[str, Trace], card: Card, start_s: float) -> pd.DataFrame:
    """Return a row an operator's call: its measured and its modelled time, with counts of our own kernels."""
    timed = {}
    for item, trace in traces.items():
        for mode in MODES:
            kernels = table_of(trace, by_kernel(trace, card.lowered, mode))
            shown = card.overlap(kernels, start_s=start_s)
            timed[item, mode] = kernels.assign(time_s=shown["time_s"], roofline_s=card.roofline(kernels, start_s))
    at: dict[tuple[str, str], int] = {}
    found = []
    for call in calls(rows):
        key = call[0].item, call[0].mode
        begin = at.get(key, 0)
        at[key] = begin + sum(bool(row.modelled_kernel) for row in call)
        part, real = timed[key].iloc[begin : at[key]], [row.time_s for row in call if row.time_s]
        if len(part) and real:
            found.append({
                "item": key[0], "mode": key[1], "class": part["name"].iloc[int(part["time_s"].to_numpy().argmax())],
                "time_measured_s": sum(real), "time_s": part["time_s"].sum(), "roofline_s": part["roofline_s"].sum(),
            })  # fmt: skip
    return pd.DataFrame(found)


def table_of(trace: Trace, counts: Sequence[dict[str, float | None]]) -> pd.DataFrame:
    known = [{name: getattr(kernel, name) for name in KNOWN} for kernel in trace.kernels]
    return pd.DataFrame([a | b for a, b in zip(known, counts, strict=True)]).assign(dtype=trace.header.dtype)


def timed(rows: Sequence[Row], traces: dict[str, Trace], card: Card) -> tuple[pd.DataFrame, float, pd.Series]:
    """Return the measured kernels with their modelled times, the start under the profiler, and which row tells it."""
    table = counted(rows, traces)
    start, told = start_under_profiler(table, card)
    shown = card.overlap(table, start_s=start, tuned=False)
    table = table.assign(time_s=shown["time_s"], limiter=shown["limiter"], roofline_s=card.roofline(table, start))
    return table, start, told
