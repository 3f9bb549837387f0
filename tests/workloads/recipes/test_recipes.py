"""Networks as data: files of recipes, the modules they make, and the names they go by."""

from pathlib import Path

import pytest

from circuits.errors import InputError
from hwmodel.studies.points import network_inputs
from traces import capture_network
from traces.networks import find_network, make_network
from workloads.networks.counting import count_macs
from workloads.recipes import Recipe, build, read_recipes, write_recipes

HALF = Recipe(network="resnet18", input=[3, 64, 64], widths={"conv1": 32, "layer1.0.conv1": 16}, about={"share": 0.5})


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "nets.yaml"
    recipes = {"half": HALF, "four": Recipe(network="vgg16", weight_bits={"conv1_1": 4})}
    write_recipes(path, recipes)
    assert read_recipes(path) == recipes
    assert [one.name for one in tmp_path.iterdir()] == ["nets.yaml"]


def test_a_recipe_is_a_network_by_name(tmp_path: Path) -> None:
    path = tmp_path / "nets.yaml"
    write_recipes(path, {"half": HALF})
    name = f"{path}:half"
    module, inputs = make_network(name, 2)
    assert inputs[0].shape == (2, 3, 64, 64)
    assert module.conv1.weight.shape[0] == 32
    assert capture_network(name, 1, "inference").header.macs == count_macs(module)
    assert network_inputs(name) == network_inputs(f"{tmp_path / 'nets.yaml'}:half")
    write_recipes(path, {"half": HALF.model_copy(update={"about": {}}), "other": HALF})
    assert network_inputs(name)["widths"] == HALF.widths  # what is said about it, and its neighbours, change nothing


def test_a_users_module_can_be_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_of_recipes.py").write_text(
        "from torch import nn\n\ndef net():\n    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), "
        "nn.Linear(8 * 36, 2))\n"
    )
    monkeypatch.chdir(tmp_path)
    module = build(Recipe(network="mine_of_recipes:net", input=[1, 8, 8], widths={"0": 3}))
    assert module.get_parameter("3.weight").shape == (2, 3 * 36)
    assert count_macs(module) == 3 * 36 * 9 + 2 * 3 * 36


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\n", "must hold `networks`"),
        ("networks: {}\n", "must hold `networks`"),
        ("networks: {a: {network: vgg16, width: 2}}\n", "width"),
        ("networks: {a: {network: vgg16, weight_bits: 9}}\n", "weight_bits"),
        ("networks: {a: {network: vgg16, widths: {conv1_1: 0}}}\n", "widths.conv1_1 0"),
        ("networks: {a: {network: vgg16, input: []}}\n", "input"),
        ("networks: {a: 3}\n", "networks.a"),
        ("networks: [\n", "nets.yaml"),
    ],
)
def test_a_file_of_something_else_is_refused_by_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "nets.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=told) as caught:
        find_network(f"{path}:a")
    assert "\n" not in str(caught.value)


def test_a_name_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "nets.yaml"
    with pytest.raises(InputError, match="No such file"):
        find_network(f"{path}:a")
    write_recipes(path, {"half": HALF})
    with pytest.raises(InputError, match="network 'whole': unknown; known are half"):
        find_network(f"{path}:whole")
    with pytest.raises(InputError, match="weight_bits: 'no'"):
        build(Recipe(network="vgg16", weight_bits={"no": 3}))
