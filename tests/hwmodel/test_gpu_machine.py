"""GPUs' and DRAMs' figures: each loads and cites, agrees with what it was measured or derived from, or is refused."""

from pathlib import Path

import pandas as pd
import pytest

import hwmodel.gpu.machine
from circuits.errors import InputError
from hwmodel.gpu.dram import known, load_dram
from hwmodel.gpu.machine import known_machines, load_machine
from hwmodel.gpu.overlap import overlap
from hwmodel.gpu.runs import overlap_runs
from tests.benchmarks.test_times import H200
from traces.gpus import known_gpus, load_gpu

HERE = Path(__file__).parent
TEXT = (Path(hwmodel.gpu.machine.__file__).parent / "machines" / "h200.yaml").read_text()
MEASURED = pd.read_csv(HERE.parent / "reference" / "gpu_machine_h200.csv", comment="#").set_index(
    ["subject", "case", "quantity"]
)["value"]


def test_every_gpu_has_its_figures_and_a_dram():
    assert set(known_machines()) >= set(known_gpus()) - {"h200"}
    for name in set(known_gpus()) & set(known_machines()):
        gpu, machine = load_gpu(name), load_machine(name)
        assert machine.name == name
        assert set(machine.sources.values()) <= set(machine.works)
        assert gpu.dram_kind.lower() in known()
        assert 0 < machine.l2_array_s < machine.l2_latency_s < machine.dram_latency_s < 1e-6
        assert set(machine.mac_J) == set(machine.macs_per_sm_cycle) == set(machine.product_share)


def test_all_figures_of_memories_hang_together():
    for name in known():
        dram = load_dram(name)
        split = dram.transfer_energy_J_per_bit + dram.activation_energy_J / (
            258 * 8
        )  # hbm2.yaml: an activation a 258 B
        assert split == pytest.approx(dram.energy_J_per_bit, rel=0.01)
        device = dram.device_bytes_per_s
        assert dram.devices(2 * device) == pytest.approx(2)
        assert 258 * dram.activations_per_s(device) > 0.85 * device  # else no stream could reach its bandwidth
        assert 0 < dram.background_W < 0.2 * device * 8 * dram.energy_J_per_bit + 0.5


def test_an_activation_of_hbm2_is_near_what_its_currents_say():
    """DRAMsim3's HBM2_8Gb_x128.ini: VDD, IDD0, IDD3N, IDD2N; tRAS 34, tRP 14 cycles of 1 ns."""
    by_currents = 1.2 * (65e-3 * 48e-9 - 55e-3 * 34e-9 - 40e-3 * 14e-9)
    assert load_dram("hbm2").activation_energy_J == pytest.approx(by_currents, rel=0.12)


def seconds(reads=0, writes=0, fetched=0, stored=0, **more):
    kernel = {"l2_reads": reads / 32, "l2_writes": writes / 32, "dram_reads": fetched / 32, "dram_writes": stored / 32}
    row = overlap(pd.DataFrame([kernel | more]), H200.gpu, load_dram("hbm3e"), None, load_machine("h200")).iloc[0]
    return row["time_s"] - row["start_s"]


def test_an_h200s_streams_and_products_are_those_measured():
    streams = {"L2 read 12 MiB": ["reads"], "L2 write 12 MiB": ["writes"], "DRAM read 2 GiB": ["reads", "fetched"],
               "DRAM write 2 GiB": ["writes", "stored"]}  # fmt: skip
    for case, kinds in streams.items():
        rate = 1e12 / seconds(**dict.fromkeys(kinds, 1e12))
        within = 0.03 if case == "L2 write 12 MiB" else 0.002  # slower than writes that go on to DRAM
        assert rate == pytest.approx(MEASURED["stream", case, "held_bytes_per_s"], rel=within), case
    for kind in ("fp32", "tf32", "bf16", "fp16"):
        launch = {"macs": 132e12, "blocks": 132, "threads": 256, "dtype": kind}
        assert 132e12 / seconds(**launch) == pytest.approx(MEASURED["product", kind, "macs_per_s"], rel=0.002), kind


