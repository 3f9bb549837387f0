"""A trace: which kernels ran, which tensors they touched, and the sectors they asked the last-level cache for."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version

from traces.stream import SECTOR_BYTES, Intervals

# Raised when a reader could misread what a writer wrote; a trace of another version is refused with a clear line.
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Tensor:
    """A stretch of device memory that kernels name: where it lies and what it is for."""

    name: str  # the parameter's qualified name, or the layer's name and its role
    kind: str  # parameter | gradient | activation | input | optimizer | buffer | workspace
    address: int  # byte address, from the model of the caching allocator
    bytes: int  # bytes of its storage


@dataclass(frozen=True)
class Kernel:
    """One launch: an operator, or a part of one."""

    name: str  # the kernel's kind, such as implicit_gemm_forward
    operator: str  # the torch operator it came from, such as aten.convolution
    layer: str  # qualified name of the module that called it; empty outside any module
    phase: str  # forward | backward | optimizer
    blocks: int  # thread blocks in the grid
    macs: int  # multiply-accumulates of the operator, 0 where it has none
    operation: int = 0  # place of the operator's call among the run's, from 1; 0 where it is not known
    threads: int = 0  # of a block; 0, here and below, where it is not known
    registers: int = 0  # of a thread
    rounds: int = 0  # loads of a block that wait for one another, such as slabs of a reduction
    issued_macs: int = 0  # multiply-accumulates of whole tiles, those beyond the operands' edges too


@dataclass(frozen=True)
class Header:
    """What a trace is of: enough to name it in a report and to make it again."""

    network: str
    phase: str  # inference | training
    batch: int
    gpu: str  # name of the machine description the kernels were lowered for
    sector_bytes: int = SECTOR_BYTES
    version: int = SCHEMA_VERSION
    parameters: int = 0  # scalars of the module's parameters
    macs: int = 0  # multiply-accumulates of the forward pass, whole batch
    made_by: str = ""  # version of hwmodel that captured it
    notes: list[str] = field(default_factory=list)  # assumptions made on the way, one sentence each
    dtype: str = "fp32"  # fp32 | tf32 | bf16 | fp16 | int8 | int4w: what values were held and multiplied in
    steps: int = 1  # how often the stream goes through the run

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def made_by() -> str:
    """Return what a header says of who made the trace: this package and its version."""
    try:
        return f"hwmodel {version('hwmodel')}"
    except PackageNotFoundError:  # run from a folder that was never installed
        return "hwmodel"


@dataclass(frozen=True)
class Totals:
    """How much a stream holds, whole and kernel by kernel (lists as long as the trace's kernels)."""

    intervals: list[int]
    sectors_read: list[int]  # sector accesses, as the cache sees them
    sectors_written: list[int]


@dataclass(frozen=True)
class Trace:
    """Kernels, tensors and the interval stream, made or read anew, batch by batch, at each call of `batches`."""

    header: Header
    tensors: list[Tensor]
    kernels: list[Kernel]
    source: Callable[[], Iterator[Intervals]]
    totals: Totals | None = None  # known of a trace read from a file; a captured one has to be run through to count

    def batches(self) -> Iterator[Intervals]:
        """Yield the stream in order, in batches of bounded size."""
        return self.source()
