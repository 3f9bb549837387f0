"""LiteRT's files know where axes lie: any chain of layers that move, merge and cut them computes what torch does."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.latency.graph import Graph, Value
from hwmodel.latency.graph.fill import filled
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.runtimes.litert import layout
from tests.hwmodel.latency.test_runtimes import check

pytest.importorskip("ai_edge_litert")
from hwmodel.latency.runtimes.litert.convert import converted
from hwmodel.latency.runtimes.litert.run import LiteRT

ORDERS = st.permutations([0, 1, 2, 3])


def factors(draw, elements: int) -> list[int]:
    """Return a shape of so many elements."""
    shape = []
    for _ in range(draw(st.integers(1, 4))):
        sizes = [size for size in range(1, elements + 1) if elements % size == 0]
        shape.append(draw(st.sampled_from(sizes)))
        elements //= shape[-1]
    return [*shape, elements]


def step(draw, w: Writer, x: Value) -> Value:
    rank = len(x.shape)
    axis = draw(st.integers(0, rank - 1))
    kind = draw(st.sampled_from(["transpose", "reshape", "softmax", "concat", "slice", "mean", "linear", "constant",
                                 "activation", "conv", "pool", "squeeze", "matmul", "flatten"]))  # fmt: skip
    match kind:
        case "transpose":
            return w.transpose(x, *draw(st.permutations(list(range(rank)))))
        case "reshape":
            return w.reshape(x, *factors(draw, x.elements))
        case "flatten":
            return w.linear(w.reshape(x, x.shape[0], x.elements // x.shape[0]), 6, "relu")
        case "softmax":
            return w.softmax(x, axis)
        case "concat":
            return w.concat([x, w.activation(x, "tanh")], axis)
        case "slice" if x.shape[axis] > 1:
            return w.layer("slice", (x,), dimension=axis, start=1, stop=x.shape[axis], step=draw(st.integers(1, 2)))
        case "mean":
            return w.layer("mean", (x,), dimensions=(axis,), keep=draw(st.booleans()) or rank == 1)
        case "linear" if rank > 1:
            return w.linear(x, 4)
        case "constant":
            return w.layer("add", (x,), {"constant": x.shape[axis:]}, activation=None)
        case "activation":
            return w.activation(x, draw(st.sampled_from(["relu", "hardswish", "silu"])))
        case "conv" if rank == 4:
            return w.conv(x, 4, 3, activation="relu")
        case "pool" if rank == 4 and min(x.shape[2:]) > 1:
            return w.pool(x, draw(st.sampled_from(["max", "avg"])), 2, stride=1)
        case "squeeze" if rank == 4:
            return w.mul(x, w.mean(x))
        case "matmul" if rank > 1:
            return w.matmul(x, w.transpose(x, *range(rank - 2), rank - 1, rank - 2))
    return x


@st.composite
def chains(draw) -> Graph:
    w = Writer()
    x = w.input(*draw(st.sampled_from([(1, 6, 4, 5), (2, 4, 3, 2), (1, 12), (3, 4, 5)])))
    for _ in range(draw(st.integers(1, 7))):
        x = step(draw, w, x)
        if len(x.shape) > 5 or x.elements > 4000:
            break
    return w.graph(w.activation(x, "tanh"))


@settings(max_examples=150, deadline=None)
@given(graph=chains())
def test_any_chain(graph: Graph, tmp_path_factory):
    check(LiteRT, graph, tmp_path_factory.mktemp("chain"))


def operators(graph: Graph) -> list[str]:
    """Return the operators that a graph becomes, by name."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    names = {number: name for name, number in vars(BuiltinOperator).items() if not name.startswith("_")}
    file = converted(filled(graph)).file
    codes = {index: names[number] for number, index in file._codes.items()}
    return [codes[one.opcodeIndex] for one in file._operators]


def test_a_flattened_image_moves_weights_and_no_values():
    w = Writer()
    x = w.conv(w.input(1, 3, 6, 6), 8, 3)
    assert operators(w.graph(w.linear(w.reshape(x, 1, x.elements), 5))) == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"]


def test_pixels_become_tokens_without_a_move():
    w = Writer()
    x = w.conv(w.input(1, 3, 8, 8), 8, 4, stride=4, padding=0)
    tokens = w.transpose(w.reshape(x, 1, 8, 4), 0, 2, 1)
    assert operators(w.graph(w.linear(tokens, 8))) == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"]


def test_padding_is_the_formats_own_where_it_can_be():
    w = Writer()
    x = w.conv(w.input(1, 3, 9, 9), 8, 3, stride=2)  # an odd side: as much before as behind
    assert operators(w.graph(x)) == ["CONV_2D"]
    w = Writer()
    x = w.conv(w.input(1, 3, 8, 8), 8, 3, stride=2)
    assert operators(w.graph(x)) == ["PAD", "CONV_2D"]


@given(order=ORDERS, axes=ORDERS)
def test_transposes_that_move_nothing_say_where_axes_lie(order, axes):
    shape = (2, 3, 4, 5)
    values = np.arange(math.prod(shape)).reshape(shape)
    lying = values.transpose(order)
    after = layout.transposed(tuple(order), axes)
    np.testing.assert_array_equal(lying.transpose(np.argsort(after)), values.transpose(axes))


@settings(max_examples=300)
@given(data=st.data(), order=ORDERS)
def test_reshapes_that_move_nothing_say_where_axes_lie(data, order):
    shape = data.draw(st.sampled_from([(2, 3, 4, 5), (1, 6, 2, 2), (4, 1, 3, 1)]))
    new = factors(data.draw, math.prod(shape))
    values = np.arange(math.prod(shape)).reshape(shape)
    lying = values.transpose(order)
    after = layout.reshaped(shape, tuple(order), new)
    if after is not None:
        again = lying.reshape(layout.lying(new, after)).transpose(np.argsort(after))
        np.testing.assert_array_equal(again, values.reshape(new))
    elif list(order) == [0, 1, 2, 3]:
        raise AssertionError("nothing has to move where axes lie as they are counted")