def test_an_h200s_latencies_are_those_of_chases():
    machine = load_machine("h200")
    assert machine.l2_latency_s == pytest.approx(MEASURED["chase", "8 MiB", "latency_s"], rel=0.001)
    assert machine.dram_latency_s == pytest.approx(MEASURED["chase", "2048 MiB", "latency_s"], rel=0.001)
    small = seconds(reads=128, blocks=1, threads=32) + machine.kernel_start_s
    assert small == pytest.approx(MEASURED["launch", "in a graph, dependent", "seconds"], rel=0.005)


@pytest.mark.parametrize("warps", [1, 2, 4, 8, 16, 32])
def test_few_warps_reach_the_bandwidth_that_an_h200_measures(warps):
    """Rows that no figure was taken from: a warp's loads of 512 B, one after another. We are 18 to 33 % too fast."""
    loads = {"L2": 16000, "DRAM": 2000}
    for level, each in loads.items():
        moved = 512 * warps * each
        far = moved if level == "DRAM" else 0
        rate = moved / seconds(reads=moved, fetched=far, blocks=warps, threads=32, rounds=each)
        measured = MEASURED["parallelism", f"{level} {warps} x 32", "bytes_per_s"]
        assert 1.15 < rate / measured < 1.36, level


def test_an_h200s_power_under_load_is_that_measured():
    """Within 2 %: DRAM's share rests on hbm3e.yaml, at an activation a 128 B."""
    for case, columns, rows in (("L2 read 12 MiB", ["l2_reads"], 0.875), ("L2 write 12 MiB", ["l2_writes"], 0.875),
                                ("DRAM read 2 GiB", ["l2_reads", "dram_reads"], 0.75)):  # fmt: skip
        kernel = dict.fromkeys(("l2_reads", "l2_writes", "dram_reads", "dram_writes"), 0) | dict.fromkeys(columns, 1e10)
        run = overlap_runs(pd.DataFrame([kernel]), None, H200.gpu, load_dram("hbm3e"), load_machine("h200"),
                           row_hits=rows).iloc[0]  # fmt: skip
        held = run["energy_dram_background_J"] / run["time_overlap_s"]  # counted within the measured static power
        watts = run["energy_board_J"] / run["time_overlap_s"] - held
        assert watts == pytest.approx(MEASURED["stream", case, "power_W"], rel=0.02), case


@pytest.mark.parametrize(("old", "new", "reason"), [
    ("name: h200", "name: 200", "name must be text"),
    ("static_W: {value: 146.6, source: measured}", "", "missing static_W; give the keys of machines/h200.yaml"),
    ("name: h200", "name: h200\nspeed: 1", "unknown speed;"),
    ("value: 146.6", "value: -1", "static_W: -1 is no number from 0"),
    ("value: 146.6", "value: .nan", "static_W: nan is no number from 0"),
    ("value: 146.6", "value: true", "static_W: True is no number from 0"),
    ("value: 0.939", "value: 1.2", "dram_read_share: 1.2 is more than all"),
    ("{value: 146.6, source: measured}", "146.6", "static_W must be {value: .., source: a key of works}"),
    ("{value: 146.6, source: measured}", "{value: 146.6, source: hearsay}", "static_W must be"),
    ("fp32: 2.1e-11, ", "", "mac_J must give figures of fp32"),
    ("fp32: 2.1e-11, ", "fp32: 2.1e-11, fp4: 1, ", "mac_J must give figures of fp32 and of some of tf32"),
    ("fp32: 2.1e-11, ", "fp32: [1], ", r"mac_J: fp32: \[1\] is no number"),
])  # fmt: skip
def test_refuses_a_file_that_cannot_be(tmp_path, old, new, reason):
    assert old in TEXT
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(InputError, match=reason) as error:
        load_machine(path)
    assert "\n" not in str(error.value)


def test_reads_a_file_of_ones_own_and_refuses_none(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT)
    assert load_machine(path) == load_machine("h200")
    with pytest.raises(InputError, match=r"machine 'mine': unknown; known are a100_40gb, .*, or give a YAML file"):
        load_machine("mine")
    with pytest.raises(InputError, match="No such file"):
        load_machine(tmp_path / "none.yaml")
