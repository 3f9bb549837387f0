"""A predictor of layers keeps each block as the blocks of other folds predict it, and networks as all blocks do."""

import numpy as np
import pytest

from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.layers.evidence import macs_of, of_blocks
from hwmodel.latency.layers.model import crossed
from hwmodel.latency.layers.predictor import layers_predictor, write_layers
from hwmodel.latency.query.container import read_container
from tests.hwmodel.latency.layer_devices import known, learned, numbers, small, times_of

GRAPHS, FAMILIES, TIMES = known()
NAMES = [f"block {place}" for place in range(len(GRAPHS))]
NETWORKS = [canonical(small(channels)) for channels in (8, 24)]


def told():
    return crossed(learned(), GRAPHS, TIMES)


@pytest.fixture(scope="module")
def found():
    networks = (["small", "larger"], ["made"] * 2, NETWORKS, times_of(NETWORKS))
    return of_blocks(learned(), told(), (NAMES, FAMILIES.tolist(), GRAPHS, TIMES), networks)


def test_a_block_is_predicted_from_the_blocks_of_other_folds(found):
    mean, deviation = told()
    np.testing.assert_allclose([one.mean for one in found.left_out], mean)
    np.testing.assert_allclose([one.deviation for one in found.left_out], deviation)
    assert [one.group for one in found.left_out] == FAMILIES.tolist()
    doubled = TIMES.copy()
    doubled[3] *= 2
    again, _ = crossed(learned(), GRAPHS, doubled)
    assert again[3] == pytest.approx(mean[3], rel=1e-9)
    assert again[4] != pytest.approx(mean[4], rel=1e-9)


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
    alone = of_blocks(learned(), told(), (NAMES, FAMILIES.tolist(), GRAPHS, TIMES), none)
    assert (len(alone.left_out), alone.networks, alone.reach) == (50, [], "left out")


def test_a_file_keeps_it_and_tells_nobody_else(found, tmp_path):
    path = tmp_path / "desk.safetensors"
    write_layers(path, numbers(evidence=found), learned())
    again = layers_predictor(read_container(path), str(path))
    assert again.numbers.evidence == found
    assert "evidence" not in again.about()
