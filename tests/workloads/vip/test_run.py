"""The algorithm on small images: choosing layers, rounds beside a control, verdicts, stopping and going on."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from circuits.errors import InputError
from workloads.images import Split, load_images
from workloads.methods.method import Found
from workloads.networks.small import vgg_small
from workloads.training import evaluate
from workloads.vip import pooled_layers, virtual_pool
from workloads.vip.method import METHOD
from workloads.vip.run import bound_reached, eligible, network
from workloads.vip.select import next_group, sensitivities, sizes_of_rounds
from workloads.vip.settings import RunSettings
from workloads.vip.verdict import claims

FEW = RunSettings(images="digits", limit=150, widths=[4, 6], epochs=1, finetune_epochs=0.5, batch=16, rounds=2)


def test_sensitivity_is_what_pooling_a_layer_alone_costs():
    torch.manual_seed(0)
    module = vgg_small(((4, 4), (6,)), classes=3, image=(1, 8, 8)).eval()
    split = Split(torch.randn(20, 1, 8, 8), torch.randint(3, (20,)))
    found = sensitivities(module, split, ["conv1_2", "conv2_1"])
    alone = evaluate(virtual_pool(module, ["conv2_1"], example=split.images), split).loss
    assert found["conv2_1"] == pytest.approx(alone - evaluate(module, split).loss)
    group, costs = next_group(module, split, ["conv1_1", "conv1_2", "conv2_1"], 2)
    assert group == sorted(costs, key=lambda name: costs[name])[:2]
    rest, _ = next_group(virtual_pool(module, group, example=split.images), split, list(costs), 9)
    assert {*rest, *group} == set(costs)


@pytest.mark.parametrize(
    ("layers", "share", "rounds", "sizes"),
    [(6, 0.67, 2, [2, 2]), (13, 0.92, 4, [3, 3, 3, 3]), (6, 0.1, 3, [1]), (5, 1.0, 2, [3, 2])],
)
def test_rounds_share_the_layers(layers, share, rounds, sizes):
    assert sizes_of_rounds(layers, share, rounds) == sizes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("vip")


@pytest.fixture(scope="module")
def found(folder) -> Found:
    return METHOD.run(FEW, folder, range(2), 1, None)


def test_rows_tell_each_round_and_its_control(found):
    assert [row["variant"] for row in found.rows[: len(found.rows) // 2]] == [
        "base", "round1", "control1", "round2", "control2", "untuned"]  # fmt: skip
    by = {row["variant"]: row for row in found.rows if row["seed"] == 1}
    assert by["base"]["macs"] == by["control2"]["macs"] > by["round1"]["macs"] > by["round2"]["macs"]
    assert by["untuned"]["macs"] == by["round2"]["macs"]
    assert by["untuned"]["layers"].split() == [*by["round1"]["layers"].split(), *by["round2"]["layers"].split()]
    assert by["round2"]["pooled"] == 3
    assert 0 < by["base"]["bound_reached"] <= 1
    assert len(found.curves["sensitivity"]) == 2 * (4 + 2)
    assert found.cpu_s > 0


def test_a_summary_and_four_claims(found):
    summary = {row["variant"]: row for row in found.summary}
    accuracies = [row["accuracy"] for row in found.rows if row["variant"] == "round2"]
    assert summary["round2"]["accuracy"] == pytest.approx(np.mean(accuracies))
    assert summary["round2"]["accuracy_low"] <= summary["round2"]["accuracy"] <= summary["round2"]["accuracy_high"]
    assert [claim.seeds for claim in found.claims] == [2] * 4
    assert found.claims[3].verdict == "holds"
    assert json.loads(json.dumps(found.told_claims()))


def test_the_same_call_goes_on(found, folder):
    kept = folder / "seeds" / "seed-1.json"
    kept.unlink()
    again = METHOD.run(FEW, folder, range(2), 1, None)
    assert again.rows == found.rows
    assert not list((folder / "checkpoints").iterdir())
    with pytest.raises(InputError, match="holds a run with epochs"):
        METHOD.run(FEW.model_copy(update={"epochs": 2.0}), folder, range(2), 1, None)


def drawn(pooled, control, base=0.9, untuned=0.5):
    values = {"base": [base] * 3, "round1": pooled, "control1": control, "untuned": [untuned] * 3}
    return [{"seed": seed, "variant": variant, "accuracy": values[variant][seed], "bound_reached": 0.9}
            for seed in range(3) for variant in values]  # fmt: skip


def test_verdicts_say_plainly_what_does_not_hold():
    settings = RunSettings(margin_points=1)
    verdicts = [claim.verdict for claim in claims(settings, drawn([0.9, 0.91, 0.92], [0.95, 0.96, 0.97]), 1)]
    assert verdicts == ["holds", "does not hold", "holds", "holds"]
    verdicts = [claim.verdict for claim in claims(settings, drawn([0.88, 0.9, 0.93], [0.9, 0.9, 0.9], untuned=0.95), 1)]
    assert verdicts == ["not shown", "not shown", "does not hold", "holds"]
    alone = [one for one in drawn([0.9] * 3, [0.9] * 3) if one["seed"] == 0]
    assert [claim.verdict for claim in claims(settings, alone, 1)] == ["not shown"] * 3 + ["holds"]


def test_the_bound_holds_on_real_images():
    images = load_images("digits", limit=200)
    module = network(FEW, images).eval()
    assert 0 < bound_reached(module, images) <= 1
    assert not module.conv1_1._forward_hooks
    assert eligible(FEW, images) == ["conv1_1", "conv1_2", "conv2_1", "conv2_2"]


def test_images_too_small_to_pool(tmp_path):
    np.savez(tmp_path / "small.npz", x=np.random.default_rng(0).random((60, 2, 2)), y=np.arange(60) % 2)
    with pytest.raises(InputError, match=r"no convolution with a map of 4 x 4 .* of images of 2 x 2"):
        METHOD.run(
            FEW.model_copy(update={"images": str(tmp_path / "small.npz"), "widths": [4]}), tmp_path, [0], 1, None
        )


def test_layers_of_a_pooled_network_stay_pooled_in_training():
    module = virtual_pool(vgg_small(((4,),), 2, (1, 8, 8)), example=torch.zeros(1, 1, 8, 8))
    assert pooled_layers(module.train()) == ["conv1_1"]
    assert isinstance(module.conv1_1, nn.Conv2d)
