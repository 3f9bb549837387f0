"""A predictor of layers keeps each kind of block as the other kinds predict it, and networks as all blocks do."""

import numpy as np
import pytest

from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.layers.evidence import left_out, macs_of, of_blocks
from hwmodel.latency.layers.predictor import layers_predictor, write_layers
from hwmodel.latency.query.container import read_container
from tests.hwmodel.latency.layer_devices import known, learned, numbers, small, times_of

GRAPHS, FAMILIES, TIMES = known()
NAMES = [f"block {place}" for place in range(len(GRAPHS))]
NETWORKS = [canonical(small(channels)) for channels in (8, 24)]


@pytest.fixture(scope="module")
def found():
    networks = (["small", "larger"], ["made"] * 2, NETWORKS, times_of(NETWORKS))
    return of_blocks(learned(), (NAMES, FAMILIES.tolist(), GRAPHS, TIMES), networks)


def test_a_kind_is_predicted_from_the_other_kinds(found):
    model = learned()
    covariance = np.linalg.inv(model.inverse)
    residual = covariance @ model.fitted
    base = TIMES / (1 + residual)
    for family in ("conv", "linear"):
        own = np.array([name == family for name in FAMILIES])
        rows, others = np.flatnonzero(own), np.flatnonzero(~own)
        between = covariance[np.ix_(rows, others)] @ np.linalg.inv(covariance[np.ix_(others, others)])
        expected = base[rows] * (1 + between @ residual[others])
        spread = np.diag(covariance[np.ix_(rows, rows)] - between @ covariance[np.ix_(others, rows)])
        told = [found.left_out[row] for row in rows]
        np.testing.assert_allclose([one.mean for one in told], expected, rtol=1e-6)
        np.testing.assert_allclose([one.deviation for one in told], np.sqrt(spread) * base[rows] / expected, rtol=1e-6)
    assert {one.group for one in found.left_out} == set(FAMILIES.tolist())


def test_networks_are_predicted_as_anybodys(found):
    mean, deviation = learned().predict(NETWORKS)
    assert [one.name for one in found.networks] == ["small", "larger"]
    np.testing.assert_allclose([one.mean for one in found.networks], mean)
    np.testing.assert_allclose([one.deviation for one in found.networks], deviation)
    macs, line = macs_of(GRAPHS), macs_of(NETWORKS)
    columns = np.stack([np.ones(len(macs)), macs], axis=1)
    weights = np.linalg.lstsq(columns / TIMES[:, None], np.ones(len(TIMES)), rcond=None)[0]
    expected = np.maximum(weights[0] + weights[1] * line, min(TIMES.min(), times_of(NETWORKS).min()) / 10)
    np.testing.assert_allclose([one.floor for one in found.networks], expected, rtol=1e-6)


def test_without_networks_there_are_blocks():
    none = ([], [], [], np.zeros(0))
    told = of_blocks(learned(), (NAMES, FAMILIES.tolist(), GRAPHS, TIMES), none)
    assert (len(told.left_out), told.networks, told.reach) == (50, [], "left out")
    mean, _ = left_out(learned(), FAMILIES, TIMES)
    np.testing.assert_allclose([one.mean for one in told.left_out], mean)


def test_a_file_keeps_it_and_tells_nobody_else(found, tmp_path):
    path = tmp_path / "desk.safetensors"
    write_layers(path, numbers(evidence=found), learned())
    again = layers_predictor(read_container(path), str(path))
    assert again.numbers.evidence == found
    assert "evidence" not in again.about()
