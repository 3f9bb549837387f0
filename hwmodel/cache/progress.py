"""A trace batch by batch, and how far it has got."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from traces.stream import Intervals

if TYPE_CHECKING:
    from traces.trace import Trace


def batches_of(trace: "Trace", on_progress: Callable[[float], None] | None = None) -> Iterator[Intervals]:
    """Yield a trace's batches; call `on_progress`, after each is dealt with, with the fraction of kernels done."""
    done = 0.0
    for batch in trace.batches():
        yield batch
        if on_progress is not None and len(batch.kernel) and trace.kernels:
            done = max(done, min(int(batch.kernel[-1]) / len(trace.kernels), 1.0))
            on_progress(done)
    if on_progress is not None:
        on_progress(1.0)
