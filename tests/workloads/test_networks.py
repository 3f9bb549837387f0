"""The five networks against their published sizes, and on the three kinds of tensor they must run on."""

import math
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from traces.errors import InputError
from workloads.networks.counting import count_layers, count_macs, count_parameters

REFERENCE = yaml.safe_load((Path(__file__).parents[1] / "reference" / "networks.yaml").read_text())
NAMES = sorted(REFERENCE)
FACTORIES = {entry.name: entry for entry in entry_points(group="hwmodel.networks")}


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def build(name, device="meta", **options):
    with torch.device(device):
        return FACTORIES[name].load()(**options)


def layer_macs(module):
    """The naive count: a hook on each convolution and linear layer multiplies its outputs by the weights of each."""
    counts = {}

    def record(layer, _, output, *, layer_name):
        counts[layer_name] = output.numel() * layer.weight[0].numel()

    for layer_name, layer in module.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(lambda *call, n=layer_name: record(*call, layer_name=n))
    with torch.device("meta"), torch.no_grad():
        module(*module.example_inputs(1))
    return counts


def test_the_five_networks_are_installed_under_the_entry_point_group():
    assert set(NAMES) <= set(FACTORIES)


def test_parameters_to_the_unit(name):
    assert count_parameters(build(name)) == REFERENCE[name]["parameters"]


def test_macs_to_the_published_digits(name):
    macs = count_macs(build(name))
    published = REFERENCE[name]["gmacs"]
    digits = len(str(published).split(".")[1])
    assert round(macs / 1e9, digits) == published
    assert macs == REFERENCE[name]["macs"]


def test_macs_equal_the_sum_over_layers(name):
    assert sum(layer_macs(build(name)).values()) == count_macs(build(name))


def test_macs_grow_with_the_batch(name):
    module = build(name)
    assert count_macs(module, batch=3) == 3 * count_macs(module)


def test_layers(name):
    published = REFERENCE[name]
    layers = count_layers(build(name))
    assert layers["conv"] == published["conv"] + published["projections"]
    assert layers["fc"] == published["fc"]
    projections = sum(path.endswith("downsample.conv") for path, _ in build(name).named_modules())
    assert projections == published["projections"]


def test_layer_counts_of_the_paper_are_copied_right():
    source = Path(__file__).parents[3] / "shared" / "reference" / "deepnvm.yaml"
    if not source.exists():
        pytest.skip("the paper's figures (../shared/reference/deepnvm.yaml) are not beside this checkout")
    workloads = yaml.safe_load(source.read_text())["workloads"]
    ours = {name: {kind: row[kind] for kind in ("conv", "fc")} for name, row in REFERENCE.items()}
    assert ours == {name: {kind: row[kind] for kind in ("conv", "fc")} for name, row in workloads.items()}


def test_example_inputs(name):
    (images,) = build(name).example_inputs(2)
    assert images.shape == (2, 3, 224, 224)
    assert images.dtype == torch.float32


@pytest.mark.parametrize("batch", [0, -1, 3.5, "4", True, None])
def test_example_inputs_refuse_a_batch_that_is_no_count(batch):
    with pytest.raises(InputError, match="whole number of at least 1") as caught:
        build("squeezenet").example_inputs(batch)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("training", [False, True])
def test_runs_on_the_meta_device(name, training):
    module = build(name).train(training)
    with torch.device("meta"):
        output = module(*module.example_inputs(3))
    assert output.shape == (3, 1000)
    assert output.device.type == "meta"


def test_runs_forward_and_backward_on_fake_tensors(name):
    with FakeTensorMode():
        module = FACTORIES[name].load()()
        output = module(*module.example_inputs(2))
        assert isinstance(output, FakeTensor)
        assert output.shape == (2, 1000)
        assert output.device.type == "cpu"
        output.sum().backward()
        assert all(parameter.grad is not None for parameter in module.parameters())


def test_runs_on_numbers(name):
    torch.manual_seed(0)
    module = build(name, device="cpu").eval()
    with torch.no_grad():
        output = module(torch.rand(2, 3, 224, 224))
    assert output.shape == (2, 1000)
    assert torch.isfinite(output).all()
    assert not torch.equal(output[0], output[1])


def test_other_numbers_of_classes(name):
    with torch.device("meta"):
        module = FACTORIES[name].load()(num_classes=10)
        assert module(*module.example_inputs(1)).shape == (1, 10)


def test_works_are_full_citations(name):
    works = build(name).works
    assert works
    for key, citation in works.items():
        assert key[-4:].isdigit()
        assert key[-4:] in citation
        assert citation.endswith(".")


@pytest.mark.parametrize(
    ("network", "layers"),
    [
        ("alexnet", ["conv1", "pool5", "fc6"]),
        (
            "googlenet",
            ["conv1.conv", "conv2_reduce.bn", "inception3a.branch2.reduce", "inception5b.branch4.project"],
        ),
        ("resnet18", ["conv1", "layer1.0.conv1", "layer2.0.downsample.conv", "layer4.1.bn2"]),
        ("squeezenet", ["conv1", "fire2.squeeze", "fire9.expand3x3", "conv10"]),
        ("vgg16", ["conv1_1", "conv5_3", "pool5", "fc8"]),
    ],
)
def test_layers_have_the_names_of_the_papers(network, layers):
    module = build(network)
    for layer in layers:
        module.get_submodule(layer)


def test_maps_have_the_sizes_of_the_papers():
    sizes = {
        "alexnet": {"conv1": 55, "pool1": 27, "pool2": 13, "pool5": 6},
        "googlenet": {"conv1": 112, "pool1": 56, "pool2": 28, "pool3": 14, "pool4": 7},
        "resnet18": {"conv1": 112, "layer1": 56, "layer2": 28, "layer3": 14, "layer4": 7},
        "squeezenet": {"conv1": 109, "pool1": 54, "pool4": 27, "pool8": 13},
        "vgg16": {"pool1": 112, "pool2": 56, "pool3": 28, "pool4": 14, "pool5": 7},
    }
    for name, layers in sizes.items():
        module, seen = build(name), {}
        for layer in layers:
            module.get_submodule(layer).register_forward_hook(
                lambda _, __, output, layer=layer, seen=seen: seen.update({layer: output.shape[-1]})
            )
        with torch.device("meta"):
            module(*module.example_inputs(1))
        assert seen == layers


def test_googlenet_with_5x5_branches_would_be_another_network():
    module = build("googlenet")
    added = sum(
        math.prod(convolution.weight.shape[:2]) * (5 * 5 - 3 * 3)
        for path, convolution in module.named_modules()
        if path.endswith("branch3.conv.conv")
    )
    assert count_parameters(module) + added == 7_005_832
