"""What a fit leaves behind to be shown: predictions made without what they are held against, and what sources count."""

import numpy as np
import pytest
from pydantic import ValidationError

from hwmodel.latency.fit import evidence
from hwmodel.latency.fit.features import Features
from hwmodel.latency.fit.samples import Samples
from hwmodel.latency.fit.transfer import prepare
from hwmodel.latency.query.evidence import MOST, Evidence, LeftOut, line, thinned
from tests.hwmodel.latency.fit.made import devices
from tests.hwmodel.latency.fit.test_project import table_of


@pytest.fixture(scope="module")
def made():
    return devices(5, networks=60, layers=4)


@pytest.fixture(scope="module")
def transfer(made):
    table = table_of(made)
    return prepare(made.sources[::2][:2], ["a", "b"], table.features, table.columns)


def test_a_sample_is_predicted_from_the_others_alone(made, transfer):
    rows = np.array([3, 7, 7, 11, 20])
    times = made.target[rows] * np.array([1, 1, 1.01, 1, 1])
    mean, deviation = evidence.left_out(transfer, transfer.fit(rows, times), times)
    for place, row in enumerate(rows):
        kept = rows != row  # another sample of the same network would tell it
        own, variance = transfer.fit(rows[kept], times[kept]).logarithm(np.array([row]))
        assert mean[place] == pytest.approx(own[0])
        assert deviation[place] == pytest.approx(variance[0] ** 0.5)
    moved = times * np.where(rows == 20, 3.0, 1.0)
    again, _ = evidence.left_out(transfer, transfer.fit(rows, moved), moved)
    assert again[4] == pytest.approx(mean[4])


def test_one_network_alone_has_nothing_to_be_predicted_from(made, transfer):
    rows = np.array([3, 3])
    mean, _ = evidence.left_out(transfer, transfer.fit(rows, made.target[rows]), made.target[rows])
    assert np.isnan(mean).all()
    samples = Samples(["x", "x"], made.target[rows], "latency_s")
    assert evidence.held(samples, np.exp(mean), mean, [None, None]) == []


def test_many_samples_lean_on_no_single_one(made, transfer, monkeypatch):
    rows = np.arange(30)
    posterior = transfer.fit(rows, made.target[:30])
    anew, _ = evidence.left_out(transfer, posterior, made.target[:30])
    monkeypatch.setattr(evidence, "MANY", 30)
    kept, _ = evidence.left_out(transfer, posterior, made.target[:30])
    assert np.median(np.abs(kept - anew)) < 0.01


def test_weights_of_sources_add_up_and_find_the_twin(made):
    sources = np.array([made.sources[0], made.sources[2], made.target])
    own = prepare(sources, ["a", "b", "c"], Features())
    posterior = own.fit(np.arange(12), made.target[:12] * 1.7)
    weights, shares = evidence.weights_of(own, posterior)
    assert weights.sum() + shares.get("none", 0.0) == pytest.approx(1)
    assert sum(shares.values()) == pytest.approx(1)
    assert weights[2] > 0.7


def test_everything_is_told_of_a_fit(made, transfer):
    table, rows = table_of(made), np.arange(8)
    samples = Samples(table.names[:8], made.target[:8], "latency_s")
    found = evidence.of_samples(table, transfer, transfer.fit(rows, samples.values), samples)
    assert [one.name for one in found.left_out] == table.names[:8]
    assert [one.measured for one in found.left_out] == made.target[:8].tolist()
    assert len(found.next) == evidence.NEXT
    assert not {one.name for one in found.next} & set(table.names[:8])
    assert found.floor == "the sources’ mean, scaled"
    assert all(one.floor is not None for one in found.left_out)
    assert found.reach == "sources"
    assert [one.family for one in found.sources] == ["a", "b"]
    assert all(-1 <= one.correlation <= 1 for one in found.sources)
    assert Evidence.model_validate(found.model_dump()) == found


def test_a_line_is_not_told_its_own_group():
    quantity = np.array([1.0, 2.0, 3.0, 4.0])
    times = 2.0 + 3.0 * quantity
    times[3] = 100.0
    found = line(quantity, times, np.arange(4))
    assert found[3] == pytest.approx(14.0)
    assert line(quantity, times, np.zeros(4)) == [None] * 4
    assert line(quantity[:2], times[:2], np.arange(2)) == [None, None]


def test_what_is_kept_is_bounded():
    assert thinned(list(range(10))) == list(range(10))
    many = thinned(list(range(5000)))
    assert (len(many), many[0], many[-1]) == (MOST, 0, 4999)
    with pytest.raises(ValidationError):
        LeftOut(name="x", measured=0.0, mean=1.0, deviation=0.1)
    with pytest.raises(ValidationError):
        Evidence(left_out=[LeftOut(name="x", measured=1.0, mean=1.0, deviation=0.1)] * (MOST + 1))
