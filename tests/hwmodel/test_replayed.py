"""A GPU's L2, kernel by kernel: cold caches are empty for each; warm ones hold what a run before has left."""

from dataclasses import replace

import pytest
import torch

from hwmodel.cache import replay_trace
from hwmodel.gpu.replayed import by_kernel, cache_of
from tests.traces.modules import convolutional
from traces import capture
from traces.gpus import load_gpu
from traces.survey import count

GPU = load_gpu("gtx1080ti")
SMALL = replace(GPU, l2_simulated_bytes=GPU.l2_ways * GPU.line_bytes * 8)


@pytest.fixture(scope="module")
def trace():
    return capture(convolutional(), torch.zeros(2, 3, 16, 16))


def only(trace, kernel):
    """The trace of one kernel alone."""

    def source():
        for batch in trace.batches():
            kept = batch.kernel == kernel
            part = type(batch)(*(column[kept] for column in batch))
            yield part._replace(kernel=part.kernel * 0)

    return replace(trace, kernels=[trace.kernels[kernel]], source=source)


@pytest.mark.parametrize("gpu", [GPU, SMALL])
def test_cold_is_each_kernel_alone(trace, gpu):
    found = by_kernel(trace, gpu, "cold")
    for kernel, counts in enumerate(found):
        row = replay_trace(only(trace, kernel), cache_of(gpu)).to_dict("records")[0]
        assert counts["l2_reads"] == row["read_hits"] + row["read_misses"]
        assert counts["l2_read_hits"] == row["read_hits"]
        assert (counts["dram_reads"], counts["dram_writes"]) == (row["dram_read_sectors"], row["dram_write_sectors"])


@pytest.mark.parametrize("gpu", [GPU, SMALL])
def test_warm_is_the_second_of_two_runs(trace, gpu):
    def twice():
        yield from trace.batches()
        for batch in trace.batches():
            yield batch._replace(kernel=batch.kernel + len(trace.kernels))

    both = replay_trace(replace(trace, kernels=trace.kernels * 2, source=twice), cache_of(gpu), by="kernel")
    second = both.to_dict("records")[len(trace.kernels) :]
    for counts, row in zip(by_kernel(trace, gpu, "warm"), second, strict=True):
        assert counts["l2_read_hits"] == row["read_hits"]
        assert counts["l2_writes"] == row["write_hits"] + row["write_misses"]
        assert (counts["dram_reads"], counts["dram_writes"]) == (row["dram_read_sectors"], row["dram_write_sectors"])


@pytest.mark.parametrize("mode", ["cold", "warm"])
def test_what_reaches_l2_is_what_the_trace_holds(trace, mode):
    found, totals = by_kernel(trace, GPU, mode), count(trace)
    assert [one["l2_reads"] for one in found] == totals.sectors_read
    assert [one["l2_writes"] for one in found] == totals.sectors_written


def test_a_run_that_fits_the_cache_is_warm_without_dram(trace):
    assert sum(one["dram_reads"] for one in by_kernel(trace, GPU, "warm")) == 0
    assert sum(one["dram_reads"] for one in by_kernel(trace, GPU, "cold")) > 0
