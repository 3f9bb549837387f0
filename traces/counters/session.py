"""Counting on this machine: what it takes is looked for first, then runs are profiled and stored beside the model."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traces.counters.join import NONE, Counts, Row, join
from traces.counters.machine import Machine, describe, find_machine, known_metrics
from traces.counters.metrics import QUANTITIES, wanted
from traces.counters.profile import MODES, Profile, profile
from traces.counters.table import SIDES, write_counters
from traces.counters.target import Job, check
from traces.errors import InputError

if TYPE_CHECKING:
    from traces.gpus import Gpu
    from traces.trace import Kernel, Trace

# replay(trace, gpu, mode) -> quantities of each kernel; what a cache makes of a trace is another room's to say.
Model = Callable[["Trace", "Gpu", str], Sequence[Counts]]


@dataclass(frozen=True)
class Session:
    """A run, a machine that can count it, and the description of its GPU that is modelled."""

    job: Job
    machine: Machine
    gpu: str  # name of the description, or its file
    metrics: list[str]

    @classmethod
    def open(cls, job: Job, gpu: str | None = None, steps: int = 1) -> "Session":
        """Look for all that counting takes.

        Args:
            job: the run that is to be counted.
            gpu: the description to model; None for the one of this machine's GPU.
            steps: how many runs the trace holds.

        Raises:
            InputError: where something is missing, or the run cannot be counted.
        """
        if steps > 1:
            raise InputError(f"--counters: counts one run, not {steps}; leave out --steps")
        check(job)
        machine = find_machine()
        return cls(job, machine, gpu or describe(machine.gpu), wanted(known_metrics(machine), machine.gpu))

    def count(self, limit_s: float) -> dict[str, Profile]:
        """Return the run's profile, cold and warm; both within a limit in seconds.

        Raises:
            InputError: as `profile` does.
        """
        end, found = time.monotonic() + limit_s, {}
        for mode in MODES:
            if sys.stderr.isatty():
                print(f"{self.job.network} under ncu, {mode} ...", file=sys.stderr)
            found[mode] = profile(self.machine, self.job, mode, self.metrics, max(1.0, end - time.monotonic()))
        return found

    def rows(
        self, profiles: dict[str, Profile], kernels: "Sequence[Kernel]", modelled: Mapping[str, Sequence[Counts]]
    ) -> list[Row]:
        """Return the run's kernels, counted and modelled.

        Args:
            profiles: as `count` returns them.
            kernels: of the trace.
            modelled: mode -> quantities of each of them.
        """
        found: list[Row] = []
        for mode, one in profiles.items():
            found += join(name_of(self.job), mode, one.calls, one.kernels, kernels, modelled[mode])
        return found

    def about(self, profiles: dict[str, Profile]) -> dict[str, str]:
        """Return what a file of counters says of how it was made."""
        from traces.trace import made_by

        one = next(iter(profiles.values()))
        return {
            "made by": made_by(), "date": time.strftime("%Y-%m-%d", time.gmtime()), "gpu": self.machine.gpu,
            "modelled gpu": self.gpu, "driver": self.machine.driver, "ncu": self.machine.ncu_version,
            "torch": f"{one.torch}, CUDA {one.cuda}, cuDNN {one.cudnn}, on {one.device}",
            "clock": f"not locked; at most {self.machine.clock}",
            "cold": "all caches flushed before each kernel (--cache-control all --replay-mode kernel)",
            "warm": "caches as the run left them (--cache-control none --replay-mode application)",
            "metrics": " ".join(self.metrics),
            "counts": "sectors of 32 B; measured by ncu, modelled by hwmodel",
        }  # fmt: skip

    def save(self, path: Path, profiles: dict[str, Profile], trace: "Trace", model: Model | None) -> dict[str, Any]:
        """Write the run's kernels to a file of counters; return the totals, as a document.

        Without `model`, only reads and writes of L2, which the trace itself tells, stand beside what was counted.
        """
        from traces.gpus import load_gpu

        gpu = load_gpu(self.gpu)
        modelled = {mode: model(trace, gpu, mode) if model else sectors(trace) for mode in profiles}
        rows = self.rows(profiles, trace.kernels, modelled)
        write_counters(path, self.about(profiles), rows)
        machine = {"gpu": self.machine.gpu, "driver": self.machine.driver, "ncu": self.machine.ncu_version}
        return {"file": str(path), **machine, "totals": totals(rows)}


def name_of(job: Job) -> str:
    """Return what a file of counters calls a job: network, phase, batch, type."""
    given = "".join(f" {key}={value}" for key, value in job.arguments.items())
    return f"{job.network}{given} {job.phase} {job.batch} {job.dtype}{' checkpoint' if job.checkpoint else ''}"


def sectors(trace: "Trace") -> list[Counts]:
    """Return the reads and writes of L2 that each kernel of a trace makes; what a cache makes of them is left out."""
    from traces.survey import count

    found = count(trace)
    pairs = zip(found.sectors_read, found.sectors_written, strict=True)
    return [{**NONE, "l2_reads": float(read), "l2_writes": float(written)} for read, written in pairs]


def totals(rows: list[Row]) -> list[dict[str, Any]]:
    """Return a row a mode: its kernels, sums of each quantity, measured and modelled; None where none was counted."""
    found = []
    for mode in dict.fromkeys(row.mode for row in rows):
        of = [row for row in rows if row.mode == mode]
        total: dict[str, Any] = {"mode": mode, "measured_kernels": sum(bool(row.measured_kernel) for row in of),
                                 "modelled_kernels": sum(bool(row.modelled_kernel) for row in of)}  # fmt: skip
        for quantity in QUANTITIES:
            for side in SIDES:
                counts = [value for row in of if (value := getattr(row, side)[quantity]) is not None]
                total[f"{side}_{quantity}"] = sum(counts) if counts else None
        found.append(total)
    return found
