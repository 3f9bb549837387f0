"""GPUs through a stand-in for NVIDIA's library: every figure as it is stored, every failure by its name, no zeros."""

import os
import sys
from pathlib import Path

import pynvml
import pytest

from hwmodel.balance.profile import watch
from hwmodel.balance.profile.gpus import Gpus
from hwmodel.balance.profile.nvml import COLUMNS, throttles_of
from tests.hwmodel.balance.fake_nvml import LOST, FakeLibrary

ELSEWHERE = 4_000_000  # above any number that a process of this machine can have
GONE = pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_NO_PERMISSION, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    fake = FakeLibrary((os.getpid(),))
    monkeypatch.setattr(pynvml, "nvmlLib", fake)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    return fake


def read(number: int = 2) -> tuple[Gpus, dict]:
    """Return GPUs after so many readings half a second apart, and the last reading of the first."""
    gpus = Gpus(2.0)
    for device in gpus.devices:
        device.is_ours = {os.getpid()}.__contains__
    row = None
    for time in range(number):
        row = gpus.devices[0].read(0.5 * time)
        pynvml._nvmlGetFunctionPointer_cache.clear()
    assert row is not None
    return gpus, row


def test_every_figure(library: FakeLibrary):
    gpus, row = read()
    assert row == {
        "busy": 0.8, "memory_busy": 0.3, "memory_used_bytes": 3 << 30, "sm_clock_Hz": 1755e6, "memory_clock_Hz": 2619e6,
        "power_W": 200.0, "energy_J": 10.0, "throttle": 4, "processes": 1, "tree_processes": 1, "tree_busy": 0.4,
        "sm_active": 0.375, "sm_occupancy": 0.12, "tensor_active": 0.08, "dram_active": 0.21,
    }  # fmt: skip
    assert tuple(row) == COLUMNS
    gpus.close()
    about = gpus.described()
    assert about["driver"] == "550.54"
    first, second = about["devices"]
    assert first == {
        "gpu": 0, "name": "NVIDIA H100", "uuid": "GPU-0", "power_limit_W": 700.0, "max_sm_clock_Hz": 1980e6,
        "memory_bytes": 80 << 30, "mig": False, "energy_basis": "counter",
        "processes": [{"pid": os.getpid(), "in_tree": True, "mean_busy": pytest.approx(0.4)}],
    }  # fmt: skip
    assert second["processes"] == []
    assert library.freed == 4
    assert library.called[-1] == "nvmlShutdown"


def test_an_idle_gpu_is_told_as_idle_and_as_nobodys(library: FakeLibrary):
    gpus, _ = read()
    row = gpus.devices[1].read(0.0)
    assert row is not None
    assert (row["busy"], row["processes"], row["tree_processes"], row["tree_busy"]) == (0.0, 0, 0, None)
    assert "unreadable" not in gpus.devices[1].described()


FIGURES = {
    "nvmlDeviceGetUtilizationRates": ("busy", ("busy", "memory_busy")),
    "nvmlDeviceGetMemoryInfo": ("memory_used_bytes", ("memory_used_bytes",)),
    "nvmlDeviceGetClockInfo": ("sm_clock_Hz", ("sm_clock_Hz", "memory_clock_Hz")),
    "nvmlDeviceGetPowerUsage": ("power_W", ("power_W",)),
    "nvmlDeviceGetTotalEnergyConsumption": ("energy_J", ()),
    "nvmlDeviceGetComputeRunningProcesses_v3": ("processes", ("processes", "tree_processes")),
    "nvmlDeviceGetProcessUtilization": ("tree_busy", ("tree_busy",)),
    "nvmlGpmSampleGet": ("gpm", ("sm_active", "sm_occupancy", "tensor_active", "dram_active")),
    "nvmlDeviceGetCurrentClocksEventReasons": ("throttle", ("throttle",)),
}


