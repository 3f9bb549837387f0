"""Fused attention against its twin, and against what every attention must read and write."""

from collections import Counter
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.naive import attention as naive
from tests.naive.lowering import L1, sectors
from tests.traces.lowering_samples import Memory, accesses, call, small_gpu
from traces.gpus import AttentionTile, load_gpu
from traces.lowering import Options, UnknownOperator, plan
from traces.lowering.attention import split_keys
from traces.macs import operation_macs

TILE = AttentionTile(64, 4, 3, 256, 128, 3, 5, 256, 128)
GPU = replace(small_gpu(), attention=(TILE,))
A100 = load_gpu("a100_40gb")
FLASH, EFFICIENT = "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention"


def tensor(memory, b, h, rows, d, packed, dtype="float32"):
    """(b, h, rows, d), the heads side by side in memory where `packed`, as a projection leaves them."""
    if not packed:
        return memory.tensor(b, h, rows, d, dtype=dtype)
    view = memory.tensor(b, rows, h, d, dtype=dtype)
    return replace(view, shape=(b, h, rows, d), stride=tuple(view.stride[i] for i in (0, 2, 1, 3)))


def plain(view):
    return view.tensor, view.address, view.stride, view.itemsize, view.shape[3]


def single(view):
    """One number a query, as rows of one element."""
    _, h, rows = view.shape
    return view.tensor, view.address, (h * rows, rows, 1, 1), view.itemsize, 1


