"""Indexing by masks against the twin; torch itself says which elements a mask names."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.naive import gather, passes
from tests.traces.lowering_samples import Memory, accesses, call, of, small_gpu
from traces import capture
from traces.errors import InputError
from traces.lowering import Options, plan
from traces.lowering.launch import Call
from traces.lowering.masks import true_places
from traces.lowering.options import parse_options
from traces.operation import true_elements
from traces.survey import count

# Waves of 128 elements: 2 SMs, 2 blocks of 32 threads with an element each.
GPU = replace(small_gpu(), pass_threads_per_block=32, pass_elements_per_thread=1, threads_per_sm=64)
SHARES = st.sampled_from([0.0, 0.1, 0.5, 1.0])
OFFSETS = st.sampled_from([0, 4, 20])
ROWS, COLUMNS = st.integers(1, 20), st.integers(1, 20)


def truth(mask, share):
    """The mask that the lowering draws."""
    made = torch.zeros(mask.numel, dtype=torch.bool)
    made[torch.from_numpy(true_places(Call(call("x", mask), GPU, None, Options(mask_share=share)), mask))] = True
    assert int(made.sum()) == true_elements(mask.numel, share)
    return made.view(mask.shape)


def kernels(operation, memory, share):
    """The accesses of each kernel, by its name, and the workspaces (tensor, address, bytes) it was lent."""
    options, before = Options(mask_share=share), len(memory.bytes)
    names = [one.kernel.name for one in plan(operation, GPU, Memory().allocate, options)]
    found = [[] for _ in names]
    for *access, kernel in accesses(operation, GPU, memory.allocate, options):
        found[kernel].append(tuple(access))
    lent = [(tensor, *memory.bytes[tensor]) for tensor in range(before, len(memory.bytes))]
    return dict(zip(names, found, strict=True)), lent


def step(tensor, address, item, elements, written=False):
    return tensor, address, item, elements, written, "step"


def stream(elements, *operands):
    return list(passes.stream(elements, 32, 4, [one for one in operands if one[3]]))


def check_indices(made, mask, counted, rows, written=True):
    """Count, list, take apart: `rows` are (tensor, address) of the indices, a dimension each."""
    some = len(rows[0]) > 2 and rows[0][2]
    whole = step(*of(mask), 1, mask.numel)
    assert made["nonzero_count"] == stream(mask.numel, whole, step(*counted[:2], 8, 1, True))
    assert made["nonzero_scan"] == stream(mask.numel, whole, step(*rows[0][:2], 8, some, True))
    if len(rows) > 1 and some and written:
        listed = [step(*row[:2], 8, some, True) for row in rows]
        assert made["nonzero_write"] == stream(some, step(*rows[0][:2], 8, some), *listed)


@settings(max_examples=100, deadline=None)
@given(ROWS, COLUMNS, SHARES, OFFSETS)
def test_nonzero_is_the_twin(rows, columns, share, offset):
    memory = Memory(offset)
    mask, some = memory.tensor(rows, columns, dtype="bool"), true_elements(rows * columns, share)
    out = memory.tensor(2, some, dtype="int64")
    turned = replace(out, shape=(some, 2), stride=(1, some))
    made, (counted,) = kernels(call("nonzero.default", mask, outputs=(turned,)), memory, share)
    check_indices(made, mask, counted, [(out.tensor, out.address + 8 * some * d, some) for d in range(2)])


@settings(max_examples=100, deadline=None)
@given(ROWS, COLUMNS, SHARES, OFFSETS, st.sampled_from(["whole", "rows", "columns", "select"]))
def test_a_mask_gathers_what_it_names(rows, columns, share, offset, kind):
    memory = Memory(offset)
    x = memory.tensor(rows, columns)
    shape = {"rows": (rows,), "columns": (columns,)}.get(kind, (rows, columns))
    mask = memory.tensor(*shape, dtype="bool")
    true = truth(mask, share)
    index = (slice(None), true) if kind == "columns" else (true,)
    found = torch.arange(rows * columns).view(rows, columns)[index]
    out = memory.tensor(*found.shape)
    if kind == "select":
        operation = call("masked_select.default", x, mask, outputs=(out,))
    else:
        operation = call("index.Tensor", x, [None, mask] if kind == "columns" else [mask], outputs=(out,))
    made, (held, counted) = kernels(operation, memory, share)
    some, dims = int(true.sum()), len(shape)
    held_rows = [(held[0], held[1] + 8 * some * d, some) for d in range(dims)]
    check_indices(made, mask, counted, held_rows)
    indices = [(tensor, [at + 8 * e for e in range(some)], 8, some, False) for tensor, at, _ in held_rows]
    named = [x.address + 4 * e for e in found.flatten().tolist()]
    operands = [
        *indices,
        (x.tensor, named, 4, columns if kind == "rows" else 1, False),
        (out.tensor, [out.address + 4 * e for e in range(out.numel)], 4, out.numel, True),
    ]
    expected = list(gather.walk(out.numel, 4, 128, operands)) if out.numel else []
    assert made.get("gather", []) == expected


@settings(max_examples=50, deadline=None)
@given(ROWS, COLUMNS, SHARES, OFFSETS)
def test_a_mask_writes_what_it_names(rows, columns, share, offset):
    memory = Memory(offset)
    x, mask = memory.tensor(rows, columns), memory.tensor(rows, columns, dtype="bool")
    named = truth(mask, share).flatten().nonzero().flatten().tolist()
    values = memory.tensor(len(named))
    if len(named) > 1:
        made, _ = kernels(call("index_put_.default", x, [mask], values, outputs=(x,)), memory, share)
        written = Counter(sector for sector, write, tensor in made["index_put"] if write and tensor == x.tensor)
        assert set(written) == {(x.address + 4 * e) // 32 for e in named}
        assert {tensor for _, write, tensor in made["index_put"] if not write} > {values.tensor}
    number = memory.tensor()
    made, lent = kernels(call("index_put_.default", x, [mask], number, outputs=(x,)), memory, share)
    assert (list(made), lent) == (["elementwise"], [])  # a number is filled in, where the mask says so
    assert {tensor for _, write, tensor in made["elementwise"] if write} == {x.tensor}


@settings(max_examples=50, deadline=None)
@given(ROWS, COLUMNS, SHARES, OFFSETS)
def test_masked_scatter_is_the_twin(rows, columns, share, offset):
    memory, n = Memory(offset), rows * columns
    x, mask, source = memory.tensor(rows, columns), memory.tensor(rows, columns, dtype="bool"), memory.tensor(n)
    made, (numbered,) = kernels(call("masked_scatter_.default", x, mask, source, outputs=(x,)), memory, share)
    some = true_elements(n, share)
    asked = step(*of(mask), 1, n)
    assert made["masked_scatter_scan"] == stream(n, asked, step(*numbered[:2], 8, n, True))
    values = step(*of(source), 4, some)
    if some == 1 < n:  # one number, for every block
        values = (*values[:-1], "again")
    operands = [step(*of(x), 4, n), asked, step(*numbered[:2], 8, n), values]
    assert made["masked_scatter"] == stream(n, *operands, step(*of(x), 4, n, True))


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)

    def forward(self, x):
        y = self.linear(x)
        mask = y > 0
        i, j = torch.where(mask)
        z = y.clone()
        z[mask] = 0.0
        z[mask[:, 0]] = y[mask[:, 0]]
        parts = [y[mask], y[mask[:, 0]], y[:, mask[0]], y[i, j], torch.masked_select(y, mask), z,
                 y.masked_scatter(mask, y.flatten()), y.masked_scatter(mask, y.flatten()[:32])]  # fmt: skip
        return torch.stack([part.sum() for part in parts]).sum()


@pytest.mark.parametrize("phase", ["inference", "training"])
@pytest.mark.parametrize("share", [0.25, 0.5])
def test_a_module_with_masks_is_recorded_as_if_a_share_were_true(phase, share):
    made = capture(Masked(), torch.zeros(8, 8), phase, options=Options(mask_share=share))
    assert all(count(made).intervals)
    sizes = {one.name: one.bytes for one in made.tensors}
    assert sizes["masked_select"] == 64 * share * 4
    assert [note for note in made.header.notes if "a mask names" in note] == [
        f"How many elements a mask names is not known without data: a share of {share:g} is taken."
    ]
    written = set()
    for batch in made.batches():
        for write, tensor in zip(batch.write.tolist(), batch.tensor.tolist(), strict=True):
            if write:
                written.add(tensor)
            elif made.tensors[tensor].kind in ("activation", "gradient", "workspace"):
                assert tensor in written or "lift_fresh" in made.tensors[tensor].name, made.tensors[tensor]


@pytest.mark.parametrize("share", ["-0.1", "1.5", "nan"])
def test_a_share_is_a_part(share):
    with pytest.raises(InputError, match="mask_share"):
        parse_options((f"mask_share={share}",))
