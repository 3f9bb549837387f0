"""Runs a network under Nsight Compute, cold and warm, and returns what each kernel counted.

Cold: kernels are replayed one by one, all caches flushed and invalidated before each (`--cache-control all`). Warm: the
caches keep what came before (`none`); since replaying a kernel would leave it its own data, the whole program is run
again for each pass (`--replay-mode application`). Clocks are left alone.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traces.counters.machine import Machine
from traces.counters.read import Counted, parse_counters
from traces.counters.target import Job
from traces.errors import InputError

MODES = {"cold": ("all", "kernel"), "warm": ("none", "application")}  # cache control, replay
LIMIT_S = 540.0
LOG, RAN = "ncu.csv", "ran.json"
REFUSALS = {  # what ncu prints -> what to say
    "ERR_NVGPUCTRPERM": "no permission to read the GPU's counters (ERR_NVGPUCTRPERM): run as root, or let an "
    "administrator load the driver with NVreg_RestrictProfilingToAdminUsers=0; a container needs --cap-add SYS_ADMIN",
    "driver resource was unavailable": "another tool holds the GPU's counters; stop it (DCGM: dcgmi profile --pause)",
}
NOTHING = "No kernels were profiled"


class Refused(InputError):  # noqa: N818  (as UnknownOperator: named for what it says)
    """The GPU's counters may not be read now, whatever runs."""


@dataclass(frozen=True)
class Profile:
    """A run as it was counted."""

    kernels: list[Counted]
    calls: list[tuple[str, str]]  # operator, phase, in order; kernels name them from 1
    torch: str  # versions
    cuda: str
    cudnn: str
    device: str  # what torch ran on
    seconds: float  # it took, passes and all


def profile(machine: Machine, job: Job, mode: str, metrics: list[str], limit_s: float = LIMIT_S) -> Profile:
    """Run a job under the profiler.

    Args:
        machine: the GPU's, with its profiler.
        job: the network's run.
        mode: cold or warm.
        metrics: what to count.
        limit_s: after which all is ended.

    Raises:
        Refused: where the counters may not be read.
        InputError: where the run takes longer, or fails: without CUDA, by its own fault or ncu's.
    """
    with tempfile.TemporaryDirectory(prefix="hwmodel-counters-") as name:
        folder = Path(name)
        job.save(folder / "job.json")
        begin = time.perf_counter()
        status, said = _run(command(machine, folder, mode, metrics), limit_s, f"{job.network} {mode}")
        seconds = time.perf_counter() - begin
        log = folder / LOG
        printed = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        ran = _ran(folder / RAN)
    _check(status, said, printed, ran, f"{job.network} {mode}")
    kernels = parse_counters(printed, f"{job.network} {mode}: ncu's output")
    if not any(kernel.operation for kernel in kernels):
        raise InputError(f"{job.network} {mode}: ncu's output names no operator; does this ncu print NVTX ranges?")
    calls = [(operator, phase) for operator, phase in ran["calls"]]
    return Profile(kernels, calls, ran["torch"], ran["cuda"], str(ran["cudnn"]), ran["device"], seconds)


def command(machine: Machine, folder: Path, mode: str, metrics: list[str]) -> list[str]:
    """Return the command that profiles the job in a folder and leaves ncu's table there."""
    cache, replay = MODES[mode]
    return [
        str(machine.ncu), "--csv", "--page", "raw", "--print-units", "base", "--log-file", str(folder / LOG),
        "--target-processes", "all", "--replay-mode", replay, "--cache-control", cache, "--clock-control", "none",
        "--nvtx", "--profile-from-start", "off", "--metrics", ",".join(metrics),
        sys.executable, "-P", "-m", "traces.counters.target", str(folder / "job.json"),
    ]  # fmt: skip


def _run(command: list[str], limit_s: float, what: str) -> tuple[int, str]:
    """Return the exit status and what was said; whatever the command started is gone then."""
    path = os.pathsep.join(place for place in sys.path if place)  # a network found here is found there
    env = os.environ | {"LC_ALL": "C", "LANG": "C", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,  # noqa: S603
                                   env=env, start_new_session=True, text=True, errors="replace")  # fmt: skip
    except OSError as error:
        raise InputError(f"{command[0]}: cannot be run: {error.strerror}") from None
    try:
        said, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise InputError(f"{what}: not done in {limit_s:.0f} s; give it more time, or a smaller batch") from None
    finally:
        _end(process)
    return process.returncode, said


def _end(process: "subprocess.Popen[str]") -> None:
    """Kill what is left of a process and its children: ncu's own do not end with it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _check(status: int, said: str, printed: str, ran: dict[str, Any], what: str) -> None:
    """Raise what went wrong, from what both programs left; the profiled one's own word comes first."""
    if "error" in ran:
        raise InputError(f"{what}: {ran['error']}")
    both = f"{printed}\n{said}"
    for sign, words in REFUSALS.items():
        if sign in both:
            raise Refused(f"{what}: {words}")
    lines = [line for line in both.splitlines() if line.startswith("==ERROR==")] or said.splitlines()
    last = " ".join(next((line for line in reversed(lines) if line.strip()), "no word").split())[:300]
    if status < 0:
        raise InputError(f"{what}: ncu was ended by {signal.Signals(-status).name}: {last}")
    if status:
        raise InputError(f"{what}: ncu ended with {status}: {last}")
    if NOTHING in both:
        raise InputError(f"{what}: ncu counted no kernel; did the network run on the GPU?")
    if not ran:
        raise InputError(f"{what}: the profiled program did not end well, though ncu did: {last}")


def _ran(path: Path) -> dict[str, Any]:
    """Return what the profiled program told, nothing where it did not come to that."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
