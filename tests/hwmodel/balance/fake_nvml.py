"""A stand-in for libnvidia-ml: what pynvml finds when it asks its library for a function, called with ctypes values."""

import ctypes
from collections.abc import Callable
from typing import Any

import pynvml

INSUFFICIENT, NOT_FOUND = pynvml.NVML_ERROR_INSUFFICIENT_SIZE, pynvml.NVML_ERROR_NOT_FOUND
LOST = pynvml.NVML_ERROR_GPU_IS_LOST


class FakeLibrary:
    """Two H100s, of which the second is idle; each value can be set, each function made to fail or to be missing."""

    def __init__(self, pids: tuple[int, ...] = ()) -> None:
        self.errors: dict[str, int] = {}
        self.missing: set[str] = set()
        self.pids = pids
        self.energy_mJ = 5_000_000
        self.stamp = 1_000_000
        self.gpm = {2: 37.5, 3: 12.0, 5: 8.0, 10: 21.0}
        self.gpm_supported, self.mig = 1, 0
        self.called: list[str] = []
        self.freed = 0

    def __getattr__(self, name: str) -> Callable[..., int]:
        if name.startswith("__") or name in self.missing:
            raise AttributeError(name)
        code = getattr(type(self), "_" + name, None)
        if code is None:
            raise AttributeError(name)

        def call(*arguments: Any) -> int:
            self.called.append(name)
            return self.errors.get(name) or code(self, *arguments) or 0

        return call

    def _nvmlInitWithFlags(self, flags: int) -> None: ...

    def _nvmlShutdown(self) -> None: ...

    def _nvmlSystemGetDriverVersion(self, text: Any, size: Any) -> None:
        text.value = b"550.54"

    def _nvmlDeviceGetCount_v2(self, count: Any) -> None:
        count._obj.value = 2

    def _nvmlDeviceGetHandleByIndex_v2(self, index: Any, handle: Any) -> None:
        ctypes.c_void_p.from_buffer(handle._obj).value = index.value + 1

    def _nvmlDeviceGetName(self, handle: Any, text: Any, size: Any) -> None:
        text.value = b"NVIDIA H100"

    def _nvmlDeviceGetUUID(self, handle: Any, text: Any, size: Any) -> None:
        text.value = b"GPU-%d" % _index(handle)

    def _nvmlDeviceGetEnforcedPowerLimit(self, handle: Any, value: Any) -> None:
        value._obj.value = 700_000

    def _nvmlDeviceGetMaxClockInfo(self, handle: Any, kind: Any, value: Any) -> None:
        value._obj.value = 1980

    def _nvmlDeviceGetMigMode(self, handle: Any, current: Any, pending: Any) -> None:
        current._obj.value = self.mig

    def _nvmlDeviceGetUtilizationRates(self, handle: Any, rates: Any) -> None:
        rates._obj.gpu, rates._obj.memory = (80, 30) if _index(handle) == 0 else (0, 0)

    def _nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> None:
        memory._obj.total, memory._obj.used = 80 << 30, 3 << 30

    def _nvmlDeviceGetClockInfo(self, handle: Any, kind: Any, value: Any) -> None:
        value._obj.value = {pynvml.NVML_CLOCK_SM: 1755, pynvml.NVML_CLOCK_MEM: 2619}[getattr(kind, "value", kind)]

    def _nvmlDeviceGetPowerUsage(self, handle: Any, value: Any) -> None:
        value._obj.value = 200_000

    def _nvmlDeviceGetTotalEnergyConsumption(self, handle: Any, value: Any) -> None:
        self.energy_mJ += 10_000
        value._obj.value = self.energy_mJ

    def _nvmlDeviceGetCurrentClocksEventReasons(self, handle: Any, value: Any) -> None:
        value._obj.value = 0x4

    _nvmlDeviceGetCurrentClocksThrottleReasons = _nvmlDeviceGetCurrentClocksEventReasons

    def _nvmlDeviceGetComputeRunningProcesses_v3(self, handle: Any, count: Any, found: Any) -> int:
        pids = self.pids if _index(handle) == 0 else ()
        if found is None:
            count._obj.value = len(pids)
            return INSUFFICIENT if pids else 0
        count._obj.value = len(pids)
        for slot, pid in enumerate(pids):
            found[slot].pid, found[slot].usedGpuMemory = pid, 1 << 30
        return 0

    _nvmlDeviceGetComputeRunningProcesses_v2 = _nvmlDeviceGetComputeRunningProcesses_v3

    def _nvmlDeviceGetProcessUtilization(self, handle: Any, samples: Any, count: Any, since: Any) -> int:
        pids = self.pids if _index(handle) == 0 else ()
        if not pids:
            return NOT_FOUND
        count._obj.value = len(pids)
        if samples is None:
            return INSUFFICIENT
        self.stamp += 500_000
        for slot, pid in enumerate(pids):
            samples[slot].pid, samples[slot].timeStamp, samples[slot].smUtil = pid, self.stamp, 40
        return 0

    def _nvmlGpmQueryDeviceSupport(self, handle: Any, support: Any) -> None:
        support._obj.isSupportedDevice = self.gpm_supported

    def _nvmlGpmSampleAlloc(self, sample: Any) -> None:
        ctypes.c_void_p.from_buffer(sample._obj).value = len(self.called) + 1

    def _nvmlGpmSampleFree(self, sample: Any) -> None:
        self.freed += 1

    def _nvmlGpmSampleGet(self, handle: Any, sample: Any) -> None: ...

    def _nvmlGpmMetricsGet(self, asked: Any) -> None:
        for slot in range(asked._obj.numMetrics):
            metric = asked._obj.metrics[slot]
            known = metric.metricId in self.gpm
            metric.nvmlReturn = 0 if known else pynvml.NVML_ERROR_NOT_SUPPORTED
            metric.value = self.gpm.get(metric.metricId, 0.0)


def _index(handle: Any) -> int:
    return (ctypes.cast(handle, ctypes.c_void_p).value or 1) - 1
