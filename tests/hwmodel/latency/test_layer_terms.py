"""A layer's terms, by hand."""

import numpy as np
import pytest

from circuits.errors import InputError
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.described import of_description
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.layers.assumed import assumed
from hwmodel.latency.layers.terms import CLASSES, FREE, SHAPE, Tile, guesses, layers, names
from tests.hwmodel.latency.networks import GRAPHS

TILE = Tile(4, 32)


def of_one(write):
    """Class, terms that are not 0, and shape of the only layer that `write` adds."""
    w = Writer()
    found = layers([w.graph(write(w))], TILE)
    assert len(found.classes) == 1
    said = {name: float(of) for name, of in zip(names(), found.terms[0], strict=True) if of}
    return CLASSES[found.classes[0]], said, dict(zip(SHAPE, found.shapes[0], strict=True))


def test_a_convolution():
    # (1, 12, 10, 10) -> (1, 40, 5, 5): 25 pixels are 28 in tiles of 4, and 40 channels are 64 in tiles of 32.
    kind, terms, shape = of_one(lambda w: w.conv(w.input(1, 12, 10, 10), 40, 3, stride=2, padding=1))
    products, weights, values = 40 * 25 * 12 * 9, 4 * (40 * 12 * 9 + 40), 4 * (1200 + 1000)
    assert kind == "conv_kxk"
    assert terms == pytest.approx({
        "conv_kxk calls": 1, "conv_kxk bytes": values, "conv_kxk products": products,
        "conv_kxk tiled": 64 * 28 * 12 * 9, "conv_kxk tiles": 7 * 2, "conv_kxk taps": 7 * 2 * 9,
        "conv_kxk weights": weights,
        "conv_kxk cold weights": weights * (values + weights) / (values + weights + assumed().reused_bytes),
    })  # fmt: skip
    assert shape == pytest.approx({
        "channels_in": np.log(12), "channels_out": np.log(40), "pixels": np.log(25), "kernel_area": np.log(9),
        "stride": np.log(2), "rounding": 4 * np.log(64 / 40),
    })  # fmt: skip


def test_a_layer_that_is_no_tile_wide_is_rounded_up_to_half_tiles():
    _, terms, _ = of_one(lambda w: w.conv(w.input(1, 12, 10, 10), 20, 1))
    assert terms["conv_1x1 narrow"] == 32 * 100 * 12
    assert terms["conv_1x1 tiles"] == 25 * 2
    assert "conv_1x1 tiled" not in terms
    # Three pixels are a tile of three rows, and each group of channels has its own tiles.
    _, terms, _ = of_one(lambda w: w.conv(w.input(1, 16, 1, 3), 80, (1, 3), groups=2))
    assert terms["grouped tiled"] == 64 * 2 * 3 * 8 * 3
    assert terms["grouped tiles"] == 4


def test_a_depthwise_convolution():
    kind, terms, _ = of_one(lambda w: w.depthwise(w.input(1, 24, 9, 9), 5))
    assert kind == "depthwise_25"
    assert terms == pytest.approx({
        "depthwise_25 calls": 1, "depthwise_25 bytes": 2 * 4 * 24 * 81, "depthwise_25 products": 32 * 81 * 25,
        # Along a side of nine, windows of five meet 3, 4, 5, 5, 5, 5, 5, 4 and 3 pixels.
        "depthwise_25 inside": 24 * 39 * 39, "depthwise_25 alone": 24 * 84 * 25, "depthwise_25 lines": 24 * 81,
    })  # fmt: skip


