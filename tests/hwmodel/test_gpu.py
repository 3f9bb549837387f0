from pathlib import Path

import pandas as pd
import pytest

import hwmodel.studies
from circuits.errors import InputError
from circuits.yaml_file import read_yaml
from hwmodel.gpu.accounting import account
from hwmodel.gpu.dram import Dram, known, load_dram

CACHE = {
    "read_latency_s": 2e-9,
    "write_latency_s": 5e-9,
    "read_energy_J": 3e-10,
    "write_energy_J": 7e-10,
    "leakage_W": 0.5,
}


def dram(**changes: float) -> Dram:
    figures = {
        "clock_period_s": 1e-9,
        "activate_read_cycles": 10,
        "activate_write_cycles": 8,
        "read_cycles": 20,
        "write_cycles": 5,
        "burst_cycles": 2,
        "energy_J_per_bit": 1e-11,
    }
    return Dram("test", **(figures | changes))


def test_every_dram_that_comes_along_loads_and_cites() -> None:
    assert known()
    for name in known():
        one = load_dram(name)
        assert one.name == name
        assert one.works
        assert 0 < one.write_latency_s < 1e-6
        assert 0 < one.read_latency_s < 1e-6


def test_gddr5x_is_slower_closed_than_its_column_access_alone() -> None:
    one = load_dram("gddr5x")
    assert one.read_latency_s == pytest.approx((24 + 24 + 2) * 0.666e-9)
    assert one.energy_J(32) == pytest.approx(32 * 8 * 9.5e-12)


def test_the_energy_of_gddr5x_follows_from_its_sources() -> None:
    gddr5 = 1 / (10.66e9 * 8)  # joules a bit: 10.66 GB/s a watt at 1.5 V (AMD, 2015)
    assert load_dram("gddr5x").energy_J_per_bit == pytest.approx(gddr5 * (1.35 / 1.5) ** 2, rel=0.005)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: x\n", "missing"),
        ("nonsense: 1\n", "unknown nonsense"),
    ],
)
def test_refuses_a_file_with_missing_or_unknown_figures(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        load_dram(str(path))


@pytest.mark.parametrize("value", ["-1.0", "0", ".nan", ".inf", "text", "true", "[1]"])
def test_refuses_figures_that_are_no_positive_numbers(tmp_path: Path, value: str) -> None:
    path = tmp_path / "x.yaml"
    good = Path("hwmodel/gpu/dram/gddr5x.yaml")
    text = (Path(__file__).parents[2] / good).read_text()
    path.write_text(text.replace("clock_period_s: 0.666e-9", f"clock_period_s: {value}"))
    with pytest.raises(InputError, match=r"clock_period_s: .* is not a positive number"):
        load_dram(str(path))


def test_refuses_an_unknown_dram() -> None:
    with pytest.raises(InputError, match=r"dram 'ddr9': unknown; known are .*gddr5x"):
        load_dram("ddr9")


def test_accounting_by_hand() -> None:
    rows = pd.DataFrame([{"l2_reads": 10, "l2_writes": 4, "dram_reads": 3, "dram_writes": 2} | CACHE])
    row = account(rows, dram(), sector_bytes=32).iloc[0]
    assert row["cache_time_s"] == pytest.approx(10 * 2e-9 + 4 * 5e-9)
    assert row["dram_time_s"] == pytest.approx(3 * 32e-9 + 2 * 15e-9)
    assert row["dynamic_energy_J"] == pytest.approx(10 * 3e-10 + 4 * 7e-10)
    assert row["leakage_energy_J"] == pytest.approx(0.5 * 40e-9)
    assert row["dram_energy_J"] == pytest.approx(5 * 256 * 1e-11)
    assert row["cache_edp_Js"] == pytest.approx((5.8e-9 + 20e-9) * 40e-9)
    assert row["edp_Js"] == pytest.approx((5.8e-9 + 20e-9 + 1.28e-8) * 166e-9)


def test_nothing_accessed_costs_nothing_and_the_input_is_left_alone() -> None:
    rows = pd.DataFrame([{"l2_reads": 0, "l2_writes": 0, "dram_reads": 0, "dram_writes": 0} | CACHE])
    before = rows.copy()
    out = account(rows, dram(), 32)
    assert out[["time_s", "energy_J", "edp_Js"]].to_numpy().sum() == 0
    pd.testing.assert_frame_equal(rows, before)


def test_the_recalled_means_of_deepnvm_agree_with_its_accounting() -> None:
    """With one write to six reads, the paper's cache table gives its own mean energy ratios."""
    table = read_yaml(Path(hwmodel.studies.__file__).with_name("deepnvm.yaml"))["recalled"]["caches"]
    stream = {"l2_reads": 6, "l2_writes": 1, "dram_reads": 0, "dram_writes": 0}
    caches = {row["cell"]: row | stream for row in table if row["capacity_bytes"] == 3 * 2**20}
    figures = ["dynamic_energy_J", "leakage_energy_J", "cache_energy_J", "cache_edp_Js"]
    sram, stt = account(pd.DataFrame([caches["sram"], caches["stt"]]), dram(), 32)[figures].to_numpy(dtype=float)
    dynamic, leakage, total, edp = sram / stt
    assert 1 / dynamic == pytest.approx(2.2, rel=0.1)
    assert leakage == pytest.approx(6.3, rel=0.1)
    assert total == pytest.approx(5.3, rel=0.1)
    assert 3.0 < edp < 3.8
