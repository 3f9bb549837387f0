"""A trace batch by batch, and how far it has got."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from traces.stream import Intervals

if TYPE_CHECKING:
    from traces.trace import Trace


def batches_of(trace: "Trace", on_progress: Callable[[float], None] | None = None) -> Iterator[Intervals]:
    """Yield a trace's batches; call `on_progress`, after each is dealt with, with the fraction done, 0 to 1.

    It is that of thread blocks launched, and never falls.
    """
    blocks = np.cumsum([0, *(max(kernel.blocks, 1) for kernel in trace.kernels)], dtype=np.float64)
    done = 0.0
    for batch in trace.batches():
        yield batch
        if on_progress is not None and len(batch.kernel) and len(blocks) > 1:
            done = max(done, float(blocks[min(int(batch.kernel[-1]), len(blocks) - 2)] / blocks[-1]))
            on_progress(done)
    if on_progress is not None:
        on_progress(1.0)
