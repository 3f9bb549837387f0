"""Full-size networks as recipes: VGG-16's published rounds, others, and what cannot be pooled."""

import pytest

from circuits.errors import InputError
from workloads.networks.counting import count_macs, count_parameters
from workloads.recipes import build
from workloads.vip import pooled_layers
from workloads.vip.method import METHOD
from workloads.vip.rounds import published, shapes
from workloads.vip.settings import ShapesSettings

FULLY_CONNECTED = 25088 * 4096 + 4096 * 4096 + 4096 * 1000


def test_the_published_rounds_of_vgg16():
    recipes = shapes(ShapesSettings(interpolation="fused"))
    assert list(recipes) == ["base", "round1-fused", "round2-fused", "round3-fused", "round4-fused"]
    modules = {name: build(recipe) for name, recipe in recipes.items()}
    macs = [count_macs(one) - FULLY_CONNECTED for one in modules.values()]
    assert [round(macs[0] / one, 2) for one in macs] == [1.0, 1.69, 2.3, 2.32, 3.39]
    assert {count_parameters(one) for one in modules.values()} == {138_357_544}
    rounds = [pooled_layers(one) for one in modules.values()][1:]
    assert [len(one) for one in rounds] == [6, 9, 10, 12]
    assert all(set(rounds[0]) <= set(one) and "conv2_1" not in one for one in rounds)
    assert published()["published"]["speedup"]["value"] == 2.1


def test_kernels_and_fused_side_by_side():
    recipes = shapes(ShapesSettings())
    assert [name for name, one in recipes.items() if one.fused] == [f"round{n}-fused" for n in range(1, 5)]
    assert recipes["round4"].about == {"round": 4, "pooled": 12, "fused": False}
    assert METHOD.axis in recipes["base"].about


def test_other_networks_and_named_layers():
    recipes = shapes(ShapesSettings(network="resnet18", interpolation="kernel"))
    assert list(recipes) == ["base", "round1"]
    assert len(recipes["round1"].virtual_pooling) == 20
    named = shapes(ShapesSettings(network="alexnet", layers=["conv1", "conv2"], interpolation="kernel"))
    assert pooled_layers(build(named["round1"])) == ["conv1", "conv2"]


def test_bad_input():
    with pytest.raises(InputError, match="bert_base: nothing to pool"):
        shapes(ShapesSettings(network="bert_base"))
    with pytest.raises(InputError, match="layer 'fc6': a Linear"):
        build(shapes(ShapesSettings(layers=["fc6"]))["round1"])
