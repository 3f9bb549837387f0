"""The networks against their published sizes, and on the three kinds of tensor they must run on."""

import math
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._pytree import tree_leaves

from traces.errors import InputError
from traces.recording import record
from workloads.networks.counting import count_layers, count_macs, count_parameters
from workloads.networks.transformer import Attention

REFERENCE = yaml.safe_load((Path(__file__).parents[1] / "reference" / "networks.yaml").read_text())
NAMES = sorted(REFERENCE)
DEEPNVM = ("alexnet", "googlenet", "resnet18", "squeezenet", "vgg16")
DECODING = ("gpt2_decode", "opt_1_3b_decode")
FACTORIES = {entry.name: entry for entry in entry_points(group="hwmodel.networks")}
# Sizes at which a network runs on a processor in moments; OPT's would not, and shares GPT-2's code (see test_gpt).
SMALL = {
    "bert_base": {"length": 8}, "dlrm": {"rows": (50, 20, 7), "lookups": 3}, "gpt2": {"length": 8},
    "gpt2_prefill": {"length": 8}, "gpt2_decode": {"past": 7}, "vit_b_16": {"image": 32},
}  # fmt: skip
ON_NUMBERS = [name for name in NAMES if not name.startswith("opt")]


def having(*keys):
    return pytest.mark.parametrize("name", [name for name in NAMES if set(keys) <= set(REFERENCE[name])])


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def build(name, device="meta", **options):
    with torch.device(device):
        return FACTORIES[name].load()(**options)


@cache
def macs(name):
    """Multiply-accumulates of an inference of one sample."""
    return count_macs(build(name).eval())


def scores(output):
    return [one for one in tree_leaves(output) if isinstance(one, torch.Tensor)]


def numbers(inputs):
    """Random values in place of the example's zeros: indices stay below the shortest table's length."""
    highest = {torch.uint8: 255, torch.int64: 2}
    return [
        torch.rand(one.shape) if one.is_floating_point() else torch.randint_like(one, highest[one.dtype])
        for one in inputs
    ]


def layer_macs(module):
    """The naive count: a hook on each layer multiplies its outputs by the weights of each, or the tokens it sees."""
    counts = {}

    def record(layer, inputs, output, *, layer_name):
        if isinstance(layer, Attention):
            past = inputs[2] if len(inputs) > 2 else 0
            counts[layer_name] = 2 * output.numel() * (past + output.shape[1])
        else:
            counts[layer_name] = output.numel() * layer.weight[0].numel()

    for layer_name, layer in module.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear, Attention)):
            layer.register_forward_hook(lambda *call, n=layer_name: record(*call, layer_name=n))
    with torch.device("meta"), torch.no_grad():
        output = module.eval()(*module.example_inputs(1))
    if hasattr(module, "words") and not hasattr(module, "pooler"):  # scores by the table of words
        counts["scores"] = output.numel() * module.words.weight.shape[1]
    if hasattr(module, "tables"):  # products of all pairs of features
        counts["pairs"] = (len(module.tables) + 1) ** 2 * module.tables[0].weight.shape[1]
    return counts


def test_all_networks_are_installed_under_the_entry_point_group():
    assert set(NAMES) == set(FACTORIES)


def test_parameters_to_the_unit(name):
    row = REFERENCE[name]
    assert count_parameters(build(name)) == row.get("parameters", row.get("own_parameters"))


@having("gmacs")
def test_macs_to_the_published_digits(name):
    published = REFERENCE[name]["gmacs"]
    digits = len(str(published).split(".")[1])
    assert round(macs(name) / 1e9, digits) == published


@having("near_gmacs")
def test_macs_near_the_published_figure(name):
    assert macs(name) / 1e9 == pytest.approx(REFERENCE[name]["near_gmacs"], rel=0.01)


def test_macs_to_the_unit(name):
    assert macs(name) == REFERENCE[name]["macs"]


def test_macs_equal_the_sum_over_layers(name):
    assert sum(layer_macs(build(name)).values()) == macs(name)


def test_macs_grow_with_the_batch(name):
    assert count_macs(build(name).eval(), batch=3) == 3 * macs(name)


@having("conv")
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
    ours = {name: {kind: REFERENCE[name][kind] for kind in ("conv", "fc")} for name in DEEPNVM}
    assert ours == {name: {kind: row[kind] for kind in ("conv", "fc")} for name, row in workloads.items()}


@having("conv")
def test_example_inputs(name):
    (images,) = build(name).example_inputs(2)
    assert images.shape == (2, 3, 224, 224)
    assert images.dtype == torch.float32