@st.composite
def problems(draw):
    share = draw(st.sampled_from([1, 1, 2]))
    sizes = (
        draw(st.integers(1, 2)),
        share * draw(st.integers(1, 2)),
        draw(st.integers(1, 11)),
        draw(st.integers(1, 11)),
    )
    memory, packed = Memory(draw(st.sampled_from([0, 4, 20]))), draw(st.booleans())
    b, h, sq, sk = sizes
    d, dtype = draw(st.integers(1, 24)), draw(st.sampled_from(["float32", "float16"]))
    q = tensor(memory, b, h, sq, d, packed, dtype)
    k, v = (tensor(memory, b, h // share, sk, d, packed, dtype) for _ in range(2))
    return memory, sizes, share, q, k, v, draw(st.booleans()), packed, dtype


def flash(memory, sizes, q, k, v, causal, packed, dtype):
    b, h, sq, _ = sizes
    out, sums = tensor(memory, b, h, sq, v.shape[3], packed, dtype), memory.tensor(b, h, sq)
    return call(f"{FLASH}.default", q, k, v, 0.0, causal, False, outputs=(out, sums)), out, sums


def cached(lines):
    """A machine, its options and the twin's cache for an L1 of so many lines; none for 0."""
    if not lines:
        return GPU, Options(), None
    return replace(GPU, l1_bytes=lines * GPU.line_bytes), Options(l1="lru"), L1(GPU.sms, lines)


@given(problems(), st.integers(0, 20))
def test_forward_is_the_twin(problem, lines):
    memory, sizes, share, q, k, v, causal, packed, dtype = problem
    operation, out, sums = flash(memory, sizes, q, k, v, causal, packed, dtype)
    grouped = sizes[2] == 1 and share > 1 and not causal
    if grouped:  # the queries that share keys are the rows of a tile
        b, h = sizes[0], sizes[1] // share
        q, out = (replace(x, shape=(b, h, share, x.shape[3]),
                          stride=(x.stride[0], x.stride[1] * share, x.stride[1], 1)) for x in (q, out))  # fmt: skip
        sums, sizes, share = replace(sums, shape=(b, h, share)), (b, h, share, sizes[3]), 1
    tensors = [*map(plain, (q, k, v, out)), single(sums)]
    gpu, options, l1 = cached(lines)
    expected = naive.forward(sizes, (4, 3), 4, *tensors, causal=causal, share=share, l1=l1)
    assert [a[:3] for a in accesses(operation, gpu, None, options)] == list(expected)


@given(problems(), st.integers(0, 20))
def test_backward_is_the_twin(problem, lines):
    memory, sizes, share, q, k, v, causal, packed, dtype = problem
    (b, h, sq, sk), d = sizes, q.shape[3]
    _, out, sums = flash(memory, sizes, q, k, v, causal, packed, dtype)
    grad, dq = (tensor(memory, b, h, sq, d, packed, dtype) for _ in range(2))
    dk, dv = (tensor(memory, b, h // share, sk, d, packed, dtype) for _ in range(2))
    arguments = (grad, q, k, v, out, sums, None, None, sq, sk, 0.0, causal, None, None)
    operation = call(f"{FLASH}_backward.default", *arguments, outputs=(dq, dk, dv))
    before = len(memory.bytes)
    gpu, options, l1 = cached(lines)
    made = list(accesses(operation, gpu, memory.allocate, options))
    if l1:
        l1.around.add(before)  # the gradient under way
    lent = [(before + i, memory.bytes[before + i][0]) for i in range(len(memory.bytes) - before)]
    under_way = (*lent[0], (h * sq * d, sq * d, d, 1), 4, d)
    products = (*lent[1], (h * sq, sq, 1, 1), 4, 1)
    targets = [plain(dk), plain(dv)]
    if share > 1:
        targets = [(*one, (sk * h * d, d, h * d, 1), q.itemsize, d) for one in lent[2:]]
    every = [plain(one) for one in (grad, q, k, v)]
    first = naive.dots(sizes, (3, 5), 4, every[0], plain(out), products, under_way, cached(lines)[2])
    second = naive.backward(sizes, (3, 5), 4, *every, single(sums), products, under_way, *targets, causal=causal,
                            share=share, l1=l1)  # fmt: skip
    assert [a[:3] for a in made if a[3] == 0] == list(first)
    assert [a[:3] for a in made if a[3] == 1] == list(second)
    rest = {(s, write, t) for s, write, t, kernel in made if kernel > 1}
    written = {(s, True, one.tensor) for one in ((dq, dk, dv) if share > 1 else (dq,)) for s in whole(memory, one)}
    assert {one for one in rest if one[1]} == written
    assert {t for _, write, t in rest if not write} == {lent[0][0], *(one[0] for one in lent[2:])}


def whole(memory, view):
    address, size = memory.bytes[view.tensor]
    return set(sectors(address, address + size - 1))


@given(problems(), st.sampled_from([(1, 1, 1, 1), (0, 1, 1, 1), (0, 0, 1, 1), (1, 0, 0, 1), (0, 0, 1, 0)]))
def test_a_bias_is_read_tile_by_tile(problem, moving):
    memory, sizes, _, q, _, _, causal, _, dtype = problem
    b, h, sq, sk = sizes
    k, v = (memory.tensor(b, h, sk, q.shape[3], dtype=dtype) for _ in range(2))
    kept = tuple(length if moves else 1 for length, moves in zip(sizes, moving, strict=True))
    bias, out = memory.tensor(*kept, dtype=dtype), memory.tensor(*q.shape, dtype=dtype)
    strides = tuple(s if length > 1 else 0 for s, length in zip(bias.stride, kept, strict=True))
    described = (bias.tensor, bias.address, strides, bias.itemsize, sk)
    operation = call(f"{EFFICIENT}.default", q, k, v, bias, False, 0.0, causal, outputs=(out, memory.tensor(b, h, 0)))
    expected = naive.forward(sizes, (4, 3), 4, *map(plain, (q, k, v, out)), None, described, causal)
    assert [a[:3] for a in accesses(operation, GPU)] == list(expected)
    dq, dk, dv, sums = (*(memory.tensor(*x.shape, dtype=dtype) for x in (q, k, v)), memory.tensor(b, h, sq))
    db = memory.tensor(*sizes, dtype=dtype)
    arguments = (q, q, k, v, bias, out, sums, None, None, 0.0, [True] * 4, causal)
    backward = call(f"{EFFICIENT}_backward.default", *arguments, outputs=(dq, dk, dv, db))
    seen = [a for a in accesses(backward, GPU, memory.allocate) if a[3] == 1]
    assert {a[:3] for a in seen if a[2] == bias.tensor} <= {(s, False, bias.tensor) for s in whole(memory, bias)}
    if not causal:
        assert {s for s, write, t, _ in seen if t == bias.tensor and not write} == whole(memory, bias)
        assert {s for s, write, t, _ in seen if t == db.tensor and write} == whole(memory, db)


@pytest.mark.parametrize("causal", [False, True])
def test_traffic_is_the_closed_form(causal):
    """Every tile of 128 queries reads the keys and values it reaches, in tiles of 128; all else moves once."""
    memory, (b, h, s, d) = Memory(), (2, 3, 1000, 64)
    q, k, v, out = (memory.tensor(b, h, s, d, dtype="float16") for _ in range(4))
    sums = memory.tensor(b, h, s)
    operation = call(f"{FLASH}.default", q, k, v, 0.0, causal, False, outputs=(out, sums))
    counts = Counter((t, write) for _, write, t, _ in accesses(operation, A100))
    tiles, row = ceil(s / 128), d * 2 // 32
    keys = sum(min(s, 128 * (m + 1)) if causal else s for m in range(tiles))
    assert counts == {
        (q.tensor, False): b * h * s * row,
        (k.tensor, False): b * h * keys * row,
        (v.tensor, False): b * h * keys * row,
        (out.tensor, True): b * h * s * row,
        (sums.tensor, True): b * h * s * 4 // 32,
    }


def test_macs_count_both_products_and_the_backwards_five():
    memory = Memory()
    q, k, v, out = (
        memory.tensor(2, 4, 5, 8),
        memory.tensor(2, 4, 7, 8),
        memory.tensor(2, 4, 7, 6),
        memory.tensor(2, 4, 5, 6),
    )
    sums = memory.tensor(2, 4, 5)
    forward = call(f"{FLASH}.default", q, k, v, 0.0, True, False, outputs=(out, sums))
    assert operation_macs(forward) == 2 * 4 * 5 * 7 * (8 + 6)
    assert sum(one.kernel.macs for one in plan(forward, A100)) == operation_macs(forward)
    backward = call(f"{FLASH}_backward.default", out, q, k, v, out, sums, None, None, 5, 7, 0.0, True, None, None,
                    outputs=(q, k, v))  # fmt: skip
    assert operation_macs(backward) == 2 * 4 * 5 * 7 * (3 * 8 + 2 * 6)


def test_keys_are_split_as_flash_attention_splits_them():
    """The source's example: 48 blocks on 108 slots fill 0.89 of a wave in 2 parts, 0.67 of two waves in 3."""
    assert split_keys(48, 108, 64) == 2
    assert split_keys(87, 108, 64) == 1  # 0.8 of the slots
    assert split_keys(1, 216, 64) == 64
    assert split_keys(1, 216, 1) == 1
    assert split_keys(1, 1000, 500) == 125  # at least 0.85 x 128 parts, and the fewest of 4 tiles each


@pytest.mark.parametrize("share", [1, 4])
def test_decoding_splits_the_keys_and_reads_each_once(share):
    memory, (b, h, sk, d) = Memory(), (2, 8, 3000, 128)
    q, out = (memory.tensor(b, h, 1, d, dtype="float16") for _ in range(2))
    k, v = (memory.tensor(b, h // share, sk, d, dtype="float16") for _ in range(2))
    operation = call(f"{FLASH}.default", q, k, v, 0.0, False, False, outputs=(out, memory.tensor(b, h, 1)))
    launches = plan(operation, A100, memory.allocate)
    assert [one.kernel.name for one in launches] == ["attention_split", "attention_combine"]
    parts = split_keys(b * h // share, 216, ceil(sk / 128))
    assert launches[0].kernel.blocks == b * h // share * parts
    counts = Counter((t, write) for _, write, t, _ in accesses(operation, A100, memory.allocate))
    for view in (k, v):
        assert counts[view.tensor, False] == view.numel * 2 // 32
    assert counts[q.tensor, False] == parts * q.numel * 2 // 32
    assert counts[out.tensor, True] == out.numel * 2 // 32
    assert [one.kernel.name for one in plan(operation, load_gpu("v100"), memory.allocate)] == ["attention"]


def test_a_split_is_the_twin():
    memory, (b, h, sk, d) = Memory(), (1, 3, 150, 72)
    gpu = replace(A100, sms=4)
    q, out = (memory.tensor(b, h, 2, d, dtype="float16") for _ in range(2))
    k, v = (memory.tensor(b, h, sk, d, dtype="float16") for _ in range(2))
    sums = memory.tensor(b, h, 2)
    operation = call(f"{FLASH}.default", q, k, v, 0.0, False, False, outputs=(out, sums))
    before = len(memory.bytes)
    made = [a[:3] for a in accesses(operation, gpu, memory.allocate) if a[3] == 0]
    assert split_keys(3, 8, 2) == 2
    part = (before, memory.bytes[before][0], (h * 2 * d, 2 * d, d, 1), 4, d)
    sums_part = (before + 1, memory.bytes[before + 1][0], (h * 2, 2, 1, 1), 4, 1)
    expected = naive.forward((b, h, 2, sk), (64, 128), 8, *map(plain, (q, k, v)), part, sums_part, splits=2)
    assert made == list(expected)
    floats = [memory.tensor(b, h, n, d) for n in (2, sk, sk, 2)]  # are not FlashAttention's, which alone splits keys
    operation = call(f"{EFFICIENT}.default", *floats[:3], None, True, outputs=(floats[3], sums))
    assert [one.kernel.name for one in plan(operation, gpu, memory.allocate)] == ["attention"]


@given(problems(), st.integers(2, 3))
def test_blocks_abreast_load_keys_together(problem, abreast):
    """Four blocks a wave, one an SM: a step is loaded once by those abreast that make it alike."""
    memory, sizes, share, q, k, v, causal, packed, dtype = problem
    assume(not (sizes[2] == 1 and share > 1 and not causal))
    operation, out, sums = flash(memory, sizes, q, k, v, causal, packed, dtype)
    gpu = replace(GPU, sms=4, abreast_sms=abreast, threads_per_sm=TILE.threads_per_block)
    tensors = [*map(plain, (q, k, v, out)), single(sums)]
    expected = naive.forward(sizes, (4, 3), 4, *tensors, causal=causal, share=share, sms=4, abreast=abreast)
    assert [a[:3] for a in accesses(operation, gpu)] == list(expected)


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("scaled_dot_product_attention", (None, 0.0, True)),
        (FLASH, (0.0, True, False)),
        (f"{FLASH}_for_cpu", (0.0, True)),
        (EFFICIENT, (None, True, 0.0, True)),
        ("_scaled_dot_product_cudnn_attention", (None, True, 0.0, True)),
        ("_scaled_dot_product_fused_attention_overrideable", (None, 0.0, True)),
    ],
)
def test_every_form_of_the_operator_is_the_same_kernel(name, rest):
    memory = Memory()
    q, k, v, out = (memory.tensor(1, 2, 40, 16) for _ in range(4))
    outputs = (out, memory.tensor(1, 2, 40))
    expected = list(accesses(call(f"{FLASH}.default", q, k, v, 0.0, True, False, outputs=outputs), GPU))
    assert list(accesses(call(f"{name}.default", q, k, v, *rest, outputs=outputs), GPU)) == expected
    keyword = call(f"{name}.default", q, k, v, outputs=outputs, is_causal=True)
    assert list(accesses(keyword, GPU)) == expected


def test_heads_that_do_not_lie_contiguous_are_copied_first():
    memory = Memory()
    q, k, out = (memory.tensor(1, 2, 5, 8) for _ in range(3))
    v = replace(memory.tensor(1, 2, 8, 5), shape=(1, 2, 5, 8), stride=(80, 40, 1, 5))
    operation = call(f"{FLASH}.default", q, k, v, 0.0, False, False, outputs=(out, memory.tensor(1, 2, 5)))
    assert [one.kernel.name for one in plan(operation, GPU, memory.allocate)] == ["copy", "attention"]
    with pytest.raises(UnknownOperator, match="workspace"):
        plan(operation, GPU)
