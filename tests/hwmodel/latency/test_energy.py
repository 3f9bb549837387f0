"""Joules by a counter, less the idle machine's; by an assumed power; or none, with the reason."""

import sys
import types

import pytest

from circuits.errors import InputError
from hwmodel.latency.profile import energy
from hwmodel.latency.profile.energy import Counter, Energy, find, zeus_counter


def test_the_idle_machine_is_measured_in_the_same_session(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(energy.time, "sleep", lambda s: now.__setitem__(0, now[0] + s))
    monkeypatch.setattr(energy.time, "perf_counter", lambda: now[0])
    found = find(None, lambda: Counter("fake", lambda: 12.0 * now[0]))
    assert found.basis == "measured"
    assert found.idle_W == pytest.approx(12.0)
    net, total = found.of_run(1e-3, [(13.0, 1.0, 10), (14.0, 1.0, 10), (99.0, 1.0, 10)])
    assert (net, total) == (pytest.approx(0.2), pytest.approx(1.4))


def test_without_a_counter_a_power_is_assumed_only_where_it_is_given():
    found = find(2.0, lambda: "none here")
    assert (found.basis, found.of_run(0.5, [])) == ("estimated", (1.0, None))
    assert "2 W a core (assumed); none here" in found.reason
    assert find(None, lambda: "none here") == Energy(None, reason="none here")
    with pytest.raises(InputError, match=r"core power nan: give watts"):
        find(float("nan"), lambda: "none here")


def test_a_counter_is_better_than_an_assumption(monkeypatch):
    monkeypatch.setattr(energy, "IDLE_S", 0.0)
    assert find(2.0, lambda: Counter("fake", lambda: 0.0)).basis == "measured"


@pytest.fixture
def zeus(monkeypatch):
    """A zeus without counters of its own; tests give it some."""

    def none(*_: object):
        raise OSError("no such counter")

    package, device = types.ModuleType("zeus"), types.ModuleType("zeus.device")
    cpu, soc = types.ModuleType("zeus.device.cpu"), types.ModuleType("zeus.device.soc")
    cpu.get_cpus, soc.get_soc = none, none  # type: ignore[attr-defined]
    for module in (package, device, cpu, soc):
        module.__spec__ = types.SimpleNamespace(name=module.__name__)  # type: ignore[assignment]
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return cpu, soc


def test_all_packages_of_a_processor_are_counted(zeus):
    class Cpus:
        def __len__(self):
            return 2

        def get_total_energy_consumption(self, index):
            return types.SimpleNamespace(cpu_mj=(1500.0, 250.0)[index])

    zeus[0].get_cpus = Cpus
    found = zeus_counter()
    assert isinstance(found, Counter)
    assert found.read_J() == pytest.approx(1.75)


def test_a_board_that_counts_is_found(zeus):
    total = types.SimpleNamespace(total_energy_mj=4000.0, cpu_energy_mj=1000.0)
    zeus[1].get_soc = lambda: types.SimpleNamespace(get_total_energy_consumption=lambda: total)
    found = zeus_counter()
    assert isinstance(found, Counter)
    assert found.read_J() == pytest.approx(4.0)


def test_counters_that_may_not_be_read_are_a_reason(zeus):
    def closed():
        raise PermissionError(13, "Permission denied", "/sys/class/powercap/intel-rapl:0/energy_uj")

    zeus[0].get_cpus = closed
    found = zeus_counter()
    assert isinstance(found, str)
    assert found.startswith("no counter: ")
    assert "Permission denied" in found
    assert "no such counter" in found


def test_without_zeus_the_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(energy.importlib.util, "find_spec", lambda name: None)
    assert zeus_counter() == "zeus is not installed; pip install 'hwmodel[energy]'"
