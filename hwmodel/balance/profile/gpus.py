"""All GPUs, read in a thread of their own: NVML may take its time, above all of a GPU that is lost."""

import os
import threading
from collections.abc import Callable
from typing import Any

from hwmodel.balance.profile.nvml import COLUMNS, Device


class Gpus:
    """Samples the GPUs until `close`.

    Args:
        hz: how often.

    Attributes:
        reason: why there are no GPU figures; the empty text where there are.
    """

    def __init__(self, hz: float) -> None:
        self._period_s = 1 / hz
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._rows: list[tuple[Any, ...]] = []
        self._lost_at: dict[int, float] = {}
        self.devices: list[Device] = []
        self.driver: str | None = None
        self.warnings: list[str] = []
        self._thread: threading.Thread | None = None
        self._nvml: Any = None
        self.reason = self._find()

    def _find(self) -> str:
        """Return why there are no figures."""
        try:
            import pynvml
        except ImportError:
            return "nvidia-ml-py is not installed; pip install nvidia-ml-py"
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            return f"NVML: {' '.join(str(error).split())}"
        self._nvml = pynvml
        try:
            version: Any = pynvml.nvmlSystemGetDriverVersion()
            self.driver = version.decode() if isinstance(version, bytes) else version
            number = pynvml.nvmlDeviceGetCount()
        except pynvml.NVMLError as error:
            return f"NVML: {' '.join(str(error).split())}"
        if not number:
            return "NVML finds no GPU"
        reasons = []
        for index in range(number):
            try:
                self.devices.append(Device(index, _exists))
            except pynvml.NVMLError as error:
                reasons.append(f"GPU {index}: {' '.join(str(error).split())}")
        if not self.devices:
            return "; ".join(reasons)
        self.warnings += reasons
        return ""

    def start(self, now_s: Callable[[], float], is_ours: Callable[[int], bool]) -> None:
        """Begin to sample.

        Args:
            now_s: the clock that tells samples' times.
            is_ours: says whether a process of a number is in the tree.
        """
        for device in self.devices:
            device.is_ours = is_ours
        if self.devices:
            self._thread = threading.Thread(target=self._run, args=(now_s,), name="gpus", daemon=True)
            self._thread.start()

    def _run(self, now_s: Callable[[], float]) -> None:
        try:
            self._sample(now_s)
        except Exception as error:  # whatever it was, the command and all other figures go on
            self.warnings.append(f"GPU figures end at {now_s():.1f} s: {type(error).__name__}: {error}")

    def _sample(self, now_s: Callable[[], float]) -> None:
        while True:
            for device in self.devices:
                at_s = now_s()
                row = device.read(at_s)
                if row is not None:
                    with self._lock:
                        self._rows.append((at_s, device.index, *(row[name] for name in COLUMNS)))
                elif device.index not in self._lost_at:
                    self._lost_at[device.index] = at_s
            if self._stop.wait(self._period_s):
                return

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the rows that came since the last call: seconds, GPU, and a value a column."""
        with self._lock:
            rows, self._rows = self._rows, []
        return rows

    def close(self) -> list[tuple[Any, ...]]:
        """Stop, and return the last rows."""
        if self._stop.is_set():
            return []
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            if self._thread.is_alive():
                self.warnings.append("NVML did not answer at the end; the last GPU figures are missing")
                return self.rows()
        for device in self.devices:
            device.close()
        if self._nvml is not None:
            try:
                self._nvml.nvmlShutdown()
            except self._nvml.NVMLError as error:
                self.warnings.append(f"NVML at the end: {error}")
            self._nvml = None
        for index, at_s in self._lost_at.items():
            self.warnings.append(f"GPU {index} was lost at {at_s:.1f} s; its figures end there")
        return self.rows()

    def described(self) -> dict[str, Any]:
        """Return what there is to say of the GPUs once, or why there is nothing."""
        if self.reason:
            return {"reason": self.reason}
        return {"driver": self.driver, "devices": [device.described() for device in self.devices]}


def _exists(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")  # noqa: PTH110
