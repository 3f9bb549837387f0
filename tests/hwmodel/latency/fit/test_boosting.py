"""Boosted trees as arrays against LightGBM's own, and what is fitted with them."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.latency.fit import boosting
from hwmodel.latency.fit.features import Features
from hwmodel.latency.fit.samples import Samples
from hwmodel.latency.fit.table import Table
from hwmodel.latency.fit.transfer import prepare
from hwmodel.latency.fit.trees import trees_of
from hwmodel.latency.query.predictor import load
from tests.hwmodel.latency.fit.made import devices

pytest.importorskip("lightgbm")


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(20, 80), st.integers(1, 6))
def test_trees_say_what_lightgbm_says(seed, samples, width):
    draw = np.random.default_rng(seed)
    columns = np.where(draw.random((samples, width)) < 0.3, 0.0, draw.normal(size=(samples, width)))
    logs = columns.sum(axis=1) + 0.1 * draw.normal(size=samples)
    grown = boosting.booster(columns, logs, 0)
    asked = np.concatenate([columns, 3 * draw.normal(size=(50, width)), np.zeros((1, width))])
    np.testing.assert_allclose(
        trees_of(grown.dump_model()).predict(asked), grown.predict(asked), rtol=1e-12, atol=1e-12
    )


def test_constant_times_are_one_leaf():
    grown = boosting.booster(np.arange(30.0)[:, None], np.full(30, 0.7), 0)
    np.testing.assert_allclose(trees_of(grown.dump_model()).predict(np.zeros((2, 1))), 0.7)


@pytest.mark.parametrize(
    "node", [{"decision_type": "==", "missing_type": "None"}, {"decision_type": "<=", "missing_type": "Zero"}]
)
def test_trees_of_another_kind_are_refused(node):
    with pytest.raises(ValueError, match="a tree that decides by"):
        trees_of({"tree_info": [{"tree_structure": node}]})


def test_many_samples_are_near_and_their_intervals_hold():
    inside, errors = [], []
    for seed in range(3):
        made = devices(seed, networks=500)
        columns, rest = boosting.columns_of(made.transfer()), np.arange(300, 500)
        found = boosting.boost(columns[:300], made.target[:300])
        away = (np.log(made.target[rest]) - found.trees.predict(columns[rest])) / found.deviation
        low, high = found.reach(0.9)
        inside.append(((-low <= away) & (away <= high)).mean())
        errors.append(np.abs(np.expm1(away * found.deviation)).mean())
    assert np.mean(errors) < 0.05
    assert 0.8 < np.mean(inside) < 0.98


def test_the_unit_of_times_moves_the_logarithm_alone():
    made = devices(1, networks=100)
    columns = boosting.columns_of(made.transfer())
    found, moved = (boosting.boost(columns[:60], factor * made.target[:60]) for factor in (1.0, 1e6))
    np.testing.assert_allclose(moved.trees.predict(columns) - found.trees.predict(columns), np.log(1e6), atol=0.02)


def test_it_is_kept_as_a_list(tmp_path):
    made = devices(2, networks=120)
    names = [str(row.tolist()) for row in made.codes]
    table, transfer = Table("t.csv", names, made.features, None, {}, codes=made.codes), made.transfer()
    samples, path = Samples(names[:50], made.target[:50], "energy_J"), tmp_path / "a.safetensors"
    said = boosting.write(path, table, transfer, samples, np.arange(50), "phone", {}, {"table": "t"})
    assert (said["kind"], said["model"], said["networks"], said["samples"]) == ("listed", "boosting", 120, 50)
    found, columns = load(path), boosting.columns_of(transfer)
    expected = boosting.boost(columns[:50], made.target[:50])
    np.testing.assert_allclose(found.predict(names).mean, np.exp(expected.trees.predict(columns)))
    assert (found.predict(names).low <= found.predict(names).mean).all()
    assert found.about()["provenance"]["model"] == "boosting"


def test_what_cannot_be_boosted(tmp_path, monkeypatch):
    made = devices(3, networks=60)
    columns = boosting.columns_of(made.transfer())
    with pytest.raises(InputError, match="gradient boosting: 19 samples; it needs 20"):
        boosting.boost(columns[:19], made.target[:19])
    bare = prepare(np.zeros((0, 60)), [], Features())
    table = Table("t.csv", [str(n) for n in range(60)], Features(), None, {})
    with pytest.raises(InputError, match=r"t.csv: nothing describes its architectures"):
        boosting.write(
            tmp_path / "a.safetensors", table, bare, Samples([], made.target, "latency_s"), np.arange(60), "d", {}, {}
        )
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(InputError, match=r"pip install hwmodel\[boosting\]"):
        boosting.boost(columns, made.target)
