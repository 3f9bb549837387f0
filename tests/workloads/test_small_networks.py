"""Networks for small images, and the large ones at other widths, depths and sides."""

import pytest
import torch
from torch import nn

from traces.errors import InputError
from workloads.networks.counting import count_layers, count_macs, count_parameters
from workloads.networks.mobilenet import INVERTED, mobilenet_v2
from workloads.networks.resnet import resnet18, resnet50
from workloads.networks.small import mobile_small, resnet20, resnet56, resnet_cifar, vgg_small
from workloads.networks.vgg import vgg16

SMALL = (
    resnet_cifar(2, 3, 4, (1, 8, 8)),
    resnet_cifar((1, 2, 1), 3, 4, (1, 9, 7)),
    vgg_small(((3,), (5, 4)), 4, (2, 8, 8)),
    mobile_small(0.5, None, 4, (1, 8, 8)),
)


def meta(factory, *values, **named):
    with torch.device("meta"):
        return factory(*values, **named)


@pytest.mark.parametrize("module", SMALL, ids=["resnet", "deeper", "vgg", "mobile"])
def test_they_run_and_have_gradients(module):
    (images,) = module.example_inputs(3)
    scores = module.train()(torch.rand_like(images))
    assert scores.shape == (3, 4)
    scores.square().sum().backward()
    assert all(torch.isfinite(value.grad).all() for value in module.parameters())
    assert count_macs(module, 2) == 2 * count_macs(module)


def weights(inputs, outputs, size=3):
    return inputs * outputs * size**2 + 2 * outputs


@pytest.mark.parametrize("depth", [1, 3, 9])
def test_a_residual_network_has_6n_plus_2_layers(depth):
    module = meta(resnet_cifar, depth)
    layers = count_layers(module)
    assert layers["conv"] + layers["fc"] == 6 * depth + 2 + 2  # and the projections
    first = weights(3, 16) + weights(16, 32, 1) + weights(32, 64, 1) + 64 * 10 + 10
    inner = weights(16, 32) + weights(32, 64) - weights(32, 32) - weights(64, 64)
    stages = sum(2 * depth * weights(width, width) for width in (16, 32, 64))
    assert count_parameters(module) == first + inner + stages


def test_the_two_of_the_paper():
    # He et al. 2016, table 6: 0.27 and 0.85 million parameters, without projections
    for factory, published in ((resnet20, 0.27e6), (resnet56, 0.85e6)):
        projections = weights(16, 32, 1) + weights(32, 64, 1)
        assert count_parameters(meta(factory)) - projections == pytest.approx(published, abs=0.005e6)
    assert meta(resnet20, 100).fc.out_features == 100


def test_layers_are_found_by_stage_and_block():
    module = meta(resnet_cifar, (1, 2, 3), 8)
    assert module.get_submodule("layer3.2.conv2").out_channels == 32
    assert module.get_submodule("layer2.0.downsample.conv").in_channels == 8
    assert len(module.get_submodule("layer2")) == 2
    assert meta(mobile_small).get_submodule("layer3.1.branch.depthwise.conv").groups == 64
    assert meta(vgg_small).get_submodule("conv2_2").out_channels == 32


def test_a_multiplier_multiplies_every_channel():
    for factory in (resnet18, resnet50, vgg16):
        narrow, wide = meta(factory, width=0.5), meta(factory)
        for (name, half), whole in zip(narrow.named_modules(), wide.modules(), strict=True):
            if isinstance(half, nn.Conv2d):
                assert half.out_channels * 2 == whole.out_channels, name
                assert half.in_channels * 2 == whole.in_channels or whole.in_channels == 3, name
        assert narrow(torch.empty(1, 3, 224, 224, device="meta")).shape == (1, 1000)


def test_mobilenet_v2_at_the_published_multipliers_and_sides():
    # Millions of MACs, cut off, and of parameters, of which theirs are 1 % fewer:
    # tensorflow.org/versions/r2.4/api_docs/python/tf/keras/applications/mobilenet_v2
    published = {(1.4, 224): 582, (1.3, 224): 509, (1.0, 192): 221, (1.0, 160): 154, (1.0, 96): 56, (0.75, 224): 209}
    for (width, image), macs in published.items():
        assert int(count_macs(meta(mobilenet_v2, width=width, image=image).eval()) / 1e6) == macs
    for width, parameters in {1.4: 6.06e6, 1.0: 3.47e6, 0.75: 2.61e6}.items():
        assert count_parameters(meta(mobilenet_v2, width=width)) == pytest.approx(parameters, rel=0.011)


def test_depths_are_the_blocks_of_each_stage():
    assert [len(meta(resnet18, depths=(1, 1, 2, 3)).get_submodule(f"layer{n}")) for n in (1, 2, 3, 4)] == [1, 1, 2, 3]
    deeper = meta(resnet18, depths=(3, 4, 6, 3))
    assert count_parameters(deeper) == 21_797_672  # ResNet-34: torchvision's metadata, num_params
    shallow = meta(mobilenet_v2, depths=[1] * len(INVERTED))
    assert {name.split(".")[0] for name, _ in shallow.named_modules() if name.startswith("block")} == {
        f"block{stage}_1" for stage in range(1, 8)
    }


@pytest.mark.parametrize("factory", [resnet18, resnet50, mobilenet_v2, vgg16])
def test_a_side_is_that_of_the_example(factory):
    module = meta(factory, 10, image=64)
    assert module.example_inputs(2)[0].shape == (2, 3, 64, 64)
    assert count_macs(module.eval()) < count_macs(meta(factory, 10).eval()) / 8


@pytest.mark.parametrize(
    ("factory", "options"),
    [
        (resnet18, {"width": 0}), (resnet18, {"width": "2"}), (resnet50, {"depths": (1, 2)}),
        (resnet18, {"depths": (0, 1, 1, 1)}), (resnet18, {"depths": "1111"}), (vgg16, {"image": 16}),
        (mobilenet_v2, {"image": 0}), (mobilenet_v2, {"depths": 2}), (resnet_cifar, {"depth_per_stage": (1, 1)}),
        (resnet_cifar, {"width": 0}), (resnet_cifar, {"classes": 2.5}), (vgg_small, {"widths": ()}),
        (vgg_small, {"image": (3, 2, 2)}), (vgg_small, {"widths": ((0,),)}), (mobile_small, {"depths": (1,)}),
        (mobile_small, {"width": -1}),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_refused_in_a_line(factory, options):
    with pytest.raises(InputError, match="give ") as caught:
        meta(factory, **options)
    assert "\n" not in str(caught.value)
