"""Features of layers: products as the project counts them, bytes and classes by hand."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.features import CLASSES, Row, features
from hwmodel.latency.graph.from_torch import from_torch
from tests.hwmodel.latency.modules import OPERATORS, Of, graph_of, image
from traces.networks import make_network

REFERENCE = yaml.safe_load((Path(__file__).parents[2] / "reference" / "networks.yaml").read_text())
OTHERS = ("dlrm", "opt_1_3b", "opt_1_3b_prefill", "opt_1_3b_decode")  # tables summed in bags; as gpt2, but large
NAMES = [entry.name for entry in entry_points(group="hwmodel.networks") if entry.name not in OTHERS]


@pytest.mark.parametrize("name", NAMES)
def test_products_are_those_of_the_reference(name):
    graph = graph_of(name)
    assert features(graph).macs.sum() == features(canonical(graph)).macs.sum() == REFERENCE[name]["macs"]


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18", "vgg16"])
def test_weights_are_the_parameters(name):
    """Four bytes each; of a folded batch normalisation its bias alone is left."""
    table = features(canonical(graph_of(name)))
    norms = sum(part.num_features for part in make_network(name, 1)[0].modules() if isinstance(part, nn.BatchNorm2d))
    assert table.weight_bytes.sum() == 4 * (REFERENCE[name]["parameters"] - norms)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("name", OPERATORS)
def test_every_layer_has_features(name):
    module, inputs = OPERATORS[name]
    table = features(from_torch(module, inputs))
    assert list(table.columns) == list(Row.__annotations__)
    assert set(table.layer_class) <= set(CLASSES)
    assert not table.isna().any().any()
    assert (table.output_bytes > 0).all()


def row(module, *inputs):
    return features(canonical(from_torch(module, inputs))).iloc[0].to_dict()


def test_a_convolution():
    found = row(nn.Sequential(nn.Conv2d(4, 6, (3, 5), (2, 1), groups=2), nn.ReLU()), image())
    assert found == {
        "layer": "0", "kind": "conv", "layer_class": "grouped", "macs": 2 * 6 * 4 * 4 * (2 * 15),
        "input_bytes": 4 * 2 * 4 * 9 * 8, "output_bytes": 4 * 2 * 6 * 4 * 4, "weight_bytes": 4 * (6 * 2 * 15 + 6),
        "pixels": 16, "channels_in": 4, "channels_out": 6, "kernel_area": 15, "stride": 2, "groups": 2,
        "activation": "relu", "fused": True, "intensity": 5760 / (2304 + 768 + 744),
    }  # fmt: skip


def test_classes():
    assert row(nn.Conv2d(4, 8, 3, groups=4), image())["layer_class"] == "depthwise"
    assert row(nn.Conv2d(4, 8, 1), image())["layer_class"] == "conv_1x1"
    assert row(nn.Conv2d(4, 8, (1, 3)), image())["layer_class"] == "conv_kxk"
    assert row(nn.Conv2d(1, 8, 1), image(1, 1, 5, 5))["layer_class"] == "conv_1x1"


def test_a_product_and_a_sum():
    product = row(Of(torch.matmul), image(2, 3, 4, 5), image(5, 6))
    assert (product["layer_class"], product["macs"], product["weight_bytes"]) == ("matmul", 2 * 3 * 4 * 5 * 6, 0)
    assert product["input_bytes"] == 4 * (2 * 3 * 4 * 5 + 5 * 6)
    both = row(Of(lambda x, y: (x + y).relu()), image(), image())
    assert (both["layer_class"], both["macs"], both["activation"], both["fused"]) == ("elementwise", 0, "relu", True)
    alone = row(nn.ReLU(), torch.zeros(2, 3, dtype=torch.float16))
    assert (alone["fused"], alone["input_bytes"], alone["intensity"]) == (False, 12, 0)
