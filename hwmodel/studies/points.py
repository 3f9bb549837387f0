"""Design points: what a study computes, each by inputs that tell it whole, so that it is computed once and kept.

A point's answer depends on nothing but `inputs()` and the model. Points of one group share work (the caches that one
stream goes through), so a job answers a group.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

from hwmodel.studies.model import contents_of, model_version
from hwmodel.studies.store import Answer, Entry

Report = Callable[[float], None]
COUNTS = ("read_hits", "read_misses", "write_hits", "write_misses", "writebacks", "dram_reads", "dram_writes")


class Point(Protocol):
    """A point: a frozen dataclass of plain values."""

    kind: ClassVar[str]

    def inputs(self) -> dict[str, Any]:
        """Return what its answer depends on, as plain JSON; a user's file by its contents."""
        ...

    @property
    def group(self) -> Hashable:
        """What points have in common that one job answers together."""
        ...

    @property
    def name(self) -> str:
        """What a person sees while it is computed."""
        ...

    @property
    def weight(self) -> float:
        """How long it takes, in seconds of a processor, roughly."""
        ...

    @classmethod
    def answer(cls, points: Sequence[Any], report: Report) -> list[Answer]:
        """Compute points of one group."""
        ...


def entry_of(point: Point) -> Entry:
    """Return a point's name in the store."""
    return Entry.of(point.kind, point.inputs(), model_version(point.kind))


def named(value: str) -> str:
    """Return a name as it is; of a user's file, its contents and its stem, which results show."""
    path = Path(value)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return f"{path.stem} {contents_of(path)}"
    return value


@dataclass(frozen=True)
class OfCache:
    """Which cache: a technology's best under a target."""

    cell: str
    node: str
    capacity: int  # bytes
    ways: int = 16
    line: int = 128
    target: str = "edap"
    temperature_K: float = 350.0
    leakage: str | None = None  # school; None takes the node's default

    def inputs(self) -> dict[str, Any]:
        return asdict(self) | {"cell": named(self.cell), "node": named(self.node)}

    @property
    def group(self) -> Hashable:
        return self

    @property
    def name(self) -> str:
        return f"{self.cell} {self.node} {self.capacity / 2**20:g} MiB"


@dataclass(frozen=True)
class CachePoint(OfCache):
    """The best cache of a technology."""

    kind: ClassVar[str] = "cache"

    @property
    def weight(self) -> float:
        return 0.3

    @classmethod
    def answer(cls, points: "Sequence[CachePoint]", report: Report) -> list[Answer]:
        import pandas as pd

        from circuits import design_cache

        found = []
        for point in points:
            design = design_cache(**asdict(point)).as_dict()
            row = {name: value for name, value in design.items() if isinstance(value, (int, float, str))}
            found.append(Answer(pd.DataFrame([row]), {"design": design}))
            report(len(found) / len(points))
        return found


@dataclass(frozen=True)
class VariationPoint(OfCache):
    """What process variation makes of a technology's best cache: quantiles over chips, and yields."""

    dies: int = 50
    seed: int = 0

    kind: ClassVar[str] = "variation"

    @property
    def weight(self) -> float:
        return 3.0

    @classmethod
    def answer(cls, points: "Sequence[VariationPoint]", report: Report) -> list[Answer]:
        import pandas as pd

        from circuits.variation import vary_cache

        found = []
        for point in points:
            document = vary_cache(**asdict(point)).as_dict()
            rows = [{"quantile": at, **figures} for at, figures in document["quantiles"].items()]
            about = {name: document[name] for name in ("yields", "nominal", "assumptions", "works") if name in document}
            found.append(Answer(pd.DataFrame(rows), about))
            report(len(found) / len(points))
        return found


@dataclass(frozen=True)
class TrafficPoint:
    """What a run of a network asks of one cache, kernel by kernel."""

    network: str
    phase: str  # inference | training
    batch: int
    gpu: str
    capacity: int
    ways: int = 16
    line: int = 128
    index: str = "hashed"
    dtype: str = "fp32"

    kind: ClassVar[str] = "traffic"

    def inputs(self) -> dict[str, Any]:
        return asdict(self) | {"network": network_inputs(self.network), "gpu": named(self.gpu)}

    @property
    def group(self) -> Hashable:
        return (self.network, self.phase, self.batch, self.gpu, self.dtype)

    @property
    def name(self) -> str:
        return f"{self.network} {self.phase} {self.batch}"

    @property
    def weight(self) -> float:  # lowering and replay scale with the products' operands
        return 0.3 + macs_of(self.network) * self.batch * (3 if self.phase == "training" else 1) / 5e11

    @classmethod
    def answer(cls, points: "Sequence[TrafficPoint]", report: Report) -> list[Answer]:
        import pandas as pd

        from hwmodel.cache import CacheConfig, replay_trace
        from traces import capture_network
        from traces.gpus import load_gpu

        first = points[0]
        gpu = load_gpu(first.gpu)
        configs = [CacheConfig(one.capacity, one.ways, one.line, one.index, gpu.sector_bytes) for one in points]
        trace = capture_network(first.network, batch=first.batch, phase=first.phase, gpu=first.gpu, dtype=first.dtype)
        frame = replay_trace(trace, configs, by="kernel", on_progress=report)
        frame = frame.rename(columns={"dram_read_sectors": "dram_reads", "dram_write_sectors": "dram_writes"})
        kernels = pd.DataFrame([asdict(kernel) for kernel in trace.kernels])
        about = {
            "parameters": trace.header.parameters,
            "macs": trace.header.macs,
            "notes": trace.header.notes,
            "works": gpu.works,
        }
        found = []
        for number in range(len(points)):
            part = frame.iloc[number * len(kernels) : (number + 1) * len(kernels)].reset_index(drop=True)
            counts = part[["accesses", *COUNTS]]
            found.append(Answer(pd.concat([kernels, counts], axis=1), about))
        return found


@cache
def macs_of(network: str) -> int:
    """Return the MACs of a network's forward pass of one input."""
    from traces import count_macs, find_network

    return count_macs(find_network(network))


def network_inputs(name: str) -> Any:
    """Return a network's name; of a user's module, its file's contents as well, as its code may change.

    A network that a file tells of is what it tells: its `contents`.
    """
    place, colon, _ = name.partition(":")
    if not colon:
        return name
    from inspect import getsourcefile
    from sys import modules

    from traces import find_network

    factory = find_network(name)  # imports it
    contents = getattr(factory, "contents", None)
    if contents is not None:
        return {**contents, "network": network_inputs(contents["network"])}
    source = getsourcefile(modules[place])
    return [name, contents_of(Path(source)) if source else ""]
