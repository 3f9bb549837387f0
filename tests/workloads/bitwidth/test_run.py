"""The method end to end on few images: resumed, on a user's module, and its claims."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import traces.errors
from circuits.errors import InputError
from workloads.bitwidth.claims import claims_of, summary_of
from workloads.bitwidth.method import METHOD, RunSettings
from workloads.bitwidth.networks import base_of
from workloads.bitwidth.quantise import weighted
from workloads.methods.method import find_method

TINY = RunSettings(images="digits", side=8, limit=240, network="users_of_bits:mine", beside=None, bits=[2, 4, 8],
                   epochs=0.5, batch=32)  # fmt: skip


USERS = """
import torch
from torch import nn

def mine():
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(128, 10))

def bare():
    return nn.Sequential(nn.Flatten(), nn.ReLU(), Fixed())

class Fixed(nn.Module):
    def forward(self, x):
        return x[:, :10]

def grouped():
    return nn.Sequential(nn.Conv2d(1, 8, 1), nn.Conv2d(8, 8, 3, groups=2), nn.Flatten(), nn.Linear(288, 10))

def few():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 3))

def asking(something):
    return None

def other():
    return 3

def thin():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 10))
"""


@pytest.fixture(autouse=True)
def _users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "users_of_bits.py").write_text(USERS)
    monkeypatch.chdir(tmp_path)


def test_the_method_is_known_by_name() -> None:
    assert find_method("bitwidth") is METHOD


def test_a_run_goes_on_where_it_was_and_ends_alike(tmp_path: Path) -> None:
    first = METHOD.run(TINY, tmp_path / "a", [3], 1, None)
    told: list[float] = []
    both = METHOD.run(TINY, tmp_path / "a", [3, 4], 1, told.append)
    assert both.rows[: len(first.rows)] == first.rows
    assert told[-1] == 1.0
    (tmp_path / "a" / "seeds" / "seed-4.json").unlink()
    again = METHOD.run(TINY, tmp_path / "a", [3, 4], 1, None)
    assert again.rows == both.rows
    assert [row["variant"] for row in first.rows] == ["2 bits", "4 bits", "8 bits", "mixed, no loss",
                                                      "mixed, least loss"]  # fmt: skip
    target = next(row["size_bytes"] for row in first.rows if row["bits"] == TINY.at)
    for row in both.rows:
        assert 0 <= target - row["size_bytes"] <= 0.1 * target  # a channel of so few weighs much
        assert row["size_bytes"] == row["weight_bytes"] + row["scale_bytes"]
    assert [row["width"] for row in first.rows[:3]] == sorted((row["width"] for row in first.rows[:3]), reverse=True)
    assert {line["variant"] for line in both.summary} == {row["variant"] for row in both.rows}
    assert len(both.claims) == 5
    assert both.cpu_s > 0
    assert not first.claims  # one seed shows nothing
    json.dumps(both.rows)
    with pytest.raises(InputError, match="holds a run with"):
        METHOD.run(TINY.model_copy(update={"at": 3}), tmp_path / "a", [3], 1, None)


def test_fresh_weights_are_those_of_a_seed_and_keep_their_spread() -> None:
    base = base_of("mobile_small", (1, 8, 8), 10, 4, 8, "scales")
    widths = base.channels.widths(2.0)
    one, same, other = (base.fresh(widths, seed) for seed in (0, 0, 1))
    assert all(torch.equal(*pair) for pair in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(next(iter(one.parameters())), next(iter(other.parameters())))
    before, after = weighted(base.module)["conv2.conv"], weighted(one)["conv2.conv"]
    assert after.weight.shape[:2] == (2 * before.weight.shape[0], 2 * before.weight.shape[1])  # type: ignore[index, operator]
    assert float(after.weight.detach().std()) == pytest.approx(float(before.weight.detach().std()) / 2**0.5, rel=0.1)  # type: ignore[operator]
    assert (one.get_buffer("conv2.bn.running_var") == 1).all()
    assert (one.get_parameter("conv2.bn.weight") == 1).all()


def rows_of(accuracies: dict[str, list[float]]) -> list[dict[str, Any]]:
    drawn = np.random.default_rng(0)
    figures = dict.fromkeys(("loss", "mean_bits", "width", "size_bytes", "other_bytes", "macs"), 1.0)
    return [
        {"seed": seed, "variant": variant, "accuracy": value, "validation_accuracy": value + drawn.normal() / 1e6}
        | figures
        for variant, values in accuracies.items() for seed, value in enumerate(values)
    ]  # fmt: skip


def test_claims_are_judged_by_paired_differences() -> None:
    rows = rows_of({
        "1 bit": [0.5, 0.6, 0.4, 0.5], "2 bits": [0.70, 0.80, 0.60, 0.90], "4 bits": [0.72, 0.81, 0.63, 0.92],
        "8 bits": [0.60, 0.71, 0.52, 0.83], "mixed, no loss": [0.73, 0.83, 0.64, 0.94],
        "mixed, least loss": [0.7, 0.9, 0.5, 0.92], "beside, 2 bits": [0.6] * 4, "beside, 4 bits": [0.5] * 4,
        "beside, 8 bits": [0.7] * 4,
    })  # fmt: skip
    asked = RunSettings(bits=[1, 2, 4, 8], beside="beside", beside_bits=[2, 4, 8])
    claims = claims_of(rows, asked)
    assert [claim.verdict for claim in claims] == [
        "holds", "holds", "holds", "does not hold", "not shown", "does not hold", "does not hold", "does not hold",
        "holds",
    ]  # fmt: skip
    assert claims[0].estimate == pytest.approx(100 * np.mean([0.12, 0.10, 0.11, 0.09]))
    assert claims[-1].estimate == pytest.approx(100 * (np.mean([0.1, 0.09, 0.08, 0.07]) + 0.1))
    assert all(claim.unit == "percentage points" and claim.seeds == 4 for claim in claims)
    line = next(line for line in summary_of(rows) if line["variant"] == "4 bits")
    assert line["accuracy"] == pytest.approx(0.77)
    assert 0.63 <= line["accuracy_low"] < 0.77 < line["accuracy_high"] <= 0.92


def test_networks_that_cannot_be_used_are_refused_before_any_work(tmp_path: Path) -> None:
    asked = TINY.model_copy(update={"bits": [1, 4], "mixed": False})
    for changed, told in (
        ({"network": "users_of_bits:bare"}, "no layer's channels can be fewer"),
        ({"network": "users_of_bits:grouped"}, "a convolution in 2 groups"),
        ({"network": "users_of_bits:few"}, "gives \\(2, 3\\) for 2 images; it must give \\(2, 10\\) scores"),
        ({"network": "users_of_bits:thin", "at": 1, "ends": None}, "cannot shrink further"),
        ({"network": "users_of_bits:mine", "side": 3}, "takes no images of"),
        ({"network": "users_of_bits:asking"}, "raised TypeError"),
        ({"network": "users_of_bits:other"}, "returned a int, no torch module"),
        ({"network": "vgg17"}, "unknown"),
        ({"beside": "users_of_bits:mine"}, "another network than the first"),
    ):
        with pytest.raises((InputError, traces.errors.InputError), match=told):
            METHOD.run(asked.model_copy(update=changed), tmp_path / "none", [0], 1, None)
    assert not (tmp_path / "none").exists()
