"""The traffic of a network at its last-level cache: captured, lowered and replayed in one go."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from hwmodel.cache import CacheConfig

COUNTS = ("read_hits", "read_misses", "write_hits", "write_misses", "writebacks", "dram_reads", "dram_writes")


@dataclass(frozen=True)
class Traffic:
    """What one network in one phase asks of caches."""

    network: str
    phase: str
    batch: int
    parameters: int
    macs: int  # of the forward pass, the whole batch
    kernels: "pd.DataFrame"  # a row a (configuration, kind of kernel): capacity_bytes, kernel, launches, COUNTS
    totals: "pd.DataFrame"  # a row a configuration: capacity_bytes, accesses, COUNTS
    works: dict[str, str]
    assumptions: list[str]


@dataclass(frozen=True)
class TrafficJob:
    """A network, a phase, a batch, a GPU, and the caches to replay."""

    network: str
    phase: str
    batch: int
    gpu: str
    configs: "tuple[CacheConfig, ...]"
    weight: float  # forward MACs, three times over in training: what lowering and replay scale with

    @property
    def name(self) -> str:
        return f"{self.network} {self.phase}"

    def __call__(self, report: Callable[[float], None]) -> Traffic:
        from hwmodel.cache import replay_trace
        from traces import capture_network
        from traces.gpus import load_gpu

        trace = capture_network(self.network, batch=self.batch, phase=self.phase, gpu=self.gpu)
        frame = replay_trace(trace, list(self.configs), by="kernel", on_progress=report)
        frame = frame.rename(columns={"dram_read_sectors": "dram_reads", "dram_write_sectors": "dram_writes"})
        kinds = frame.assign(launches=1).rename(columns={"kernel": "number", "name": "kernel"})
        kernels = _sums(kinds, ["capacity_bytes", "kernel"], ["launches", *COUNTS])
        totals = _sums(frame, ["capacity_bytes"], ["accesses", *COUNTS])
        return Traffic(
            self.network,
            self.phase,
            self.batch,
            trace.header.parameters,
            trace.header.macs,
            kernels,
            totals,
            load_gpu(self.gpu).works,
            trace.header.notes,
        )


def _sums(frame: "pd.DataFrame", by: list[str], columns: list[str]) -> "pd.DataFrame":
    return frame.loc[:, [*by, *columns]].groupby(by, sort=False, as_index=False).agg("sum")