def test_activations_that_are_a_pass_of_their_own():
    def after(activation, write):
        w = Writer()
        x = w.input(1, 8, 4, 4)
        found = layers([canonical(w.graph(w.activation(write(w, x), activation)))], TILE)
        return {name: float(of) for name, of in zip(names(), found.terms[-1], strict=True) if of and "ed " in name}

    moved = 2 * 4 * 8 * 16
    assert after("hardswish", lambda w, x: w.conv(x, 8))["curved calls"] == 1
    assert after("hardswish", lambda w, x: w.conv(x, 8))["curved bytes"] == moved
    assert "clamped bytes" not in after("relu", lambda w, x: w.conv(x, 8))
    assert after("relu", lambda w, x: w.add(x, w.conv(x, 8)))["clamped bytes"] == moved


@pytest.mark.parametrize(("kernel", "kind"), [(3, "depthwise_9"), (5, "depthwise_25"), (7, "depthwise_large")])
def test_depthwise_windows_are_priced_by_their_size(kernel, kind):
    assert of_one(lambda w: w.depthwise(w.input(1, 8, 8, 8), kernel))[0] == kind


def test_a_linear_layer():
    kind, terms, _ = of_one(lambda w: w.linear(w.input(1, 40), 33))
    weights, values = 4 * (1320 + 33), 4 * 73
    assert kind == "linear"
    assert terms == pytest.approx({
        "linear calls": 1, "linear bytes": values, "linear products": 1320, "linear tiled": 64 * 40,
        "linear tiles": 2, "linear taps": 2, "linear weights": weights,
        "linear cold weights": weights * (values + weights) / (values + weights + assumed().reused_bytes),
    })  # fmt: skip


def test_a_pointwise_convolution_of_one_pixel_is_a_linear_layer():
    assert of_one(lambda w: w.conv(w.input(1, 8, 1, 1), 8))[0] == "linear"
    assert of_one(lambda w: w.conv(w.input(1, 8, 2, 2), 8))[0] == "conv_1x1"


def test_a_pool_and_a_concatenation():
    kind, terms, _ = of_one(lambda w: w.pool(w.input(1, 6, 8, 8), "max", 2))
    assert kind == "max_pool"
    assert terms == {"max_pool calls": 1, "max_pool bytes": 4 * 6 * (64 + 16), "max_pool products": 6 * 16 * 4}
    _, terms, _ = of_one(lambda w: w.pool(w.input(1, 6, 8, 8), "avg", 3, stride=2, padding=1))
    assert terms["avg_pool padded"] == 4 * 6 * 64

    def twice(w):
        x = w.input(1, 6, 4, 4)
        return w.concat([x, x])

    kind, terms, _ = of_one(twice)
    assert (kind, terms) == ("concat", {"concat calls": 1, "concat bytes": 4 * 4 * 6 * 16})


def test_what_does_not_stay_in_the_cache_comes_from_far():
    cache = assumed().core_cache_bytes
    _, terms, _ = of_one(lambda w: w.activation(w.input(1, cache // 4), "relu"))
    assert terms["far values"] == cache  # twice the cache, less what stays


def test_the_more_a_run_moves_the_more_weights_have_left_the_caches():
    column, whole = (names().index(f"linear {name}") for name in ("cold weights", "weights"))

    def share(count):
        w = Writer()
        x = w.input(1, 1024)
        for _ in range(count):
            x = w.linear(x, 1024)
        terms = layers([w.graph(x)], TILE).terms
        return float(terms[0, column] / terms[0, whole])

    assert 0 < share(1) < share(2) < share(8) < 1
    assert share(2) == pytest.approx(0.5, rel=1e-2)  # two times 4 MiB, and a little


@pytest.mark.parametrize("name", GRAPHS)
def test_every_layer_that_is_run_has_a_class_a_call_and_a_price(name):
    graph = canonical(GRAPHS[name]())
    found = layers([graph], TILE)
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
    found = layers([empty, canonical(GRAPHS["words"]()), empty, canonical(GRAPHS["words"]())], TILE)
    assert found.of.tolist() == [1, 1, 3, 3]
    np.testing.assert_array_equal(found.terms[:2], found.terms[2:])
    for none in (layers([], TILE), layers([empty], TILE)):
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
        layers([canonical(graph)], TILE)
