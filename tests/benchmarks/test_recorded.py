"""What an H200 counted beside what is modelled of the same items now: how far the two are apart may not grow.

Bounds are on the error as it was measured, NRMSE over a class's calls, with room for no more than rounding; where the
counts are met exactly they stay met. Traffic at L2 alone, which the trace itself tells: the rest needs a replay.
"""

from pathlib import Path

import pytest

from benchmarks.gpu import validate
from benchmarks.gpu.errors import ALL, errors
from traces import capture_network
from traces.counters.join import rejoin
from traces.counters.session import sectors
from traces.counters.table import read_table

RECORDED = Path(__file__).parents[1] / "reference" / "gpu_counters_h200.csv"
# item -> class of kernel -> the most that NRMSE of sectors read and of sectors written may be
BOUNDS = {
    "Streams": {"elementwise": (0.0, 0.0), "reduction": (0.0, 0.0)},
    "Products": {"gemm": (0.19, 0.31), "gemm_split": (0.07, 0.48), ALL: (0.20, 0.40)},
    "Convolutions": {
        "implicit_gemm_forward": (0.50, 0.73),  # cuDNN's kernel for 3 channels stores each sector four times
        "depthwise_forward": (0.63, 0.0),
    },
    "Attention": {"attention": (0.28, 0.77)},  # written is what registers spill, too
}


@pytest.mark.parametrize("name", BOUNDS)
def test_what_was_counted_is_met_as_well_as_it_was(name):
    job = next(one for one in validate.JOBS if one.network == f"{validate.ITEMS}{name}")
    item = validate.name_of(job)
    rows = [row for row in read_table(RECORDED)[1] if (row.item, row.mode) == (item, "warm")]
    trace = capture_network(job.network, job.batch, job.phase, "h200", dtype=job.dtype)
    found = {(row["class"], row["quantity"]): row for row in errors(rejoin(rows, trace.kernels, sectors(trace)))}
    for kind, bounds in BOUNDS[name].items():
        for quantity, bound in zip(("l2_reads", "l2_writes"), bounds, strict=True):
            assert found[kind, quantity]["nrmse"] <= bound, (kind, quantity)
