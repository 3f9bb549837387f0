"""Conditions as files of two architectures tell them; what they do not tell is null, with a reason."""

from pathlib import Path

import pytest

from hwmodel.latency.profile import conditions

CORE = "processor\t: {}\nmodel name\t: Some CPU 9\ncpu MHz\t\t: {}\nflags\t\t: fpu avx2\n"
X86 = "\n".join((CORE.format(0, 1000.0), CORE.format(1, 2500.5)))
ARM = "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd sve\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n"
STAT = "cpu  1 2 3 4 5 6 7 80 0 0\ncpu0 1 2 3 4 5 6 7 30 0 0\ncpu1 1 2 3 4 5 6 7 50 0 0\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch):
    def make(cpuinfo: str) -> Path:
        for name, path in (("CPUINFO", "cpuinfo"), ("STAT", "stat"), ("MEMORY", "meminfo"), ("CPUS", "cpus"),
                           ("THERMAL", "thermal"), ("BOARD", "model")):  # fmt: skip
            monkeypatch.setattr(conditions, name, tmp_path / path)
        (tmp_path / "cpuinfo").write_text(cpuinfo)
        (tmp_path / "stat").write_text(STAT)
        (tmp_path / "meminfo").write_text("MemTotal:       8000000 kB\n")
        return tmp_path

    return make


def test_an_x86_server_without_frequency_scaling(machine):
    machine(X86)
    assert conditions.machine()["processor"] == "Some CPU 9"
    assert conditions.system()["instruction_sets"] == "fpu avx2"
    assert conditions.system()["hypervisor"] is False
    assert conditions.system()["memory_bytes"] == 8000000 * 1024
    state = conditions.state([1])
    assert state["frequency_Hz"] == 2500.5e6
    assert state["governor"] is state["temperature_C"] is None
    assert "scaling_governor: No such file" in state["unreadable"]["governor"]
    assert "no zone" in state["unreadable"]["temperature_C"]


def test_an_arm_board_names_itself_and_its_heat(machine):
    folder = machine(ARM)
    assert conditions.machine()["processor"] == "implementer 0x41 part 0xd0b"
    (folder / "model").write_bytes(b"Raspberry Pi 5 Model B\0")
    assert conditions.machine()["processor"] == "Raspberry Pi 5 Model B"
    assert conditions.system()["instruction_sets"] == "fp asimd sve"
    assert conditions.system()["hypervisor"] is None
    scaling = folder / "cpus" / "cpu0" / "cpufreq"
    scaling.mkdir(parents=True)
    (scaling / "scaling_governor").write_text("ondemand\n")
    (scaling / "scaling_cur_freq").write_text("2400000\n")
    for zone, heat in (("thermal_zone0", "51000"), ("thermal_zone1", "48500")):
        (folder / "thermal" / zone).mkdir(parents=True)
        (folder / "thermal" / zone / "temp").write_text(heat)
    state = conditions.state([0])
    assert (state["governor"], state["frequency_Hz"], state["temperature_C"]) == ("ondemand", 2.4e9, 51.0)


def test_stolen_time_is_that_of_the_cores_at_hand(machine):
    machine(X86)
    tick = conditions.os.sysconf("SC_CLK_TCK")
    assert conditions.steal_s([1]) == 50 / tick
    assert conditions.steal_s([0, 1]) == 80 / tick
    assert conditions.state([7])["steal_s"] is None


def test_a_machine_that_tells_nothing_is_all_null(machine):
    folder = machine("")
    for path in folder.iterdir():
        path.unlink()
    found = conditions.machine() | conditions.system()
    assert found["processor"] is found["memory_bytes"] is None
    state = conditions.state([0])
    for name in ("governor", "frequency_Hz", "temperature_C", "steal_s"):
        assert state[name] is None
        assert state["unreadable"][name]
