"""A layer's terms, by hand."""

import numpy as np
import pytest

from circuits.errors import InputError
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.described import of_description
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.layers.terms import CLASSES, FREE, SHAPE, assumed, guesses, layers, names
from tests.hwmodel.latency.networks import GRAPHS


def of_one(write):
    """Class, terms that are not 0, and shape of the only layer that `write` adds."""
    w = Writer()
    found = layers([w.graph(write(w))])
    assert len(found.classes) == 1
    said = {name: float(of) for name, of in zip(names(), found.terms[0], strict=True) if of}
    return CLASSES[found.classes[0]], said, dict(zip(SHAPE, found.shapes[0], strict=True))


def test_a_convolution():
    # (1, 12, 10, 10) -> (1, 20, 5, 5): 20 channels are 32 in vectors of 16, and 32 in vectors of 32.
    kind, terms, shape = of_one(lambda w: w.conv(w.input(1, 12, 10, 10), 20, 3, stride=2, padding=1))
    products, weights = 20 * 25 * 12 * 9, 4 * (20 * 12 * 9 + 20)
    assert kind == "conv_kxk"
    assert terms == pytest.approx({
        "conv_kxk calls": 1, "conv_kxk bytes": 4 * (1200 + 500), "conv_kxk products": products,
        "conv_kxk rounded": products * 32 / 20, "conv_kxk rounded twice": products * 32 / 20,
        "conv_kxk windows": 25 * 9, "conv_kxk weights": weights,
    })  # fmt: skip
    assert shape == pytest.approx({
        "channels_in": np.log(12), "channels_out": np.log(20), "pixels": np.log(25), "kernel_area": np.log(9),
        "stride": np.log(2), "rounding": 4 * np.log(32 / 20),
    })  # fmt: skip


def test_a_depthwise_convolution():
    kind, terms, _ = of_one(lambda w: w.depthwise(w.input(1, 24, 8, 8), 5))
    assert kind == "depthwise_25"
    expected = {"calls": 1, "bytes": 2 * 4 * 24 * 64, "products": 24 * 64 * 25 * 32 / 24}
    for name, amount in expected.items():
        assert terms[f"depthwise_25 {name}"] == pytest.approx(amount)


@pytest.mark.parametrize(("kernel", "kind"), [(3, "depthwise_9"), (5, "depthwise_25"), (7, "depthwise_large")])
def test_depthwise_windows_are_priced_by_their_size(kernel, kind):
    assert of_one(lambda w: w.depthwise(w.input(1, 8, 8, 8), kernel))[0] == kind


def test_a_linear_layer():
    kind, terms, _ = of_one(lambda w: w.linear(w.input(1, 40), 33))
    assert kind == "linear"
    assert terms == pytest.approx({
        "linear calls": 1, "linear bytes": 4 * 73, "linear products": 1320, "linear rounded": 1320 * 48 / 33,
        "linear rounded twice": 1320 * 64 / 33, "linear windows": 1, "linear weights": 4 * (1320 + 33),
    })  # fmt: skip


def test_a_pointwise_convolution_of_one_pixel_is_a_linear_layer():
    assert of_one(lambda w: w.conv(w.input(1, 8, 1, 1), 8))[0] == "linear"
    assert of_one(lambda w: w.conv(w.input(1, 8, 2, 2), 8))[0] == "conv_1x1"


def test_a_pool_and_a_concatenation():
    kind, terms, _ = of_one(lambda w: w.pool(w.input(1, 6, 8, 8), "max", 2))
    assert (kind, terms) == ("max_pool", {"max_pool calls": 1, "max_pool bytes": 4 * (6 * 64 + 6 * 16)})

    def twice(w):
        x = w.input(1, 6, 4, 4)
        return w.concat([x, x])

    kind, terms, _ = of_one(twice)
    assert (kind, terms) == ("concat", {"concat calls": 1, "concat bytes": 4 * 4 * 6 * 16})


def test_what_does_not_stay_in_the_cache_comes_from_far():
    cache = assumed().core_cache_bytes
    _, terms, _ = of_one(lambda w: w.activation(w.input(1, cache // 4), "relu"))
    assert terms["far_values"] == cache  # twice the cache, less what stays
    column = names().index("far_weights")

    def weights_from_far(count):
        w = Writer()
        x = w.input(1, 256)
        for _ in range(count):
            x = w.linear(x, 256)
        return layers([w.graph(x)]).terms[:, column].tolist()

    assert weights_from_far(3) == [0, 0, 0]
    assert weights_from_far(4) == [4 * (256 * 256 + 256)] * 4  # a quarter of the cache each, and a little more


@pytest.mark.parametrize("name", GRAPHS)
def test_every_layer_that_is_run_has_a_class_a_call_and_a_price(name):
    graph = canonical(GRAPHS[name]())
    found = layers([graph])
    assert len(found.classes) == sum(node.kind not in FREE for node in graph.nodes)
    calls = [names().index(f"{kind} calls") for kind in CLASSES]
    np.testing.assert_array_equal(found.terms[:, calls].sum(axis=1), 1)
    assert np.isfinite(found.terms).all()
    assert (found.terms >= 0).all()
    assert np.isfinite(found.shapes).all()
    assert (guesses() > 0).all()


def test_graphs_are_told_apart_and_may_have_no_layers():
    w = Writer()
    empty = w.graph(w.input(1, 3))
    found = layers([empty, canonical(GRAPHS["words"]()), empty, canonical(GRAPHS["words"]())])
    assert found.of.tolist() == [1, 1, 3, 3]
    np.testing.assert_array_equal(found.terms[:2], found.terms[2:])
    for none in (layers([]), layers([empty])):
        assert (none.terms.shape, none.shapes.shape, none.of.size) == ((0, len(names())), (0, len(SHAPE)), 0)


def test_a_layer_beyond_counting_is_a_line():
    side = 1 << 20
    layer = {
        "name": "y", "shape": [1, 1, side, side], "dtype": "float32", "kind": "conv", "inputs": ["x"],
        "attributes": {"stride": [1, 1], "padding": [side - 1] * 4, "dilation": [1, 1], "groups": 1,
                       "activation": None},
        "constants": {"weight": [1, 1, side, side]},
    }  # fmt: skip
    inputs = [{"name": "x", "shape": [1, 1, 1, 1], "dtype": "float32"}]
    graph = of_description(
        {"format": "hwmodel.graph", "version": 1, "inputs": inputs, "layers": [layer], "outputs": ["y"]}
    )
    with pytest.raises(InputError, match="more than 2\\^63 multiply-accumulates"):
        layers([canonical(graph)])
