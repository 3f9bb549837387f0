"""From a module to a trace: tables that agree with the stream, and the networks that come with the package."""

import pytest
import torch
from torch import nn

from tests.traces.modules import convolutional
from traces import capture, capture_network, count_macs, find_network
from traces.errors import InputError
from traces.lowered import BATCH
from traces.recording import record
from traces.survey import count


@pytest.mark.parametrize("phase", ["inference", "training"])
def test_a_stream_fits_its_tables(phase):
    trace = capture(convolutional(), torch.zeros(2, 3, 16, 16), phase)
    totals = count(trace)  # checks every interval against the tables
    assert all(totals.intervals)
    assert trace.header.phase == phase
    assert trace.header.network == "Sequential"
    assert (trace.header.batch, trace.header.parameters) == (2, 570)
    assert sum(kernel.macs for kernel in trace.kernels if kernel.phase == "forward") == trace.header.macs


def test_intervals_lie_in_the_tensor_they_name():
    trace = capture(convolutional(), torch.zeros(2, 3, 16, 16))
    for batch in trace.batches():
        for base, stride, rows, width, _, tensor, _ in zip(*(column.tolist() for column in batch), strict=True):
            ends = (base, base + (rows - 1) * stride)
            home = trace.tensors[tensor]
            assert home.address <= min(ends)
            assert max(ends) + width <= home.address + home.bytes


def test_kernels_come_in_order_and_batches_are_joined():
    trace = capture(convolutional(), torch.zeros(2, 3, 16, 16))
    batches = list(trace.batches())
    assert len(batches) == 1
    assert len(batches[0].base) <= BATCH
    kernels = batches[0].kernel.tolist()
    assert kernels == sorted(kernels)
    assert set(kernels) == set(range(len(trace.kernels)))


def test_kernels_name_the_call_they_belong_to():
    inputs = torch.zeros(2, 3, 16, 16)
    calls = [one.operator for one in record(convolutional(), inputs).operations]
    kernels = capture(convolutional(), inputs).kernels
    assert all(calls[one.operation - 1] == one.operator for one in kernels)
    numbers = [one.operation for one in kernels]
    assert numbers == sorted(numbers)
    assert set(numbers) <= set(range(1, len(calls) + 1))
    assert sum(one.operator == "aten.convolution.default" for one in kernels) == 2  # its bias is a kernel of its own
    assert len({one.operation for one in kernels if one.operator == "aten.convolution.default"}) == 1


def test_a_stream_is_made_anew_each_time():
    trace = capture(convolutional(), torch.zeros(2, 3, 16, 16))
    first, second = ([tuple(c.tolist() for c in batch) for batch in trace.batches()] for _ in range(2))
    assert first == second


def test_what_a_pass_reads_was_written_or_given():
    """No kernel reads an activation before some kernel wrote to it."""
    trace = capture(convolutional(), torch.zeros(2, 3, 16, 16), "training")
    written = set()
    for batch in trace.batches():
        for write, tensor in zip(batch.write.tolist(), batch.tensor.tolist(), strict=True):
            if write:
                written.add(tensor)
            elif trace.tensors[tensor].kind in ("activation", "gradient"):
                assert tensor in written, trace.tensors[tensor]


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [("alexnet", 61_100_840, 0.714e9), ("squeezenet", 1_248_424, 0.819e9), ("resnet18", 11_689_512, 1.814e9)],
)
def test_networks_by_name_have_their_published_counts(name, parameters, macs):
    """Counts of the published networks at 224 x 224, as in the table of torchvision's models."""
    trace = capture_network(name, batch=2, phase="inference")
    assert trace.header.parameters == parameters
    assert trace.header.macs / 2 == pytest.approx(macs, rel=1e-3)
    assert count_macs(find_network(name)) * 2 == trace.header.macs


def test_unknown_operators_are_all_named_at_once():
    class Odd(nn.Module):
        def forward(self, x):
            return torch.cdist(x, x).histc(4)

    with pytest.raises(InputError, match=r"aten._\w+.default \(1 calls, 80 bytes\), aten.histc"):
        capture(Odd(), torch.zeros(2, 4), "inference")
    skipped = capture(Odd(), torch.zeros(2, 4), "inference", unknown="skip")
    assert skipped.kernels == []
    assert list(skipped.batches()) == []


@pytest.mark.parametrize("phase", ["inference", "training"])
def test_steps_repeat_the_last_ones_stream(phase):
    once, thrice = (capture(convolutional(), torch.zeros(2, 3, 16, 16), phase, steps=steps) for steps in (1, 3))
    assert thrice.kernels == 3 * once.kernels
    assert thrice.tensors == once.tensors  # the state is steady after one step
    (first,), (all_of_it,) = list(once.batches()), list(thrice.batches())
    for column, repeated in zip(first[:-1], all_of_it[:-1], strict=True):
        assert repeated.tolist() == 3 * column.tolist()
    assert (thrice.header.steps, thrice.header.macs) == (3, once.header.macs)
    assert any("3 times" in note for note in thrice.header.notes)


def test_options_of_a_run_reach_the_stream():
    whole, half = (capture(convolutional(), torch.zeros(2, 3, 16, 16), "inference", dtype=d) for d in ("fp32", "bf16"))
    assert [one.name for one in half.kernels] == [one.name for one in whole.kernels]
    assert 0.4 < sum(count(half).sectors_read) / sum(count(whole).sectors_read) < 0.7
    assert (whole.header.dtype, half.header.dtype) == ("fp32", "bf16")
    blocks = nn.Sequential(*(nn.Sequential(nn.Linear(8, 8), nn.ReLU(inplace=True)) for _ in range(4)))
    again = capture(blocks, torch.zeros(2, 8), checkpoint=True)
    assert sum(one.operator == "aten.addmm.default" for one in again.kernels if one.phase == "backward") == 2


def test_tf32_is_told_of_a_machine_that_has_it_not():
    module, image = nn.Linear(64, 64), torch.zeros(512, 64)
    old, new = (
        [capture(module, image, "inference", gpu=gpu, dtype=dtype) for dtype in ("fp32", "tf32")]
        for gpu in ("v100", "a100_40gb")
    )
    assert [one.blocks for one in old[0].kernels] == [one.blocks for one in old[1].kernels]
    told = [[note for note in one.header.notes if "no TF32" in note] for one in (*old, *new)]
    assert told == [[], ["NVIDIA Tesla V100 SXM2 16 GB has no TF32: its products are those of float32."], [], []]


@pytest.mark.parametrize("steps", [0, -1, 1.5, True])
def test_steps_must_be_a_whole_number(steps):
    with pytest.raises(InputError, match="steps"):
        capture(convolutional(), torch.zeros(2, 3, 16, 16), steps=steps)


@pytest.mark.parametrize("batch", [0, -1, 1.5, True])
def test_a_batch_must_be_a_whole_number(batch):
    with pytest.raises(InputError, match="batch"):
        capture_network("alexnet", batch=batch)