@pytest.mark.parametrize("function", FIGURES)
@pytest.mark.parametrize("code", [*GONE, pynvml.NVML_ERROR_UNKNOWN])
def test_a_figure_that_fails_is_null_with_its_reason_and_the_others_stay(
    library: FakeLibrary, function: str, code: int
):
    library.errors[function] = code
    if code == pynvml.NVML_ERROR_FUNCTION_NOT_FOUND:  # nor any older form of it
        for newer, older in (("ComputeRunningProcesses_v3", "ComputeRunningProcesses_v2"),
                             ("CurrentClocksEventReasons", "CurrentClocksThrottleReasons")):  # fmt: skip
            if function.endswith(newer):
                library.errors[function.replace(newer, older)] = code
    gpus, row = read(3)
    name, columns = FIGURES[function]
    assert {column for column, value in row.items() if value is None} == set(columns)
    assert str(pynvml.NVMLError(code)) in gpus.devices[0].unreadable[name]
    again = library.called.count(function)
    if code in GONE and "Processes" not in function and "Reasons" not in function:
        assert again <= 4  # it is not asked for ever and ever
    if function.endswith("EnergyConsumption"):
        assert row["energy_J"] == pytest.approx(200.0)  # 1 s at 200 W
        assert gpus.devices[0].described()["energy_basis"] == "integrated"


def test_drivers_that_lack_the_newest_functions_are_asked_the_older_ones(library: FakeLibrary):
    library.missing |= {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetCurrentClocksEventReasons",
                        "nvmlGpmQueryDeviceSupport"}  # fmt: skip
    gpus, row = read()
    assert (row["processes"], row["throttle"], row["busy"]) == (1, 4, 0.8)
    assert row["sm_active"] is None
    assert gpus.devices[0].unreadable == {"gpm": "Function Not Found"}


def test_gpus_without_gpm_and_those_cut_into_instances_say_so(library: FakeLibrary):
    library.gpm_supported = 0
    gpus, row = read()
    assert row["sm_active"] is None
    assert "Hopper" in gpus.devices[0].unreadable["gpm"]
    library.gpm_supported, library.mig = 1, 1
    library.errors["nvmlDeviceGetUtilizationRates"] = pynvml.NVML_ERROR_NOT_SUPPORTED
    gpus, row = read()
    assert gpus.devices[0].described()["mig"] is True
    assert "MIG is on" in gpus.devices[0].unreadable["gpm"]
    assert row["busy"] is None
    assert row["power_W"] == 200.0


def test_a_metric_that_gpm_does_not_know_is_null(library: FakeLibrary):
    del library.gpm[5]
    _, row = read()
    assert row["tensor_active"] is None
    assert row["sm_active"] == 0.375


def test_numbers_of_the_hosts_processes_are_not_taken_for_ours(library: FakeLibrary):
    library.pids = (ELSEWHERE, ELSEWHERE + 1)
    gpus, row = read()
    assert row["processes"] == 2
    assert row["tree_processes"] is None
    assert row["tree_busy"] is None
    assert "numbers of the host" in gpus.devices[0].unreadable["tree_processes"]
    assert [one["in_tree"] for one in gpus.devices[0].described()["processes"]] == [False, False]


def test_a_gpu_that_is_lost_ends_and_the_other_goes_on(library: FakeLibrary):
    gpus, _ = read()
    library.errors["nvmlDeviceGetPowerUsage"] = LOST
    assert gpus.devices[0].read(1.0) is None
    del library.errors["nvmlDeviceGetPowerUsage"]
    assert gpus.devices[0].read(1.5) is None
    assert gpus.devices[1].read(1.5) is not None
    assert gpus.devices[0].described()["lost"] == "GPU is lost"


