"""Design points of traffic in sums: what a run of a network asks of a cache, by kind of way and slot where asked."""

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from hwmodel.studies.points import Report, macs_of, named, network_inputs
from hwmodel.studies.store import Answer

if TYPE_CHECKING:
    import pandas as pd

    from hwmodel.cache import CacheConfig

RATIOS = ("mean_written", "wear_ratio")  # columns that are no counts


@dataclass(frozen=True)
class StreamPoint:
    """What a run of a network asks of one cache, in one row: the columns of hwmodel.cache.replay."""

    network: str
    phase: str  # inference | training
    batch: int
    gpu: str
    capacity: int
    ways: int
    line: int
    sram_ways: int = 0  # of the ways; the others are of another memory
    migrate_after: int = 2  # writes in a way of that other memory, after which a line moves to SRAM
    wear: bool = False  # whether writes of slots are counted, as they are of hybrid caches anyway
    index: str = "hashed"
    dtype: str = "fp32"

    kind: ClassVar[str] = "stream"

    def inputs(self) -> dict[str, Any]:
        values = asdict(self) | {"network": network_inputs(self.network), "gpu": named(self.gpu)}
        if not self.sram_ways:
            del values["migrate_after"]
        return values

    @property
    def group(self) -> Hashable:
        return (self.network, self.phase, self.batch, self.gpu, self.dtype)

    @property
    def name(self) -> str:
        return f"{self.network} {self.phase} {self.batch} on {self.gpu}"

    @property
    def weight(self) -> float:
        slow = 4 if self.sram_ways or self.wear else 1  # an access at a time
        return 0.3 + slow * macs_of(self.network) * self.batch * (3 if self.phase == "training" else 1) / 5e11

    def config(self, sector: int) -> "CacheConfig":
        from hwmodel.cache import CacheConfig, Hybrid

        hybrid = Hybrid(self.sram_ways, self.migrate_after) if self.sram_ways else None
        return CacheConfig(self.capacity, self.ways, self.line, self.index, sector, wear=self.wear, hybrid=hybrid)

    @classmethod
    def answer(cls, points: "Sequence[StreamPoint]", report: Report) -> list[Answer]:
        from hwmodel.cache import replay_trace
        from traces import capture_network
        from traces.gpus import load_gpu

        first = points[0]
        gpu = load_gpu(first.gpu)
        configs = [one.config(gpu.sector_bytes) for one in points]
        trace = capture_network(first.network, batch=first.batch, phase=first.phase, gpu=first.gpu, dtype=first.dtype)
        frame = replay_trace(trace, configs, on_progress=report)
        about = {
            "parameters": trace.header.parameters,
            "macs": trace.header.macs,
            "notes": trace.header.notes,
            "works": gpu.works,
        }
        return [Answer(_own(frame.iloc[[number]]), about) for number in range(len(points))]


def _own(row: "pd.DataFrame") -> "pd.DataFrame":
    """Return a cache's row without what only the others have, its counts whole numbers whatever the others are."""
    row = row.dropna(axis=1).reset_index(drop=True)
    counts = [name for name in row.columns if row[name].dtype.kind == "f" and name not in RATIOS]
    return row.astype(dict.fromkeys(counts, "int64"))
