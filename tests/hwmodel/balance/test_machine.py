"""Machines as data: each file that comes with the package, its laws, and each mistake in a file of one's own."""

import math

import pytest
import yaml

from circuits.errors import InputError
from hwmodel.balance.machine import FOLDER, WORDS, known_machines, load_machine

RATIOS = {"dgx-1": 0.125, "dgx-a100": 0.296, "dgx-h100": 0.212, "gh200": 0.545}


@pytest.mark.parametrize("name", known_machines())
def test_machines_that_come_along(name):
    machine = load_machine(name)
    assert machine.name == name
    drawn = machine.power_W(machine.threads, machine.gpus)
    assert drawn <= machine.max_W * 1.001
    assert machine.power_W(0, 0) < drawn
    assert all(source in WORDS or len(source) > 20 for source in machine.sources.values())
    assert machine.thread_speed > 0
    if machine.gpus:
        assert machine.sms > 0
        assert machine.sm_speed > 0


@pytest.mark.parametrize(("name", "ratio"), RATIOS.items())
def test_threads_per_sm(name, ratio):
    assert load_machine(name).cpu_gpu_ratio == pytest.approx(ratio, abs=6e-4)


def test_threads_of_a_core_share_what_it_gets_done():
    machine = load_machine("dgx-1")
    assert machine.speed(1) == machine.speed(machine.cores) == machine.thread_speed
    assert machine.speed(machine.threads) == pytest.approx(machine.thread_speed * machine.smt_yield / 2)
    done = [n * machine.speed(n) for n in range(1, int(machine.threads) + 1)]
    assert done == sorted(done)


def test_power_is_that_of_its_parts():
    machine = load_machine("dgx-1")
    idle = machine.base_W + machine.threads * machine.thread_idle_W + machine.gpus * machine.gpu_idle_W
    assert machine.power_W(0, 0) == pytest.approx(idle)
    assert machine.power_W(3, 0.5) == pytest.approx(idle + 3 * machine.thread_busy_W + 0.5 * machine.gpu_busy_W)


@pytest.fixture
def write(tmp_path):
    def written(**changes):
        document = yaml.safe_load((FOLDER / "dgx-1.yaml").read_text()) | changes
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in document.items() if value != "absent"}))
        return path

    return written


def figure(value, source="assumed"):
    return {"value": value, "source": source}


def test_a_machine_of_ones_own(write):
    machine = load_machine(write(name="mine", gpus=figure(0), price_USD="absent"))
    assert machine.name == "mine"
    assert machine.cpu_gpu_ratio == math.inf
    assert machine.price_USD is None


@pytest.mark.parametrize(("changes", "told"), [
    ({"threads": "absent"}, "missing threads"),
    ({"colour": figure(1)}, "unknown colour"),
    ({"threads": 80}, "threads must be {value: .., source:"),
    ({"threads": figure(80, "hearsay")}, "threads must be {value: .., source:"),
    ({"threads": figure(0)}, "threads: must be above 0"),
    ({"threads": figure(80.5)}, "threads: 80.5 is no whole number"),
    ({"threads": figure("80")}, "threads: '80' is no number of 0 or more"),
    ({"threads": figure(True)}, "threads: True is no number"),
    ({"max_W": figure(-1)}, "max_W: -1 is no number"),
    ({"max_W": figure(math.nan)}, "max_W: nan is no number"),
    ({"max_W": figure(math.inf)}, "max_W: inf is no number"),
    ({"smt_yield": figure(0.9)}, "smt_yield: 0.9: two threads of a core"),
    ({"cores": figure(81)}, "cores: 81 are more than the 80 threads"),
    ({"sms": figure(0)}, "sms: must be above 0, as the machine has GPUs"),
    ({"sm_speed": figure(0)}, "sm_speed: must be above 0, as the machine has GPUs"),
    ({"threads": figure(1 << 20)}, "threads: 1048576 are more than 16384"),
    ({"works": [1]}, "works must map keys to citations"),
])  # fmt: skip
def test_each_mistake_is_a_line(write, changes, told):
    path = write(**changes)
    with pytest.raises(InputError) as found:
        load_machine(path)
    assert str(found.value).startswith(f"{path}: {told}")
    assert "\n" not in str(found.value)


def test_a_machine_that_is_not_known():
    with pytest.raises(
        InputError, match=r"machine 'dgx-9': unknown; known are aws-g4dn-16xlarge, .*or give a YAML file"
    ):
        load_machine("dgx-9")