@pytest.mark.parametrize("network", ["squeezenet", "bert_base", "gpt2", "dlrm", "atari_dqn"])
@pytest.mark.parametrize("batch", [0, -1, 3.5, "4", True, None])
def test_example_inputs_refuse_a_batch_that_is_no_count(network, batch):
    with pytest.raises(InputError, match="whole number of at least 1") as caught:
        build(network).example_inputs(batch)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("training", [False, True])
def test_runs_on_the_meta_device(name, training):
    if training and name in DECODING:
        pytest.skip("decoding has no training")
    module = build(name).train(training)
    with torch.device("meta"):
        outputs = scores(module(*module.example_inputs(3)))
    assert outputs[0].shape[0] % 3 == 0
    assert {output.device.type for output in outputs} == {"meta"}


@having("gmacs")
def test_classes_of_images(name):
    module = build(name)
    with torch.device("meta"):
        assert module(*module.example_inputs(3)).shape == (3, 1000)
        module = FACTORIES[name].load()(num_classes=10)
        assert module(*module.example_inputs(1)).shape == (1, 10)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DECODING])
def test_runs_forward_and_backward_on_fake_tensors(name):
    with FakeTensorMode():
        module = FACTORIES[name].load()()
        outputs = scores(module(*module.example_inputs(2)))
        assert all(isinstance(output, FakeTensor) for output in outputs)
        assert {output.device.type for output in outputs} == {"cpu"}
        sum(output.sum() for output in outputs).backward()
        assert all(parameter.grad is not None for parameter in module.parameters())


@pytest.mark.parametrize("name", ON_NUMBERS)
def test_runs_on_numbers(name):
    torch.manual_seed(0)
    module = build(name, "cpu", **SMALL.get(name, {})).eval()
    with torch.no_grad():
        outputs = scores(module(*numbers(module.example_inputs(2))))
    assert all(torch.isfinite(output).all() for output in outputs)
    assert not any(torch.equal(*output.chunk(2)) for output in outputs)


@pytest.mark.parametrize("name", [name for name in ON_NUMBERS if name not in (*DEEPNVM, *DECODING)])
def test_gradients_are_numbers(name):
    torch.manual_seed(0)
    module = build(name, "cpu", **SMALL.get(name, {}))
    inputs = numbers(module.example_inputs(2))
    if inputs[0].shape[-1] == 224:
        inputs = [image[..., :64, :64] for image in inputs]
    sum(output.square().mean() for output in scores(module(*inputs))).backward()
    gradients = [parameter.grad for parameter in module.parameters()]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert any(gradient.any() for gradient in gradients)


def test_is_recorded_as_it_counts(name):
    phase = "inference" if name in DECODING else "training"
    module = build(name)
    recording = record(module, module.example_inputs(1), phase)
    assert recording.macs == macs(name)
    if phase == "training":
        gradients = {tensor.name for tensor in recording.tensors if tensor.name.endswith(".grad")}
        assert gradients == {f"{path}.grad" for path, _ in module.named_parameters()}


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
        ("efficientnet_b0", ["conv1.conv", "block3_1.branch.gate.reduce", "block8_1.branch.project.bn"]),
        ("mobilenet_v1", ["conv2.depthwise.conv", "conv14.pointwise.bn"]),
        ("mobilenet_v2", ["block1_1.branch.depthwise.conv", "block7_1.branch.expand.act"]),
        ("mobilenet_v3_large", ["bneck4.branch.gate.expand", "bneck15.branch.project.conv", "fc2"]),
        ("resnet50", ["layer1.0.downsample.conv", "layer3.5.conv3", "layer4.2.bn3"]),
        ("vit_b_16", ["patches.project", "layers.11.attention.projections.qkv", "layers.0.mlp.fc2"]),
        ("bert_base", ["words", "layers.11.attention.projections.value", "layers.0.norm2", "pooler"]),
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
        "efficientnet_b0": {"conv1": 112, "block3_2": 56, "block4_1": 28, "block6_3": 14, "block7_1": 7, "conv9": 7},
        "mobilenet_v1": {"conv1": 112, "conv3": 56, "conv5": 28, "conv7": 14, "conv13": 7, "conv14": 7},
        "mobilenet_v2": {"conv1": 112, "block2_1": 56, "block3_1": 28, "block5_3": 14, "block7_1": 7},
        "mobilenet_v3_large": {"bneck1": 112, "bneck2": 56, "bneck4": 28, "bneck7": 14, "bneck13": 7},
        "mobilenet_v3_small": {"conv1": 112, "bneck1": 56, "bneck2": 28, "bneck4": 14, "bneck9": 7},
        "resnet50": {"conv1": 112, "layer1": 56, "layer2": 28, "layer3": 14, "layer4": 7},
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