@pytest.mark.parametrize(
    ("function", "code", "reason"),
    [("nvmlInitWithFlags", pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "NVML: Driver Not Loaded"),
     ("nvmlInitWithFlags", pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
      "NVML: RM has detected an NVML/RM version mismatch."),
     ("nvmlDeviceGetCount_v2", pynvml.NVML_ERROR_NO_PERMISSION, "NVML: Insufficient Permissions"),
     ("nvmlDeviceGetHandleByIndex_v2", pynvml.NVML_ERROR_NO_PERMISSION,
      "GPU 0: Insufficient Permissions; GPU 1: Insufficient Permissions")],
)  # fmt: skip
def test_without_any_gpu_there_is_a_reason_and_no_figure(library: FakeLibrary, function: str, code: int, reason: str):
    library.errors[function] = code
    gpus = Gpus(2.0)
    gpus.start(lambda: 0.0, lambda _: True)
    assert gpus.close() == []
    assert gpus.described() == {"reason": reason}


def test_without_the_library_there_is_a_reason(monkeypatch: pytest.MonkeyPatch):
    def none(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "CDLL", none)
    assert Gpus(2.0).described() == {"reason": "NVML: NVML Shared Library Not Found"}


def test_a_run_with_gpus(library: FakeLibrary, tmp_path: Path):
    code = "from hwmodel.balance import Meter\nimport time\nmeter = Meter()\n"
    code += "for _ in range(50): meter.frames(1); time.sleep(.01)"
    profile = watch([sys.executable, "-c", code], tmp_path / "profile", hz=20, gpu_hz=50)
    assert profile.gpu is not None
    assert set(profile.gpu["gpu"]) == {0, 1}
    assert profile.gpu.groupby("gpu")["energy_J"].is_monotonic_increasing.all()
    window = profile.window(0.1, 0.4)
    first, second = window["gpus"]
    assert (first["busy"], second["busy"]) == (pytest.approx(0.8), 0.0)
    assert first["throttled"] == {"power cap": pytest.approx(1.0)}
    assert first["sm_clock_Hz"] == 1755e6
    assert window["gpu_energy_J"] == pytest.approx(first["energy_J"] + second["energy_J"])
    assert window["frames_per_joule"] == pytest.approx(window["frames"] / window["gpu_energy_J"])
    assert profile.about["gpu"]["devices"][0]["processes"][0]["in_tree"] is False  # it watches


def test_a_gpu_lost_in_mid_run_is_a_warning_and_its_figures_stay(library: FakeLibrary, tmp_path: Path):
    class Losing(dict):
        def get(self, name, default=None):
            return LOST if library.called.count("nvmlDeviceGetPowerUsage") > 12 else default

    library.errors = Losing()
    profile = watch([sys.executable, "-c", "import time; time.sleep(.6)"], tmp_path / "profile", hz=20, gpu_hz=50)
    assert profile.gpu is not None
    assert 2 <= len(profile.gpu) <= 14
    assert any("GPU 0 was lost at" in one for one in profile.about["warnings"])
    assert profile.about["ended"]["exit_status"] == 0


def test_whatever_else_goes_wrong_with_gpus_the_command_goes_on(library: FakeLibrary, tmp_path: Path):
    class Broken(dict):
        def get(self, name, default=None):
            if name == "nvmlDeviceGetPowerUsage" and library.called.count(name) > 3:
                raise RuntimeError("broken")
            return default

    library.errors = Broken()
    profile = watch([sys.executable, "-c", "import time; time.sleep(.3)"], tmp_path / "profile", hz=20, gpu_hz=50)
    assert any("GPU figures end at" in one and "RuntimeError: broken" in one for one in profile.about["warnings"])
    assert profile.about["ended"]["exit_status"] == 0


def test_without_a_gpu_there_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: (_ for _ in ()).throw(pynvml.NVMLError(9)))
    profile = watch(["true"], tmp_path / "profile")
    assert profile.gpu is None
    assert not (tmp_path / "profile" / "gpu.parquet").exists()
    assert profile.about["gpu"] == {"reason": "NVML: Driver Not Loaded"}
    window = profile.window(0, profile.wall_s)
    assert window["gpus"] is None
    assert window["no_gpu"] == "NVML: Driver Not Loaded"
    assert "gpu_energy_J" not in window


def test_throttle_reasons_in_words():
    assert throttles_of(0x4 | 0x40) == ["power cap", "thermal, by hardware"]
    assert throttles_of(0) == []
