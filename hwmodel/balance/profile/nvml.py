"""One GPU's figures through NVML. What a GPU does not tell is null, with the reason under the figure's name."""

from collections.abc import Callable
from typing import Any

from hwmodel.balance.profile.gpm import Metrics

COLUMNS = ("busy", "memory_busy", "memory_used_bytes", "sm_clock_Hz", "memory_clock_Hz", "power_W", "energy_J",
           "throttle", "processes", "tree_processes", "tree_busy", "sm_active", "sm_occupancy", "tensor_active",
           "dram_active")  # fmt: skip
THROTTLES = {0x1: "idle", 0x2: "clocks set by an application", 0x4: "power cap", 0x8: "hardware slowdown",
             0x10: "sync boost", 0x20: "thermal, by software", 0x40: "thermal, by hardware", 0x80: "power brake",
             0x100: "display clocks", 0x200: "board limit", 0x400: "reliability"}  # fmt: skip
_MOST_PROCESSES = 1024  # whose use is summed up by GPU


class Device:
    """A GPU that is read again and again.

    Args:
        index: NVML's number of it.
        exists: says whether there is a process of a number here at all.

    Attributes:
        is_ours: says whether a process of a number is in the tree.
        unreadable: why a figure is not told, by its name.
        lost: when and why the GPU was lost; the empty text while it is there.
        energy_basis: `counter`, or `integrated` from the power.
        use: of each process that NVML names: whether it is the tree's, samples, and their sum.

    Raises:
        pynvml.NVMLError: NVML does not give it to us.
    """

    def __init__(self, index: int, exists: Callable[[int], bool]) -> None:
        import pynvml

        self._nvml: Any = pynvml
        self.index, self._exists = index, exists
        self.is_ours: Callable[[int], bool] = lambda _: False
        self._handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        self.unreadable: dict[str, str] = {}
        self.lost = ""
        self.about: dict[str, Any] = {"gpu": index}
        for name, ask in (("name", pynvml.nvmlDeviceGetName), ("uuid", pynvml.nvmlDeviceGetUUID)):
            self.about[name] = self._try(name, lambda ask=ask: _text(ask(self._handle)))
        for name, ask in _LIMITS.items():
            self.about[name] = self._try(name, lambda ask=ask: ask(pynvml, self._handle))
        mig = self._try("mig", lambda: pynvml.nvmlDeviceGetMigMode(self._handle)[0])
        self.unreadable.pop("mig", None)  # most GPUs have none, which is nothing to tell
        self.about["mig"] = bool(mig)
        self._metrics = Metrics(self._handle)
        self._figures: dict[str, Callable[[float], dict[str, Any]]] = {
            "busy": self._busy, "memory_used_bytes": self._memory, "sm_clock_Hz": self._sm_clock,
            "memory_clock_Hz": self._memory_clock, "power_W": self._power, "energy_J": self._energy,
            "throttle": self._throttle, "processes": self._processes, "tree_busy": self._by_process,
        }  # fmt: skip
        if reason := "MIG is on: GPM counts its instances, not the GPU" if mig else self._metrics.reason:
            self.unreadable["gpm"] = reason
        else:
            self._figures["gpm"] = lambda _: self._metrics.read()
        self.energy_basis: str | None = "counter"
        self._first_J: float | None = None
        self._integrated_J, self._before = 0.0, (0.0, None)
        self._stamp = 0
        self._named: set[int] = set()
        self.use: dict[int, list[Any]] = {}

    def read(self, now_s: float) -> dict[str, Any] | None:
        """Return the figures by their columns; none once the GPU is lost."""
        if self.lost:
            return None
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        for name in list(self._figures):
            row |= self._try(name, lambda name=name: self._figures[name](now_s)) or {}
            if self.lost:
                return None
        if "energy_J" in self.unreadable and row["power_W"] is not None:
            row["energy_J"] = self._integrate(now_s, row["power_W"])
        return row

    def _try(self, name: str, ask: Callable[[], Any]) -> Any:
        """Return what is asked for; none where it is not told, and the reason is kept."""
        nvml = self._nvml
        try:
            return ask()
        except nvml.NVMLError as error:
            reason = _text(error)
            if error.value == nvml.NVML_ERROR_GPU_IS_LOST:
                self.lost = reason
            elif error.value in (nvml.NVML_ERROR_NOT_SUPPORTED, nvml.NVML_ERROR_FUNCTION_NOT_FOUND,
                                 nvml.NVML_ERROR_NO_PERMISSION):  # fmt: skip
                getattr(self, "_figures", {}).pop(name, None)  # it will not be told later either
        except nvml.NVMLLibraryMismatchError as error:
            reason = f"this driver and nvidia-ml-py do not fit: {_text(error)}"
            getattr(self, "_figures", {}).pop(name, None)
        self.unreadable.setdefault(name, reason)
        return None

    def _busy(self, _: float) -> dict[str, Any]:
        found = self._nvml.nvmlDeviceGetUtilizationRates(self._handle)
        return {"busy": found.gpu / 100, "memory_busy": found.memory / 100}

    def _memory(self, _: float) -> dict[str, Any]:
        return {"memory_used_bytes": int(self._nvml.nvmlDeviceGetMemoryInfo(self._handle).used)}

    def _sm_clock(self, _: float) -> dict[str, Any]:
        return {"sm_clock_Hz": 1e6 * self._nvml.nvmlDeviceGetClockInfo(self._handle, self._nvml.NVML_CLOCK_SM)}

    def _memory_clock(self, _: float) -> dict[str, Any]:
        return {"memory_clock_Hz": 1e6 * self._nvml.nvmlDeviceGetClockInfo(self._handle, self._nvml.NVML_CLOCK_MEM)}

    def _power(self, _: float) -> dict[str, Any]:
        return {"power_W": self._nvml.nvmlDeviceGetPowerUsage(self._handle) / 1e3}

    def _energy(self, _: float) -> dict[str, Any]:
        joules = self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) / 1e3
        self._first_J = joules if self._first_J is None else self._first_J
        return {"energy_J": joules - self._first_J}

    def _integrate(self, now_s: float, power_W: float) -> float:
        before_s, before_W = self._before
        if before_W is not None:
            self._integrated_J += (now_s - before_s) * (power_W + before_W) / 2
        self.energy_basis = "integrated"
        self._before = now_s, power_W
        return self._integrated_J

    def _throttle(self, _: float) -> dict[str, Any]:
        nvml = self._nvml
        try:
            return {"throttle": int(nvml.nvmlDeviceGetCurrentClocksEventReasons(self._handle))}
        except nvml.NVMLError as error:
            if error.value != nvml.NVML_ERROR_FUNCTION_NOT_FOUND:
                raise
            return {"throttle": int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(self._handle))}  # drivers before 535

    def _processes(self, _: float) -> dict[str, Any]:
        nvml = self._nvml
        try:
            found = nvml.nvmlDeviceGetComputeRunningProcesses(self._handle)
        except (nvml.NVMLError, nvml.NVMLLibraryMismatchError) as error:
            if getattr(error, "value", nvml.NVML_ERROR_FUNCTION_NOT_FOUND) != nvml.NVML_ERROR_FUNCTION_NOT_FOUND:
                raise
            found = nvml.nvmlDeviceGetComputeRunningProcesses_v2(self._handle)  # drivers before 510
        pids = {int(one.pid) for one in found}
        self._named |= pids if len(self._named) < _MOST_PROCESSES else set()
        ours = {pid for pid in pids if self.is_ours(pid)}
        for pid in pids:
            self._use_of(pid)
        return {"processes": len(pids), "tree_processes": None if self._foreign(pids) else len(ours)}

    def _foreign(self, pids: set[int]) -> bool:
        """Say whether NVML's numbers are those of another namespace, as they are in a container."""
        if not pids or any(self._exists(pid) for pid in pids):
            return False
        shown = ", ".join(map(str, sorted(pids)[:4]))
        self.unreadable.setdefault(
            "tree_processes",
            f"NVML names processes ({shown}) that are not here: numbers of the host, outside a container",
        )
        return True

    def _use_of(self, pid: int) -> list[Any]:
        if pid not in self.use and len(self.use) >= _MOST_PROCESSES:
            return [False, 0, 0.0]
        use = self.use.setdefault(pid, [False, 0, 0.0])
        use[0] = use[0] or self.is_ours(pid)
        return use

    def _by_process(self, _: float) -> dict[str, Any]:
        """Return how busy the tree's processes kept the GPU, by the driver's samples since the last call."""
        nvml = self._nvml
        try:
            samples = nvml.nvmlDeviceGetProcessUtilization(self._handle, self._stamp)
        except nvml.NVMLError as error:
            if error.value not in (nvml.NVML_ERROR_NOT_FOUND, nvml.NVML_SUCCESS):  # then nothing ran since
                raise
            return {}
        since, by_process = self._stamp, {}
        for one in samples:
            if one.timeStamp > since and one.smUtil <= 100:
                by_process.setdefault(int(one.pid), []).append(one.smUtil / 100)
                self._stamp = max(self._stamp, int(one.timeStamp))
        tree = None
        for pid, values in by_process.items():
            use = self._use_of(pid)
            use[1] += len(values)
            use[2] += sum(values)
            if use[0]:
                tree = (tree or 0.0) + sum(values) / len(values)
        return {} if tree is None else {"tree_busy": tree}

    def described(self) -> dict[str, Any]:
        """Return what there is to say of it once, at the end."""
        told = "energy_J" not in self.unreadable or self._before[1] is not None
        users = [{"pid": pid, "in_tree": ours, "mean_busy": total / number if number else None}
                 for pid, (ours, number, total) in sorted(self.use.items())]  # fmt: skip
        found = self.about | {"energy_basis": self.energy_basis if told else None, "processes": users}
        found |= {"lost": self.lost} if self.lost else {}
        return found | ({"unreadable": dict(self.unreadable)} if self.unreadable else {})

    def close(self) -> None:
        """Let GPM's samples go."""
        self._metrics.close()


_LIMITS: dict[str, Callable[[Any, Any], Any]] = {
    "power_limit_W": lambda nvml, handle: nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1e3,
    "max_sm_clock_Hz": lambda nvml, handle: 1e6 * nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_SM),
    "memory_bytes": lambda nvml, handle: int(nvml.nvmlDeviceGetMemoryInfo(handle).total),
}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else " ".join(str(value).split())


def throttles_of(bits: int) -> list[str]:
    """Return in words why a GPU's clocks are held down."""
    return [words for bit, words in THROTTLES.items() if bits & bit]
