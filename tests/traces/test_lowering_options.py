"""Options of a lowering against the twin: the order of tiles, split products, L1; and what each may never change."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive import lowering as naive
from tests.traces.lowering_samples import Memory, accesses, call, convolve, of, small_gpu, transposed
from traces.errors import InputError
from traces.gpus import load_gpu
from traces.lowering import Options, plan
from traces.lowering.l1 import L1
from traces.lowering.options import parse_options

ORDERS = st.builds(Options, raster=st.sampled_from(["m", "n"]), swizzle=st.sampled_from([1, 2, 4, 8]))
SIDES = st.integers(1, 40)


def product(memory: Memory, m: int, n: int, depth: int, batches: int = 1):
    a, b, c = memory.tensor(batches, m, depth), memory.tensor(batches, depth, n), memory.tensor(batches, m, n)
    return call("bmm.default", a, b, outputs=(c,)), [(*of(v), v.stride) for v in (a, b, c)]


@given(SIDES, SIDES, st.integers(1, 20), st.integers(1, 2), ORDERS)
def test_the_order_of_tiles_is_the_twin(m, n, depth, batches, options):
    operation, described = product(Memory(), m, n, depth, batches)
    order = {"raster": options.raster, "swizzle": options.swizzle}
    expected = naive.product_stream(m, n, depth, (8, 8), 8, 4, *described, 4, batches, **order)
    assert [a[:3] for a in accesses(operation, small_gpu(), None, options)] == list(expected)


@given(SIDES, SIDES, st.integers(1, 30), st.integers(1, 12), ORDERS, st.integers(0, 1))
def test_what_passes_l1_is_the_twin(m, n, depth, lines, options, offset):
    operation, described = product(Memory(offset * 20), m, n, depth)
    options, gpu = replace(options, l1="lru"), replace(small_gpu(), l1_bytes=lines * 128)
    cache = naive.L1(gpu.sms, lines)
    order = {"raster": options.raster, "swizzle": options.swizzle, "l1": cache}
    expected = naive.product_stream(m, n, depth, (8, 8), 8, 4, *described, 4, **order)
    assert [a[:3] for a in accesses(operation, gpu, None, options)] == list(expected)


@given(st.integers(2, 12), st.integers(1, 9), st.integers(1, 7), st.integers(1, 3), st.integers(1, 40))
def test_what_of_a_convolution_passes_l1_is_the_twin(c, k, side, window, lines):
    sizes = (2, (side + 2, side + 2), c, k, (window, window), (1, 1), (1, 1), (1, 1), 1)
    operation = convolve(Memory(), *sizes)
    gpu = replace(small_gpu(), l1_bytes=lines * 128)
    x, weight = operation.arguments[:2]
    expected = naive.Convolution(*sizes).forward((8, 8), 8, 4, of(x), of(weight), of(operation.outputs[0]), 4,
                                                 l1=naive.L1(gpu.sms, lines))  # fmt: skip
    assert [a[:3] for a in accesses(operation, gpu, None, Options(l1="lru"))] == list(expected)


def test_an_l1_that_holds_all_on_one_sm_leaves_what_is_compulsory():
    operation, _ = product(Memory(), 64, 64, 64)
    gpu = replace(small_gpu(sms=1), l1_bytes=1 << 20)
    seen = Counter(accesses(operation, gpu, None, Options(l1="lru")))
    assert set(seen.values()) == {1}
    assert set(seen) == set(accesses(operation, gpu))
    assert sum(seen.values()) == 3 * 64 * 64 // 8


def test_shared_memory_is_carved_out_of_an_l1_that_is_one_with_it():
    volta, pascal = load_gpu("v100"), load_gpu("gtx1080ti")
    assert L1.of(volta, 32768).slots.shape == (80, (131072 - 32768) // 128 + 1, 5)
    assert L1.of(pascal, 32768).slots.shape == (28, 49152 // 128 + 1, 5)
    assert L1.of(volta, 1 << 20).slots.shape[1] == 2  # never less than a line


def test_batches_of_l1_may_end_anywhere(monkeypatch):
    operation, _ = product(Memory(12), 33, 17, 30)
    gpu, options = replace(small_gpu(), l1_bytes=512), Options(l1="lru")
    whole = list(accesses(operation, gpu, None, options))
    monkeypatch.setattr("traces.lowering.l1.BATCH_INTERVALS", 1)
    assert list(accesses(operation, gpu, None, options)) == whole


@pytest.mark.parametrize("kind", ["mm", "addmm", "baddbmm"])
@pytest.mark.parametrize("offset", [0, 12])
def test_split_products_are_the_twin_and_their_sum_reads_all_slices(kind, offset):
    m, n, depth, batches = 12, 10, 200, 2 if kind == "baddbmm" else 1
    memory, gpu = Memory(offset), small_gpu(16, 16, sms=8)
    lead = (batches,) if kind == "baddbmm" else ()
    a, b, c = memory.tensor(*lead, m, depth), memory.tensor(*lead, depth, n), memory.tensor(*lead, m, n)
    bias = [] if kind == "mm" else [memory.tensor(n)]
    operation, before = call(f"{kind}.default", *bias, a, b, outputs=(c,)), len(memory.bytes)
    options = Options(split_k="products")
    seen = list(accesses(operation, gpu, memory.allocate, options))
    (address, size), results = memory.bytes[before], batches * m * n
    splits = size // 4 // results
    assert splits > 1
    described = [(*of(v), (0, *v.stride)[-3:]) for v in (a, b)]
    target = (before, address, (splits * m * n, n, 1))
    expected = naive.product_stream(m, n, depth, (16, 16), 8, 16, *described, target, 4, batches, splits)
    assert [one[:3] for one in seen if one[3] == 0] == list(expected)
    summed = [one for one in seen if one[3] == 1]
    assert {s for s, write, tensor, _ in summed if tensor == before} == set(naive.sectors(address, address + size - 1))
    touched = {(tensor, write) for _, write, tensor, _ in summed}
    assert touched == {(before, False), (c.tensor, True), *((v.tensor, False) for v in bias)}
    assert [one.kernel.macs for one in plan(operation, gpu, memory.allocate, options)] == [results * depth, 0]
    assert len(plan(operation, gpu, memory.allocate)) == 1  # only where it is asked for


@given(
    SIDES, SIDES, st.integers(1, 9), st.sampled_from([(0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 1)]), st.integers(0, 1)
)
def test_a_products_bias_is_the_twin(m, n, depth, moving, turned):
    batches, memory = 2, Memory(4)
    a, c = memory.tensor(batches, m, depth), memory.tensor(batches, m, n)
    b = transposed(memory.tensor(batches, n, depth)) if turned else memory.tensor(batches, depth, n)
    bias = memory.tensor(*(length if moves else 1 for length, moves in zip((batches, m, n), moving, strict=True)))
    strides = tuple(s if length > 1 else 0 for s, length in zip(bias.stride, bias.shape, strict=True))
    described = [(*of(v), v.stride) for v in (a, b, c)]
    expected = naive.product_stream(m, n, depth, (8, 8), 8, 4, *described, 4, batches, bias=(*of(bias), strides))
    seen = accesses(call("baddbmm.default", bias, a, b, outputs=(c,)), small_gpu())
    assert [one[:3] for one in seen] == list(expected)


def test_an_order_moves_accesses_and_makes_none():
    operation, _ = product(Memory(), 512, 384, 64)
    gpu = load_gpu("gtx1080ti")
    plain = Counter(accesses(operation, gpu))
    for options in (Options(raster="n"), Options(swizzle=2), Options(raster="n", swizzle=8)):
        assert Counter(accesses(operation, gpu, None, options)) == plain


def test_options_from_text():
    assert parse_options(()) == Options()
    given = ("raster=n", "swizzle=4", "l1=lru", "indices=zipf", "zipf_exponent=1.2", "seed=7", "split_k=never")
    assert parse_options(given) == Options("n", 4, "never", "lru", "zipf", 1.2, 7)
    assert "along N first, 4 abreast" in parse_options(given).notes()[0]
    assert len(parse_options(given).notes()) == len(Options().notes()) - 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raster", "give name=value"),
        ("tiles=3", "one of raster, swizzle"),
        ("raster=x", "raster 'x': unknown; give one of m, n"),
        ("swizzle=3", "swizzle 3: unknown; give one of 1, 2, 4, 8"),
        ("swizzle=two", "'two' is no number"),
        ("zipf_exponent=0", "between 0 and 10"),
        ("zipf_exponent=nan", "between 0 and 10"),
        ("seed=-1", "whole number from 0"),
    ],
)
def test_a_wrong_option_is_named(text, message):
    with pytest.raises(InputError, match=message):
        parse_options((text,))


def test_columns_keep_their_types_through_l1():
    operation, _ = product(Memory(), 20, 20, 20)
    (launch,) = plan(operation, small_gpu(), None, Options(l1="lru"))
    for batch in launch.emit(2):
        assert batch.write.dtype == np.bool_
        assert set(batch.kernel.tolist()) == {2}
