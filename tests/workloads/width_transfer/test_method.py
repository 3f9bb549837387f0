"""The method from end to end, at a size that takes seconds."""

import json

import pytest

from circuits.errors import InputError
from workloads.methods.method import find_method
from workloads.recipes import build
from workloads.width_transfer import run as running
from workloads.width_transfer.method import METHOD, RunSettings, ShapesSettings
from workloads.width_transfer.shapes import profile

TINY = {
    "images": "digits", "side": None, "limit": 120, "arguments": ["depth_per_stage=2", "width=4"], "batch": 32,
    "projections": ["depth", "data", "all"], "search_epochs": 1, "epochs": 1, "optimiser": "dmcp", "budget": 0.5,
    "full_size": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def found(folder):
    return METHOD.run(RunSettings(**TINY), folder, (0, 1), 1, None)


def test_it_is_found_by_its_name():
    assert find_method("width-transfer") is METHOD


def test_a_run_compares_at_equal_macs(found):
    assert [row["variant"] for row in found.summary] == ["direct", "uniform", "depth", "data", "all"]
    assert len(found.rows) == 2 * 5
    macs = [row["macs"] for row in found.rows]
    assert max(macs) - min(macs) < 0.1 * max(macs)
    saving = {row["variant"]: row["saving"] for row in found.summary}
    assert saving["direct"] == 1.0
    assert saving["depth"] == pytest.approx(2.0, rel=0.15)  # half the blocks
    assert saving["all"] > saving["depth"] * saving["data"] * 0.8
    ceiling = next(row for row in found.summary if row["variant"] == "direct")
    assert ceiling["share_of_ceiling"] == pytest.approx(1.0)
    assert len(found.claims) == 2 + 2 * 3
    assert {(row["seed"], row["variant"]) for row in found.curves["widths"]} >= {(1, "all")}


def test_a_run_goes_on_with_what_is_there(found, folder, monkeypatch):
    (folder / "seeds" / "seeds" / "seed-1.json").unlink()
    asked = []
    real = running.search

    def counted(settings, task, kinds, seed):
        asked.append(seed)
        return real(settings, task, kinds, seed)

    monkeypatch.setattr(running, "search", counted)
    again = METHOD.run(RunSettings(**TINY, margin=2.0), folder, (0, 1), 1, None)
    assert set(asked) == {1}
    assert again.rows == found.rows
    with pytest.raises(InputError, match="holds a run with epochs"):
        METHOD.run(RunSettings(**TINY | {"epochs": 2}), folder, (0, 1), 1, None)


def test_its_widths_go_to_a_full_size_network(found, folder):
    made = METHOD.shapes(ShapesSettings(network=RunSettings().network, from_run=folder))
    assert list(made) == ["uniform", "direct", "by-depth", "by-data", "by-all"]
    assert {METHOD.axis} <= made["direct"].about.keys()
    assert made["direct"].about["search_share"] > made["by-all"].about["search_share"] > 0
    assert len(set(made["direct"].widths.values())) > 3
    module = build(made["direct"])
    assert module.get_parameter("conv1.weight").is_meta
    assert module.get_parameter("conv1.weight").shape[0] == made["direct"].widths["conv1"]


def test_without_a_run_profiles_are_drawn_at_equal_macs(channels):
    settings = ShapesSettings(network="workloads.networks.small:resnet_cifar", profiles=2)
    made = METHOD.shapes(settings)
    assert list(made) == ["uniform", "profile-0", "profile-1"]
    assert made["profile-0"].widths != made["profile-1"].widths
    assert profile(channels, 1) == profile(channels, 1) != profile(channels, 0)


def test_bad_input(tmp_path):
    with pytest.raises(InputError, match="at least 2"):
        METHOD.run(RunSettings(**TINY), tmp_path, (0,), 1, None)
    with pytest.raises(InputError, match="NAME=NUMBER"):
        running.arguments_of(RunSettings(arguments=["width"]))
    assert running.arguments_of(RunSettings(arguments=["depths=1x2", "width=.5"])) == {"depths": [1, 2], "width": 0.5}
    with pytest.raises(InputError, match="no run of width-transfer"):
        METHOD.shapes(ShapesSettings(network="workloads.networks.small:resnet_cifar", from_run=tmp_path))
    (tmp_path / "seeds" / "seeds").mkdir(parents=True)
    (tmp_path / "seeds" / "settings.json").write_text(json.dumps({"optimiser": "dmcp"}))
    with pytest.raises(InputError, match="no seed of it"):
        METHOD.shapes(ShapesSettings(network="workloads.networks.small:resnet_cifar", from_run=tmp_path))
    with pytest.raises(ValueError, match="only once"):
        RunSettings(projections=["data", "data"])
