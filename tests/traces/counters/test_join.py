"""What was counted beside what is modelled: calls find each other by order and name, and nothing is lost."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from traces.counters.join import align, common, join, rejoin
from traces.counters.machine import _descriptions, describe
from traces.counters.metrics import measured, quantities, wanted
from traces.counters.read import Counted
from traces.counters.target import FAILED, Job, build, main, run
from traces.errors import InputError
from traces.gpus import known_gpus
from traces.recording import record
from traces.trace import Kernel

READ = "lts__t_sectors_srcunit_tex_op_read"
WRITE = "lts__t_sectors_srcunit_tex_op_write"


@pytest.mark.parametrize(
    ("cuda", "cpu"),
    [
        ("aten.cudnn_batch_norm.default", "aten.native_batch_norm.default"),
        ("aten._batch_norm_with_update.default", "aten.native_batch_norm.default"),
        ("aten.cudnn_batch_norm_backward.default", "aten.native_batch_norm_backward.default"),
        ("aten._scaled_dot_product_cudnn_attention.default", "aten._scaled_dot_product_flash_attention.default"),
        ("aten._scaled_dot_product_flash_attention_backward.default",
         "aten._scaled_dot_product_efficient_attention_backward.default"),
        ("aten.add.Tensor", "aten.add.Scalar"),
    ],
)  # fmt: skip
def test_builds_of_torch_have_other_names_for_one_operator(cuda, cpu):
    assert common(cuda) == common(cpu)
    assert common(cuda) != common("aten.relu.default")


def test_forward_and_backward_stay_apart():
    assert common("aten.native_batch_norm.default") != common("aten.native_batch_norm_backward.default")
    assert align([("aten.mul.Tensor", "forward")], [("aten.mul.Tensor", "backward")]) == [(0, None), (None, 0)]


calls = st.lists(
    st.tuples(st.sampled_from(["aten.mm.default", "aten.add.Tensor", "aten.relu.default"]), st.just("forward"))
)


@given(calls, calls)
def test_alignment_keeps_every_call_once_and_in_order(left, right):
    pairs = align(left, right)
    assert [a for a, _ in pairs if a is not None] == list(range(len(left)))
    assert [b for _, b in pairs if b is not None] == list(range(len(right)))
    assert all(left[a] == right[b] for a, b in pairs if a is not None and b is not None)


@given(calls)
def test_equal_runs_are_paired_call_by_call(run):
    assert align(run, run) == [(n, n) for n in range(len(run))]


def kernel(name, operator, operation, phase="forward"):
    return Kernel(name, operator, f"layer{operation}", phase, 1, 0, operation)


def modelled(reads):
    return {"l2_reads": reads, "l2_writes": 1.0, "l2_read_hits": 0.0, "dram_reads": 0.0, "dram_writes": 0.0}


def test_kernels_of_a_call_stand_side_by_side_and_others_alone():
    cuda = ("aten.zeros.default", "aten.convolution.default", "aten.clone.default", "aten.cudnn_batch_norm.default")
    calls = [(operator, "forward") for operator in cuda]
    names = (("nchwToNhwc", 2, 5.0), ("conv", 2, 7.0), ("copy", 3, 1.0), ("bn", 4, 2.0))
    counted = [Counted(name, call, {f"{READ}.sum": reads}) for name, call, reads in names] + [Counted("memset", 0, {})]
    kernels = [
        kernel("implicit_gemm_forward", "aten.convolution.default", 1),
        kernel("bias", "aten.convolution.default", 1),
        kernel("statistics", "aten.native_batch_norm.default", 2),
        kernel("apply", "aten.native_batch_norm.default", 2),
        kernel("elementwise", "aten.relu.default", 3),
    ]
    rows = join("net", "cold", calls, counted, kernels, [modelled(float(n)) for n in range(5)])
    assert [(row.operation, row.measured_kernel, row.modelled_kernel) for row in rows] == [
        (2, "nchwToNhwc", "implicit_gemm_forward"), (2, "conv", "bias"), (3, "copy", ""), (4, "bn", "statistics"),
        (4, "", "apply"), (3, "", "elementwise"), (0, "memset", ""),
    ]  # fmt: skip
    assert [row.measured["l2_reads"] for row in rows] == [5.0, 7.0, 1.0, 2.0, None, None, None]
    assert [row.modelled["l2_reads"] for row in rows] == [0.0, 1.0, None, 2.0, 3.0, 4.0, None]
    assert rows[0].layer == "layer1"
    assert rows[2].operator == "aten.clone.default"
    assert rejoin(rows, kernels, [modelled(float(n)) for n in range(5)]) == rows
    fewer = rejoin(rows, kernels[:1], [modelled(9.0)])
    assert [(row.measured_kernel, row.measured["l2_reads"]) for row in fewer] == [
        (row.measured_kernel, row.measured["l2_reads"]) for row in rows if row.measured_kernel
    ]
    assert [row.modelled["l2_reads"] for row in fewer] == [9.0, None, None, None, None]


def test_an_atomic_is_a_read_and_a_write_and_bytes_are_sectors():
    counts = {f"{READ}.sum": 100.0, f"{WRITE}.sum": 10.0, "lts__t_sectors_srcunit_tex_op_atom.sum": 4.0,
              "lts__t_sectors_srcunit_tex_op_red.sum": 2.0, "dram__bytes_op_read.sum": 640.0}  # fmt: skip
    found = measured(counts)
    assert (found["l2_reads"], found["l2_writes"], found["dram_reads"]) == (106.0, 16.0, 20.0)
    assert found["dram_writes"] is None


def test_only_what_a_chip_has_is_asked_for():
    older = {READ, WRITE, "dram__bytes_read", "gpu__time_duration"}
    assert wanted(older, "x") == [f"{READ}.sum", f"{WRITE}.sum", "dram__bytes_read.sum", "gpu__time_duration.sum"]
    atomics = older | {"lts__t_sectors_op_atom", "lts__t_sectors_op_red", "lts__t_sectors_srcunit_tex_op_red"}
    assert wanted(atomics, "x")[:3] == [
        f"{READ}.sum", "lts__t_sectors_op_atom.sum", "lts__t_sectors_srcunit_tex_op_red.sum"
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"^x: ncu lists no counter of sectors that SMs read"):
        wanted({"gpu__time_duration"}, "x")


def test_every_quantity_says_what_it_is():
    assert {one.name for one in quantities() if one.required} == {"l2_reads", "l2_writes"}
    assert all(len(one.what) > 10 and one.unit in ("sector", "byte", "second") for one in quantities())


def test_a_drivers_name_leads_to_a_description():
    assert set(_descriptions()) == set(known_gpus())
    assert describe("Tesla V100-SXM2-16GB") == "v100"
    names = [name for names in _descriptions().values() for name in names]
    assert len(set(names)) == len(names)


def test_the_profiled_program_numbers_calls_as_the_recording_does():
    """On the CPU, and without images: laying these out anew costs copies, which are counted and have no model."""
    opened, closed = [], []
    job = Job("tests.traces.counters.test_join:plain", 2, "training", shape=(8,))
    with torch.random.fork_rng():
        ran = run(job, "cpu", opened.append, lambda: closed.append(None), lambda: opened.append("start"), lambda: None)
    recorded = record(plain(), torch.zeros(2, 8)).operations
    assert ran == [(one.operator, one.phase) for one in recorded]
    assert opened == ["start", *(f"hwmodel#{n} {operator}" for n, (operator, _) in enumerate(ran, 1))]
    assert len(closed) == len(ran)


def test_images_lie_channels_last_and_heads_as_they_come():
    module, (image,), _ = build(Job("tests.traces.modules:factory", 2, "inference"), "cpu")
    assert image.is_contiguous(memory_format=torch.channels_last)
    assert next(module.parameters()).is_contiguous(memory_format=torch.channels_last)
    _, heads, autocast = build(Job("benchmarks.gpu.items:Attention", 2, "inference", "bf16"), "cpu")
    assert all(one.is_contiguous() and one.dtype is torch.bfloat16 for one in heads)
    assert autocast is None


def test_what_the_profiled_program_raises_is_told_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    job = tmp_path / "job.json"
    Job("tests.traces.modules:factory", 2, "inference", shape=(3, 8, 8), arguments={"widths": (6, 5)}).save(job)
    assert Job.load(job).arguments == {"widths": (6, 5)}
    assert Job.load(job).shape == (3, 8, 8)
    if torch.version.cuda is None:
        assert main([str(job)]) == FAILED
        assert "CUDA" in json.loads((tmp_path / "ran.json").read_text())["error"]


def plain():
    return nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 4))
