"""A posterior as tables: exact where sums can say it, and whole where the space is small."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.errors import InputError
from hwmodel.latency.fit.features import Features, basis, of_codes
from hwmodel.latency.fit.posterior import Posterior
from hwmodel.latency.fit.project import MOST_SOUGHT, networks, project
from hwmodel.latency.fit.samples import Samples
from hwmodel.latency.fit.table import Table
from hwmodel.latency.fit.transfer import prepare
from hwmodel.latency.fit.widen import same_space, widened
from hwmodel.latency.query.form import read_form
from hwmodel.latency.query.predictor import SpacePredictor
from hwmodel.latency.spaces import load_space, make_space
from tests.hwmodel.latency.fit.made import devices

LEVELS = ((0.9, 1.6, 1.6),)


def space_of(layers, choices):
    named = [{"name": f"l{n}", "choices": [f"c{c}" for c in range(choices)]} for n in range(layers)]
    return make_space({"name": "made", "layers": named})


def table_of(made, names=("a_1", "b_1")):
    columns = dict(zip(names, made.sources[::2], strict=False))
    texts = [str(row.tolist()) for row in made.codes]
    return Table("made.csv", texts, made.features, basis(made.codes), columns, codes=made.codes)


def test_a_purely_additive_posterior_is_kept():
    """The likeliest linear member that knows one source without noise, and choices as its only features."""
    made, space = devices(0, noise=0.0), space_of(10, 4)
    features = Features({"choices": of_codes(made.codes).additive["choices"]})
    posterior = prepare(made.sources[:1], ["a"], features).fit(np.arange(20), made.target[:20])
    linear = [one for one in posterior.members if one.shapes.link == "linear" and len(one.shapes.departures)]
    best = max(linear, key=lambda one: one.share)
    only = Posterior([replace(best, share=1.0)], posterior.rows)
    form = project(only, np.arange(300), made.codes, space, "d", "latency_s", LEVELS, {}, {})
    mean, variance = only.logarithm(np.arange(300))
    found = SpacePredictor(form).predict(made.codes)
    np.testing.assert_allclose(found.mean, np.exp(mean), rtol=1e-3)
    deviation = (found.high - found.mean) / 1.6
    np.testing.assert_allclose(deviation[20:], (np.exp(mean) * np.sqrt(variance))[20:], rtol=0.2)
    assert form.provenance["projection_error"] < 1e-3


def test_what_a_sum_cannot_say_widens_the_interval():
    made, space = devices(1), space_of(10, 4)
    posterior = made.transfer().fit(np.arange(10), made.target[:10])
    form = project(posterior, np.arange(300), made.codes, space, "d", "latency_s", LEVELS, {}, {})
    error = form.provenance["projection_error"]
    assert 0 < error < 0.1
    assert form.relative >= error
    found = SpacePredictor(form).predict(made.codes)
    np.testing.assert_allclose(found.mean, np.exp(posterior.logarithm(np.arange(300))[0]), rtol=0.2)


def test_a_small_space_is_told_to_the_digit(tmp_path):
    from hwmodel.latency.fit.device import write

    made, space = devices(2, layers=5, networks=600), space_of(5, 4)
    table = table_of(made)
    transfer = prepare(made.sources[::2][:2], ["a", "b"], table.features, table.columns)
    rows = np.arange(9)
    samples = Samples(table.names[:9], made.target[:9], "latency_s")
    path = tmp_path / "a.safetensors"
    said = write(path, table, transfer, samples, rows, "phone", space, {"governor": "performance"}, {"table": "t"})
    assert (said["kind"], said["networks"], said["samples"]) == ("space", 4**5, 9)
    form, codes = read_form(path), space.all_codes()
    posterior = widened(table, transfer, codes, space).fit(rows, samples.values)
    mean, variance = posterior.logarithm(600 + np.arange(4**5))
    np.testing.assert_array_equal(form.whole, [mean, variance])
    found = SpacePredictor(form).predict(made.codes)
    # Networks of the table are told as the table's own rows would be.
    np.testing.assert_allclose(np.log(found.mean), posterior.logarithm(np.arange(600))[0], atol=1e-6)
    assert form.conditions == {"governor": "performance"}


def test_a_large_space_is_added(tmp_path):
    from hwmodel.latency.fit.device import write

    made, space = devices(3, layers=10), space_of(10, 4)
    table = table_of(made)
    transfer = prepare(made.sources[::2][:2], ["a", "b"], table.features, table.columns)
    samples = Samples(table.names[:9], made.target[:9], "energy_J")
    said = write(tmp_path / "a.safetensors", table, transfer, samples, np.arange(9), "phone", space, {}, {})
    assert said["projection_error"] < 0.1
    found = SpacePredictor(read_form(tmp_path / "a.safetensors")).predict(made.codes[9:])
    assert found.quantity == "energy_J"
    assert np.abs(found.mean / made.target[9:] - 1).mean() < 0.15


@pytest.mark.parametrize("sources", [0, 2])
def test_cells_without_an_empty_one_in_the_table(sources):
    """Features of a table and of the whole space have the same groups, whatever the table happens to hold."""
    from hwmodel.latency.fit.table import codes_of
    from hwmodel.latency.spaces import encode

    space, draw = load_space("nasbench201"), np.random.default_rng(0)
    codes = draw.integers(1, 5, (3000, 6))  # no edge is absent
    names = encode(space, codes)
    found, canonical = codes_of(names, "cells.csv")
    np.testing.assert_array_equal(found, codes)
    times = 1.0 + np.exp(draw.normal(size=(2, 6, 5)))[:, np.arange(6), codes].sum(axis=2)
    table = Table("cells.csv", names, of_codes(codes, canonical), basis(codes, canonical), {}, codes=codes)
    transfer = prepare(times[:sources], ["a", "b"][:sources], table.features, table.columns)
    same_space(table, space)
    every = space.all_codes()
    if sources:
        with pytest.raises(InputError, match=r"cells.csv: no architecture has choice 'none' of layer '0-1'"):
            widened(table, transfer, every, space)
        return
    mean, variance = (
        widened(table, transfer, every, space).fit(np.arange(5), times[0, :5]).logarithm(3000 + np.arange(15625))
    )
    assert np.isfinite(mean).all()
    assert (variance > 0).all()


def test_lists_in_a_space_of_cells():
    space, made = load_space("nasbench201"), devices(4, layers=6, networks=1300)
    codes = np.random.default_rng(0).integers(0, 5, (1300, 6))
    table = Table("t.csv", [str(row) for row in codes.tolist()], of_codes(codes), basis(codes), {}, codes=codes)
    transfer = prepare(made.sources[:2], ["a", "b"], table.features, table.columns)
    same_space(table, space)
    every = space.all_codes()
    mean, _ = widened(table, transfer, every, space).fit(np.arange(5), made.target[:5]).logarithm(1300 + np.arange(99))
    assert np.isfinite(mean).all()


def test_cells_of_another_space_are_refused():
    from hwmodel.latency.fit.table import of_frame

    pd = pytest.importorskip("pandas")
    declared = load_space("nasbench201").model_dump(exclude_none=True)
    turned = [layer | {"choices": layer["choices"][::-1]} for layer in declared["layers"]]
    other = make_space(declared | {"name": "other", "layers": turned})
    cells = ["|none~0|+|none~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"] * 2
    with pytest.raises(InputError, match="cells of nasbench201, not of other"):
        same_space(of_frame(pd.DataFrame({"arch": cells, "a": [1, 2]}), "t.csv"), other)
    with pytest.raises(InputError, match="are no choices of layers; leave out --space"):
        same_space(of_frame(pd.DataFrame({"arch": ["x", "y"], "a": [1, 2]}), "t.csv"), other)


def test_too_few_networks_and_too_many_choices():
    made = devices(5, networks=50)
    table = table_of(made)
    with pytest.raises(InputError, match=r"made.csv: too few networks"):
        widened(
            table, prepare(made.sources[:2], ["a", "b"], table.features, table.columns), made.codes, space_of(10, 4)
        )
    assert networks(space_of(10, 4)) == 1000
    assert networks(space_of(100, 15)) == 4500
    with pytest.raises(InputError, match=f"more than {MOST_SOUGHT}"):
        networks(space_of(255, 100))
