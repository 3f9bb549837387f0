"""Graphs of torch modules compute what the modules do, layer by layer in the naive interpreter."""

from importlib.metadata import entry_points

import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from circuits.errors import InputError
from hwmodel.latency.graph.from_torch import from_torch
from tests.hwmodel.latency.modules import OPERATORS, Of, graph_of, image, networks, warm
from tests.naive.graphs import run

FACTORIES = {entry.name: entry for entry in entry_points(group="hwmodel.networks")}
LAYERS = {  # convolutions and linear layers, gates' and projections' included
    "alexnet": 8, "efficientnet_b0": 82, "googlenet": 58, "mobilenet_v1": 28, "mobilenet_v2": 53,
    "mobilenet_v3_large": 64, "mobilenet_v3_small": 54, "resnet18": 21, "resnet50": 54, "squeezenet": 26, "vgg16": 16,
    "vit_b_16": 50, "atari_dqn": 5,
}  # fmt: skip


def compare(module, inputs, graph=None):
    expected = module.eval()(*inputs)
    expected = expected if isinstance(expected, tuple) else (expected,)
    found = run(graph or from_torch(module, inputs), list(inputs))
    assert len(found) == len([one for one in expected if one is not None])
    for ours, theirs in zip(found, expected, strict=False):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("name", OPERATORS)
@torch.no_grad()
def test_an_operator_is_what_torch_computes(name):
    module, inputs = OPERATORS[name]
    compare(warm(module), inputs)


@settings(max_examples=12)
@given(networks())
@torch.no_grad()
def test_a_drawn_network_is_what_torch_computes(module):
    compare(module, (image(),))


@pytest.mark.parametrize("name", ["googlenet", "mobilenet_v2", "mobilenet_v3_small", "resnet18", "squeezenet"])
@torch.no_grad()
def test_a_network_is_what_torch_computes(name):
    compare(warm(FACTORIES[name].load()()), (torch.rand(1, 3, 64, 64),))


@torch.no_grad()
def test_a_transformer_is_what_torch_computes():
    compare(FACTORIES["gpt2"].load()(length=5), (torch.tensor([[4, 1, 0, 50000, 7]]),))
    compare(FACTORIES["vit_b_16"].load()(image=32), (torch.rand(1, 3, 32, 32),))


@pytest.mark.parametrize("name", LAYERS)
def test_a_network_without_memory_has_its_layers_and_shapes(name):
    graph = graph_of(name)
    layers = [node for node in graph.nodes if node.kind in {"conv", "linear"}]
    assert len(layers) == LAYERS[name]
    assert not any(node.weights for node in layers)
    assert all(node.weight_shapes["weight"] for node in layers)
    assert all(graph.values()[name].shape[0] == 1 for name in graph.outputs)


def test_fake_tensors_do_as_the_meta_device_does():
    with FakeTensorMode():
        module = FACTORIES["resnet18"].load()()
        graph = from_torch(module, module.example_inputs(1))
    assert graph == graph_of("resnet18")


def test_names_are_the_modules_own_and_unique():
    graph = graph_of("resnet18")
    names = [node.name for node in graph.nodes]
    assert len(set(names)) == len(names)
    assert names[:2] == ["conv1", "bn1"]
    assert "layer4.1.conv2" in names


def test_a_module_is_left_as_it_was():
    module = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Dropout())
    module[1].eval()
    from_torch(module, (image(),))
    assert [part.training for part in module.modules()] == [True, True, False, True]
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_weights_are_shared_and_not_copied():
    module = nn.Linear(5, 4)
    (node,) = from_torch(module, (image(2, 5),)).nodes
    assert node.weights["weight"].ctypes.data == module.weight.data_ptr()


@pytest.mark.parametrize(
    ("module", "inputs", "pieces"),
    [
        (Of(torch.cumsum), (image(), 1), ["cumsum"]),
        (nn.ConvTranspose2d(4, 4, 2), (image(),), ["transposed"]),
        (nn.Conv3d(1, 1, 3), (image(1, 1, 4, 4, 4),), ["convolution"]),
        (nn.Sequential(nn.Hardtanh()), (image(),), ["aten.hardtanh", "-1", "relu6"]),
        (nn.AdaptiveAvgPool2d(4), (image(),), ["several sizes"]),
        (nn.MaxPool2d(2, dilation=2), (image(),), ["dilation"]),
        (nn.LeakyReLU(0.3), (image(),), ["0.3"]),
        (nn.ReflectionPad2d(1), (image(),), ["pad"]),
        (Of(lambda x, y: x / y), (image(), image()), ["aten.div.Tensor", "divisor"]),
        (nn.Linear(5, 4), (image(),), ["Linear", "cannot be exported"]),
        (Of(lambda x: x if x.sum() > 0 else -x), (image(),), ["cannot be exported"]),
        (Of(lambda x: 3), (image(),), ["without outputs"]),
        (nn.Linear(8, 4, dtype=torch.bfloat16), (image().bfloat16(),), ["bfloat16"]),
    ],
)
def test_what_is_no_layer_is_said_in_one_line(module, inputs, pieces):
    with pytest.raises(InputError) as raised:
        from_torch(module, inputs)
    assert "\n" not in str(raised.value)
    for piece in pieces:
        assert piece in str(raised.value)
