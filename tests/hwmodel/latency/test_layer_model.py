"""The layers' model beside its slow twin, against laws, and on devices that obey its terms."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.layers import likeness
from hwmodel.latency.layers import model as module
from hwmodel.latency.layers.assumed import assumed
from hwmodel.latency.layers.likeness import JITTER
from hwmodel.latency.layers.model import LEAST_S, LEAST_SHARE, LayerModel, crossed, fit
from hwmodel.latency.layers.profiled import SEVERAL, reach
from hwmodel.latency.layers.terms import CLASSES, Tile, layers, names
from hwmodel.latency.profile.items import random_networks
from tests.hwmodel.latency.layer_devices import TILE, known, learned, prices, small, times_of
from tests.hwmodel.latency.networks import GRAPHS
from tests.naive import layers as naive


def termed_by(model: LayerModel, graphs):
    return layers(graphs, Tile(*model.tile))


def corrected(seed=3, smooth=0.3) -> LayerModel:
    """A model of few blocks, whose corrections are large and vary."""
    graphs = [small(8 * count, 16 - 2 * count, kernel) for count in (1, 2, 3) for kernel in (1, 3)]
    drawn = np.random.default_rng(seed)
    found = fit(graphs, times_of(graphs) * np.exp(0.3 * drawn.standard_normal(len(graphs))))
    parameters = np.array([*drawn.uniform(-1, 1, len(found.parameters) - 4), *np.log([smooth, 0.1, 0.05, 0.001])])
    covariance = likeness.Pairs((found.classes, found.shapes, found.shares, found.of), 6).covariance(parameters)
    inverse = np.linalg.inv(covariance)
    residual = 0.3 * drawn.standard_normal(len(graphs))
    return LayerModel(found.tile, found.prices, parameters, found.classes, found.shapes, found.shares, found.of,
                      inverse @ residual, inverse)  # fmt: skip


@pytest.mark.parametrize("rows", [1, 3, 512])
def test_predictions_are_the_twins(monkeypatch, rows):
    monkeypatch.setattr(likeness, "ROWS", rows)
    model = corrected()
    graphs = [small(8 * count, 16 - 2 * count, kernel) for count in (1, 2, 3) for kernel in (1, 3)]
    seen = termed_by(model, graphs)
    total = np.bincount(seen.of, np.maximum(seen.terms @ model.prices, LEAST_S))
    times = total * (1 + np.linalg.solve(model.inverse, model.fitted))
    asked = [canonical(GRAPHS[name]()) for name in GRAPHS] + [small(40), small(8, 10, 5)]
    mean, covariance = naive.posterior(
        seen,
        times,
        termed_by(model, asked),
        len(asked),
        model.prices,
        model.parameters,
        LEAST_S,
        JITTER,
        assumed().unseen,
    )
    found, among = model.joint(asked)
    np.testing.assert_allclose(found, mean, rtol=1e-8)
    np.testing.assert_allclose(among, covariance, rtol=1e-6, atol=1e-9 * np.abs(covariance).max())
    found, deviation = model.predict(asked)
    np.testing.assert_allclose(found, mean, rtol=1e-8)
    noise = np.exp(model.parameters[-1])
    np.testing.assert_allclose(deviation, np.sqrt(np.diag(covariance) / mean**2 + noise), rtol=1e-6)


def test_prices_are_not_negative_and_near_what_is_assumed_where_nothing_is_known():
    model = learned()
    assert (model.prices >= 0).all()
    factor = model.prices[names().index("softmax calls")] / assumed().call_s
    assert factor == pytest.approx(model.prices[names().index("matmul tiled")] / assumed().product_s_per_MAC)


def test_times_in_another_unit_give_the_same_predictions_in_it():
    graphs, _, times = known()
    asked = [canonical(item.graph) for item in random_networks(6, 5)]
    mean, deviation = learned().predict(asked)
    other, same = fit(graphs, times * 1000).predict(asked)
    np.testing.assert_allclose(other, 1000 * mean, rtol=1e-3)
    np.testing.assert_allclose(same, deviation, rtol=2e-2)


def test_a_device_that_obeys_the_terms_is_learned_from_the_blocks():
    asked = [canonical(item.graph) for item in random_networks(24, 11)]
    mean, deviation = learned().predict(asked)
    off = mean / times_of(asked) - 1
    assert np.mean(np.abs(off)) < 0.02
    assert np.abs(off).max() < 0.05
    assert (deviation < 0.1).all()
    found, _ = learned().predict(known()[0])
    assert np.abs(found / times_of(known()[0]) - 1).max() < 0.1


def test_a_correction_that_terms_do_not_have_is_learned_and_shared_by_layers_alike():
    graphs, _, _ = known()
    seen = layers(graphs, TILE)
    slow = 1 + 0.5 * np.isin(seen.classes, [CLASSES.index("depthwise_9"), CLASSES.index("depthwise_25")])
    slow *= 1 + 0.2 * np.tanh(seen.shapes[:, 1] - 4.5)  # wide layers take longer
    model = fit(graphs, np.bincount(seen.of, (seen.terms @ prices()) * slow))
    w = Writer()
    asked = [w.graph(w.depthwise(w.input(1, 300, 14, 14), 3))]
    one = layers(asked, TILE)
    plain = float(one.terms @ prices() @ np.ones(1))
    truth = plain * 1.5 * (1 + 0.2 * np.tanh(one.shapes[0, 1] - 4.5))
    found = model.predict(asked)[0][0]  # of a lone layer, learned from chains of which it is the least part
    assert found == pytest.approx(truth, rel=0.3)
    assert found > 1.2 * plain


def test_crossed_blocks_are_predicted_by_models_that_never_saw_them():
    graphs = [small(8 * count, 16 - 2 * count, kernel) for count in (1, 2, 3, 4) for kernel in (1, 3)]
    times = times_of(graphs) * np.exp(0.2 * np.random.default_rng(5).standard_normal(len(graphs)))
    model = fit(graphs, times)
    mean_of, deviation_of = crossed(model, graphs, times, 4)
    for place, graph in enumerate(graphs):
        others = [other for other in range(len(graphs)) if other % 4 != place % 4]
        seen = termed_by(model, [graphs[other] for other in others])
        prices, _ = module._prices(seen, times[others])
        base = np.bincount(seen.of, seen.terms @ prices)
        shares = seen.terms @ prices / base[seen.of]
        known = (seen.classes, seen.shapes, shares, seen.of)
        inverse = np.linalg.inv(likeness.Pairs(known, len(others)).covariance(model.parameters))
        other = LayerModel(model.tile, prices, model.parameters, *known, inverse @ (times[others] / base - 1), inverse)
        (mean,), (deviation,) = other.predict([graph])
        assert (mean_of[place], deviation_of[place]) == pytest.approx((mean, deviation), rel=1e-6)


def test_reach_holds_a_level_of_blocks_that_are_like_networks():
    w = Writer()
    lone = w.graph(w.linear(w.input(1, 8), 8))
    w = Writer()
    x = w.input(1, 8, 8, 8)
    for _ in range(SEVERAL):
        x = w.conv(x, 8, 3)
    chain = w.graph(x)
    distances = np.random.default_rng(0).standard_normal(40)
    chains = [chain if place % 2 else lone for place in range(40)]
    for level in (0.5, 0.9, 0.99):
        assert reach(distances, chains, level) == pytest.approx(np.quantile(np.abs(distances[1::2]), level))
        assert reach(distances, [lone] * 40, level) == pytest.approx(np.quantile(np.abs(distances), level))


def test_what_no_block_has_is_less_certain():
    model = learned()
    w = Writer()
    x = w.linear(w.input(1, 64, 256), 256)
    plain, odd = w.graph(x), w.graph(w.softmax(w.matmul(x, w.transpose(x, 0, 2, 1))))
    (_, _), (sure, unsure) = model.predict([plain, odd])
    assert model.unseen(plain) == []
    assert model.unseen(odd) == ["matmul", "softmax", "movement"]
    assert unsure > 5 * sure
    times = model.each(odd)[1]
    classes = [CLASSES[place] for place in model.each(odd)[0]]
    parts = [sum(t for t, kind in zip(times, classes, strict=True) if kind == name) for name in model.unseen(odd)]
    assert unsure == pytest.approx(np.linalg.norm(parts) / times.sum(), rel=0.05)
    several = w.graph(x, *(w.softmax(x, axis) for axis in (1, 2)))
    _, alone = model.predict([several])
    assert alone[0] > sure
    _, among = model.joint([odd, several])
    assert np.linalg.eigvalsh(among).min() > -1e-20
    assert among[0, 1] > 0


def test_the_layers_times_sum_to_the_networks():
    for model in (learned(), corrected()):
        for name in GRAPHS:
            graph = canonical(GRAPHS[name]())
            classes, times = model.each(graph)
            assert len(classes) == len(times) == len(layers([graph], TILE).classes)
            assert (times > 0).all()
            assert times.sum() == pytest.approx(model.predict([graph])[0][0])


def test_corrections_never_make_a_network_free():
    model = corrected()
    against = replace(model, fitted=-100 * np.abs(model.fitted))
    mean, deviation = against.predict([small(8)])
    base = termed_by(against, [small(8)]).terms @ against.prices
    assert mean[0] == pytest.approx(LEAST_SHARE * base.sum())
    assert np.isfinite(deviation).all()
    assert against.each(small(8))[1].sum() == pytest.approx(mean[0])


def test_graphs_without_layers_take_nothing():
    w = Writer()
    empty = w.graph(w.input(1, 3, 4, 4))
    mean, deviation = learned().predict([empty, small(8), empty])
    assert mean[0] == mean[2] == 0
    assert mean[1] > 0
    assert np.isfinite(deviation).all()
    assert learned().predict([])[0].shape == (0,)
    assert learned().joint([])[1].shape == (0, 0)


def test_networks_are_asked_together_or_alone():
    asked = [canonical(GRAPHS[name]()) for name in GRAPHS]
    mean, deviation = learned().predict(asked)
    for place, graph in enumerate(asked):
        assert learned().predict([graph]) == (pytest.approx(mean[[place]]), pytest.approx(deviation[[place]]))


@pytest.mark.parametrize(("count", "times"), [
    (2, [1, 1]), (3, [1, 1]), (3, [1, 1, 0]), (3, [1, 1, -1]), (3, [1, 1, np.nan]), (3, [1, np.inf, 1])
])  # fmt: skip
def test_what_cannot_be_learned_from(count, times):
    with pytest.raises(ValueError, match="three blocks or more, each with a positive, finite time"):
        fit([small(8)] * count, np.array(times, float))


def test_a_block_without_layers_is_refused():
    w = Writer()
    with pytest.raises(ValueError, match="no layer that is run"):
        fit([small(8), small(16), w.graph(w.input(1, 3))], np.ones(3))
