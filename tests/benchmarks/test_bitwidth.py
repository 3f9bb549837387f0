"""The costs of networks of one size: weights' traffic apart, and the tables."""

import pytest

from benchmarks.methods import bitwidth
from workloads.recipes import Recipe


def test_weights_are_told_apart_and_fetched_once_where_the_cache_holds_them(capsys: pytest.CaptureFixture[str]) -> None:
    plain = Recipe(network="workloads.networks.small:resnet_cifar", about={"bits": 8, "width": 1.0}, weight_bits=8)
    few = plain.model_copy(update={"weight_bits": 2, "about": {"bits": 2, "width": 1.0}})
    found = [bitwidth.traffic(one, 1, "epilogue", 3 << 20) for one in (plain, few)]
    parameters = 77_360  # weights of convolutions and of the last layer
    for bits, row in zip((8, 2), found, strict=True):
        assert parameters * bits / 8 <= 32 * row["dram_weight_reads"] < 1.05 * parameters * bits / 8 + 13 * 128
        assert row["dram_weight_reads"] <= row["l2_weight_reads"] < row["l2_reads"]
    assert found[1]["l2_weight_reads"] < 0.3 * found[0]["l2_weight_reads"]
    assert found[0]["l2_writes"] == found[1]["l2_writes"]  # activations do not know of bits
    energies = {f"{cell}_energy_J": 1e-3 for cell in bitwidth.CELLS}
    key = {"network": "small", "batch": 1, "fusion": "none"}
    bitwidth.show_traffic([key | one.about | row | energies for one, row in zip((plain, few), found, strict=True)])
    assert capsys.readouterr().out.count("(1.00)") == 6
