"""The devices that come along: only what was measured with `hwmodel latency profile`, and what was fitted on it."""

import numpy as np
import pytest
import yaml

from hwmodel.latency.graph.read import read_graph
from hwmodel.latency.layers.profiled import fit_profile
from hwmodel.latency.query.predictor import DEVICES, known_devices, load

NETWORKS = ("mobilenet_v2", "squeezenet")


def test_devices_come_along():
    assert known_devices() == ["epyc-avx512-litert", "epyc-avx512-onnxruntime"]


@pytest.mark.parametrize("name", known_devices())
def test_a_device_says_how_it_was_measured(name):
    about = load(name).about()
    conditions = yaml.safe_load((DEVICES / name / "device.yaml").read_text(encoding="utf-8"))
    assert conditions["basis"] == "measured"
    assert about["conditions"]["runtime_version"] == conditions["runtime_version"]
    assert about["conditions"]["machine"]["processor"] == conditions["machine"]["processor"]
    assert about["provenance"]["blocks"] == 50
    assert about["provenance"]["basis"] == "calibrated"


@pytest.mark.parametrize("name", known_devices())
def test_a_device_is_what_its_measurements_give(name, tmp_path):
    graphs = [read_graph(network) for network in NETWORKS]
    path = tmp_path / "again.safetensors"
    fit_profile(DEVICES / name, path, name)
    shipped, again = load(name).predict(graphs), load(path).predict(graphs)
    # The search for the parameters ends within their own precision, which differs between machines.
    np.testing.assert_allclose(again.mean, shipped.mean, rtol=0.02)
    assert (shipped.low < shipped.mean).all()
    assert (shipped.mean < shipped.high).all()


def test_more_work_takes_longer():
    mean = load("epyc-avx512-litert").predict([read_graph(name) for name in ("mobilenet_v2", "resnet18", "vgg16")]).mean
    assert mean[0] < mean[1] < mean[2]
    assert 1e-3 < mean[0] < 2e-2
