"""MPS's thread percentage: whether it takes effect, which it does not without its daemon, and nobody says so."""

import os
import subprocess
import sys

from circuits.errors import InputError

PERCENTAGE = "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"
DAEMON = "nvidia-cuda-mps-control"
_COUNT = """
import ctypes
driver, count = ctypes.CDLL("libcuda.so.1"), ctypes.c_int()
assert driver.cuInit(0) == 0 and driver.cuDeviceGetAttribute(ctypes.byref(count), 16, 0) == 0
print(count.value)
"""  # 16: CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT


def seen_sms(percentage: float | None) -> int:
    """Return the SMs that a process of its own sees under a percentage, or under none.

    Raises:
        InputError: the driver cannot be asked.
    """
    environment = {name: value for name, value in os.environ.items() if name != PERCENTAGE}
    if percentage is not None:
        environment[PERCENTAGE] = f"{percentage:g}"
    words = [sys.executable, "-c", _COUNT]
    asked = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  (ours)
    if not asked.stdout.strip().isdigit():
        raise InputError("MPS: the driver cannot be asked for its SMs: no GPU, or no libcuda.so.1")
    return int(asked.stdout)


def check(percentage: float) -> None:
    """See that a percentage takes effect: a process under it must see fewer SMs than one without.

    Raises:
        InputError: both see as many, or the driver cannot be asked.
    """
    ours, whole = seen_sms(percentage), seen_sms(None)
    if not (ours < whole or percentage == 100):
        raise InputError(
            f"MPS at {percentage:g} %: has no effect: {ours} SMs are seen, and {whole} without; start {DAEMON} -d"
        )
