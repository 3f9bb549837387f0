"""torch.profiler's traces: small ones written by hand, real ones of a small network, and JSON that is none."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import formats as naive
from tests.traces.formats.samples import put, rows
from traces.errors import InputError
from traces.formats import elements, execution, kineto, open_trace, source
from traces.formats.operators import ROW


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pytorch")


# The objects of a document's lists

value = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text('{}[]",\\ab', max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text('{["\\', max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.one_of(st.lists(value), st.dictionaries(st.text(max_size=3), value)), st.integers(1, 60), st.booleans())
@settings(max_examples=300)
def test_the_objects_in_a_documents_lists(folder, document, chunk, ascii_):
    path = put(folder / "a.json", json.dumps(document, ensure_ascii=ascii_, indent=chunk % 3 or None).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "CHUNK", chunk)
        assert list(elements.elements(path)) == naive.elements(document)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"hello", "no JSON: begins with b'hello'; give an object or a list"),
        (b" ", "truncated"),
        (b'{"a": [', "truncated: ends within its JSON document, after object 0"),
        (b'{"a": [{"b": 1}, {"b"', "after object 1; write it anew"),
        (b'{"a": ["', "truncated"),
        (b"[{}]]", "a bracket is closed that was never opened"),
        (b"[{1}]", "object 1: no JSON"),
        (b'[{"a": "\xff"}]', "object 1: no JSON"),
        (b'[{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "object 1: no JSON"),
        (b'[{"a": ' + b"9" * 10_000 + b"}]", "object 1: no JSON"),
        (b'[{"a": "' + b"x" * (1 << 24) + b'"}]', "object 1: longer than 16 MiB"),
        (b'[{"a": 1}, ' + b" " * (1 << 25), "no object in the 16 MiB after object 1"),
        (b'{"traceEvents": [' + bytes(1 << 25), "no object in the 16 MiB after object 0"),
    ],
)
def test_what_is_no_json(folder, text, words):
    path = put(folder / "b.json", text)
    with pytest.raises(InputError, match=words):
        list(elements.elements(path))


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), ("12", 12), (2.0, 2), (-1, None), (True, None), ("x", None), ("9" * 30, None), (2**63, None),
     (1e300, None), (float("nan"), None), (None, None), ([], None)],
)  # fmt: skip
def test_whole_numbers(value, number):
    assert elements.whole(value) == number


# Execution traces


def tensor(storage, count, offset=0, itemsize=4):
    return [storage + 100, storage, offset, count, itemsize, "cuda:0"]


def node(number, name, parent, inputs=(), outputs=(), old=False):
    def side(tensors):
        return {"values": list(tensors), "types": ["Tensor(float)"] * len(tensors), "shapes": []}

    if old:
        types = [["Tensor(float)"] * len(one) for one in (inputs, outputs)]
        return {"id": number, "name": name, "parent": parent, "inputs": list(inputs), "outputs": list(outputs),
                "input_types": types[0], "output_types": types[1]}  # fmt: skip
    return {"id": number, "name": name, "ctrl_deps": parent, "inputs": side(inputs), "outputs": side(outputs)}


def run(folder, nodes, name="a.et.json"):
    return put(folder / name, json.dumps({"schema": "1.1.1-chakra.0.0.4", "pid": 1, "nodes": nodes}).encode())


W, X, Y = tensor(1, 100), tensor(2, 50, offset=4), tensor(3, 20)
BASE = execution.BASE


@pytest.mark.parametrize("old", [False, True])
def test_operators_read_inputs_and_write_outputs(folder, old):
    nodes = [
        node(2, "aten::linear", 1, [W, X], [Y], old),
        node(3, "aten::t", 2, [W], [W], old),
        node(4, "aten::addmm", 2, [W, X], [Y], old),
        node(5, "AddmmBackward0", 1, [Y], [], old),
        node(6, "aten::relu_", 1, [Y], [Y], old),
        node(7, "aten::zeros_like", 1, [Y], [tensor(4, 20)], old),
    ]
    trace = open_trace(run(folder, nodes))
    assert [one.name for one in trace.kernels] == ["aten::addmm", "aten::relu_", "aten::zeros_like"]
    assert [one.layer for one in trace.kernels] == ["node 4", "node 6", "node 7"]
    y = BASE + 1024
    assert rows(trace, "kernel") == [
        (BASE, 400, False, 0), (BASE + 512 + 16, 200, False, 0), (y, 80, True, 0),
        (y, 80, False, 1), (y, 80, True, 1), (y + 512, 80, True, 2),
    ]  # fmt: skip


def test_an_operator_reads_what_those_it_calls_do_not(folder):
    nodes = [node(2, "aten::addmm", 1, [W, X], [Y]), node(3, "aten::copy_", 2, [Y, W], [Y])]
    assert [(one.name, one.layer) for one in open_trace(run(folder, nodes)).kernels] == [
        ("aten::copy_", "node 3"),
        ("aten::addmm", "node 2"),
    ]
    found = rows(open_trace(run(folder, nodes)), "kernel")
    assert [(width, write, kernel) for _, width, write, kernel in found] == [
        (400, False, 0), (80, True, 0), (200, False, 1), (80, True, 1)]  # fmt: skip


def test_tensors_of_the_cpu_are_left_out_where_a_gpu_has_others(folder):
    host = [*tensor(9, 100)[:5], "cpu"]
    nodes = [node(2, "aten::copy_", 1, [W, host], [W]), node(3, "aten::relu", 1, [host], [host])]
    assert rows(open_trace(run(folder, nodes)), "kernel") == [(BASE, 400, True, 0)]
    assert rows(open_trace(run(folder, nodes[1:])), "kernel") == [(BASE, 400, False, 0), (BASE, 400, True, 0)]


def test_long_tensors_are_rows(folder):
    trace = open_trace(run(folder, [node(2, "aten::relu", 1, [tensor(1, 3 * ROW // 4 + 5, itemsize=8)])]))
    (batch,) = trace.batches()
    assert [column.tolist() for column in batch[:4]] == [
        [BASE, BASE + 6 * ROW], [ROW, 0], [6, 1], [ROW, 40]]  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (tensor(1, -1), "node 2: tensor .* has a number below 0"),
        (tensor(1, 2**70), "above 2..62"),
        (tensor(1, 2**50), "beyond 16 TiB"),
        (tensor(True, 0), "holds no operator with tensors; record it with record_shapes=True|number below 0"),
    ],
)
def test_impossible_tensors_are_refused(folder, bad, words):
    with pytest.raises(InputError, match=words):
        open_trace(run(folder, [node(2, "aten::relu", 1, [bad])]))


def test_storages_beyond_all_memory_are_refused(folder):
    nodes = [node(2, "aten::cat", 1, [[tensor(i, 2**42) for i in range(2**17 + 1)]])]
    with pytest.raises(InputError, match="all storages together go beyond"):
        open_trace(run(folder, nodes))


def test_more_tensors_than_memory_holds_are_refused(folder, monkeypatch):
    monkeypatch.setattr(execution, "MOST", 10)
    assert len(open_trace(run(folder, [node(2, "aten::cat", 1, [W] * 39, [Y])])).kernels) == 1
    with pytest.raises(InputError, match="more than 10 operators or 40 tensors; give a trace of fewer steps"):
        open_trace(run(folder, [node(2, "aten::cat", 1, [W] * 40, [Y])]))


def test_nodes_in_a_circle_end(folder):
    nodes = [node(2, "aten::relu", 3, [X]), node(3, "aten::relu", 2, [X]), node(4, "aten::relu", 4, [X])]
    assert len(open_trace(run(folder, nodes)).kernels) == 2


# Chrome traces


def call(name, begin, length, shapes=(), kinds="float", tid=1):
    return {"ph": "X", "cat": "cpu_op", "name": name, "pid": 1, "tid": tid, "ts": begin, "dur": length,
            "args": {"Input Dims": [list(one) for one in shapes], "Input type": [kinds] * len(shapes)}}  # fmt: skip


def memory(time, address, size, device=1):
    args = {"Addr": address, "Bytes": size, "Device Type": device}
    return {"ph": "i", "name": "[memory]", "pid": 1, "tid": 1, "ts": time, "args": args}


def profile(folder, events):
    return put(folder / "a.json", json.dumps({"schemaVersion": 1, "traceEvents": events}).encode(), ".gz")


def test_calls_read_blocks_of_their_size_and_write_what_they_allocate(folder):
    events = [
        {"ph": "M", "name": "process_name", "args": {}},
        memory(1, 4096, 512),
        memory(2, 8192, 512),
        call("aten::linear", 3, 10, [(10, 10), (5, 10)]),
        call("aten::addmm", 4, 8, [(10, 10), (5, 10)]),
        call("aten::empty", 5, 1),
        memory(5.5, 1 << 20, 200),
        call("aten::relu_", 20, 1, [(5, 10)]),
        memory(30, 8192, -512),
        call("aten::sum", 31, 4, [(10, 10)]),
        memory(32, 1 << 21, 4),
    ]
    trace = open_trace(profile(folder, events))
    assert [one.name for one in trace.kernels] == ["aten::addmm", "aten::relu_", "aten::sum"]
    assert rows(trace, "kernel") == [
        (8192, 400, False, 0), (4096, 200, False, 0), (1 << 20, 200, True, 0),
        (1 << 20, 200, False, 1), (1 << 20, 200, True, 1), (4096, 400, False, 2), (1 << 21, 4, True, 2),
    ]  # fmt: skip


def test_the_cpus_blocks_are_left_out_where_a_gpu_has_others(folder):
    events = [memory(1, 4096, 400, device=0), call("aten::mm", 2, 2, [(10, 10)])]
    assert rows(open_trace(profile(folder, events))) == [(4096, 400, False)]
    assert rows(open_trace(profile(folder, [*events, memory(0, 512, 512)]))) == [(512, 400, False)]
    assert rows(open_trace(profile(folder, [*events, memory(0, 512, 8)]))) == [(kineto.ELSEWHERE, 400, False)]


def test_inputs_without_a_block_have_a_place_for_their_shape(folder):
    events = [call("aten::mm", 1, 1, [(10, 2), (2, 10), (10, 10)]), call("aten::mm", 3, 1, [(10, 10)])]
    away = kineto.ELSEWHERE
    assert rows(open_trace(profile(folder, events)), "kernel") == [
        (away, 80, False, 0), (away + 512, 400, False, 0), (away + 512, 400, False, 1)]  # fmt: skip


def test_more_inputs_than_memory_holds_are_refused(folder, monkeypatch):
    with pytest.raises(InputError, match="'aten::mm': 257 inputs; an operator has at most 256"):
        open_trace(profile(folder, [call("aten::mm", 1, 1, [(5, 10)] * 257)]))
    monkeypatch.setattr(kineto, "MOST", 10)
    assert len(open_trace(profile(folder, [call("aten::mm", 1, 1, [(5, 10)] * 36)])).kernels) == 1
    with pytest.raises(InputError, match="more than 10 events of operators and memory; give a trace of fewer steps"):
        open_trace(profile(folder, [call("aten::mm", 1, 1, [(5, 10)] * 40)]))


def test_endless_names_are_cut(folder):
    name = "aten::" + "x" * 10_000
    for path in (profile(folder, [call(name, 1, 1, [(5, 10)])]), run(folder, [node(2, name, 1, [W], [Y])])):
        assert open_trace(path).kernels[0].name == name[:256]


def test_threads_have_calls_of_their_own(folder):
    events = [call("aten::mm", 1, 10, [(4, 4)], tid=1), call("aten::mul", 2, 2, [(8, 8)], tid=2)]
    assert [one.name for one in open_trace(profile(folder, events)).kernels] == ["aten::mul", "aten::mm"]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (call("aten::mm", 1, 1, [(2**40, 2**40)]), "an input of shape .* is above 16 TiB"),
        (call("aten::mm", 1, 1, [(-1,)]), "no operator with tensors"),
        (call("aten::mm", float("nan"), 1, [(4,)]), "no operator with tensors"),
        (call("aten::mm", 10**400, 1, [(4,)]), "no operator with tensors"),
        (call("aten::mm", 1, 1, [(4,)], kinds="Scalar"), "no operator with tensors"),
        (memory(1, -1, 4), "no operator with tensors"),
    ],
)
def test_events_that_cannot_be(folder, event, words):
    with pytest.raises(InputError, match=words):
        open_trace(profile(folder, [event]))


def test_a_real_run(tmp_path):
    import torch
    from torch.profiler import ExecutionTraceObserver, ProfilerActivity
    from torch.profiler import profile as profiler

    net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 16))
    x = torch.randn(8, 64)
    observer = ExecutionTraceObserver()
    observer.register_callback(str(tmp_path / "run.et.json"))
    with profiler(activities=[ProfilerActivity.CPU], record_shapes=True, profile_memory=True) as done:
        observer.start()
        net(x)
        observer.stop()
    observer.unregister_callback()
    done.export_chrome_trace(str(tmp_path / "run.pt.trace.json"))
    for name in ("run.et.json", "run.pt.trace.json"):
        trace = open_trace(tmp_path / name)
        products = [i for i, one in enumerate(trace.kernels) if one.name == "aten::addmm"]
        assert len(products) == 2
        written = Counter()
        for _, width, write, kernel in rows(trace, "kernel"):
            written[kernel, write] += width
        first, second = products
        assert written[first, False] >= (8 * 64 + 64 * 32) * 4  # and the bias, unless a callee spread it out before
        assert written[first, True] == 8 * 32 * 4
        assert written[second, True] == 8 * 16 * 4
        hidden = {base for base, width, write, kernel in rows(trace, "kernel") if kernel < second and width == 1024}
        read = {base for base, _, write, kernel in rows(trace, "kernel") if kernel == second and not write}
        assert hidden & read, "the second layer reads what an operator before it wrote"
