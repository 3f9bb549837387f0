"""What profile.yaml says of a run besides the tables' figures: the command, how it ended, what could not be seen."""

import os
import signal
import time
from collections.abc import Sequence
from typing import Any

from hwmodel.balance.profile.child import text_of
from hwmodel.balance.profile.machine import described
from hwmodel.balance.profile.run import Run

LATE_SHARE = 0.05  # of ticks that came late, from which on it is told


def begun(run: Run, command: Sequence[str]) -> dict[str, Any]:
    """Return what is known when the command has been started."""
    options = run.options
    found: dict[str, Any] = {
        "command": list(command),
        "folder": os.getcwd(),  # noqa: PTH109
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(run.clocks.epoch_s)),
        "hz": options.hz,
        "frames_looked_for": run.source.by if run.source else None,
        "no_wait": run.tree.no_wait or None,
        "terminal": options.terminal,
        "machine": described(run.machine),
        "gpu": run.gpus.described(),
    }
    if options.cpus is not None:
        try:
            held = sorted(os.sched_getaffinity(run.tree.root))
        except OSError:
            held = None
        found["cpus"] = {
            "asked": text_of(options.cpus),
            "found": None if held is None else text_of(held),
        }
    return found


def ended(run: Run, watching_cpu_s: float) -> dict[str, Any]:
    """Return what is known at the end, to be laid over what was known at the beginning.

    Args:
        run: that has ended.
        watching_cpu_s: processor time that watching took.
    """
    wall_s = run.clocks.now_s()
    reaped = run.reaped
    found: dict[str, Any] = {
        "ended": _ended(run),
        "wall_s": wall_s,
        "kernel": {
            "cpu_s": None if reaped.unknown else reaped.cpu_s,
            "voluntary_switches": None if reaped.unknown else reaped.voluntary_switches,
            "involuntary_switches": None if reaped.unknown else reaped.involuntary_switches,
        },
        "processes_seen": run.tree.began,
        "gpu": run.gpus.described(),
        "nodes": _nodes(run),
        "watching": {
            "cpu_s": watching_cpu_s,
            "share_of_a_core": watching_cpu_s / wall_s if wall_s else None,
            "ticks": run.ticks,
            "late_ticks": run.late_ticks,
            "most_late_s": run.most_late_s,
        },
        "suspended_s": run.clocks.slept_s,
        "clock_set_by_s": run.clocks.set_by_s,
        "output_bytes": run.output.received_bytes,
        "warnings": _warnings(run),
    }
    if run.strayed:
        found["strayed"] = list(run.strayed.values())
    return found


def _ended(run: Run) -> dict[str, Any]:
    """Return how the command ended; `exit_status` and `signal` are of its own process."""
    status = run.reaped.status
    by_signal = status is not None and status < 0
    how = "not known" if status is None else f"killed by {_name(-status)}" if by_signal else f"exit status {status}"
    if run.ended_by:
        how = f"ended by {run.ended_by} ({run.last_signal}): {how}"
    return {
        "how": how,
        "exit_status": None if status is None or by_signal else status,
        "signal": _name(-status) if status is not None and by_signal else None,
        "by": run.ended_by or None,
    }


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _nodes(run: Run) -> dict[str, dict[int, float]] | None:
    """Return the nodes of memory on which each role's processes ran, in shares; none where there is one node."""
    if len(run.machine.nodes) < 2:
        return None
    node_of, found = run.machine.node_of_cpu(), {}
    for name, sums in zip(run.tree.roles.names, run.tree.sums, strict=False):
        shares: dict[int, float] = {}
        for cpu, number in sums.cores.items():
            node = node_of.get(cpu, -1)
            shares[node] = shares.get(node, 0.0) + number / sum(sums.cores.values())
        found[name] = dict(sorted(shares.items()))
    return found


def _warnings(run: Run) -> list[str]:
    found = [*run.warnings, *run.output.warnings, *run.gpus.warnings]
    if run.journal.failed:
        found.append(f"figures could not be written any more: {run.journal.failed}; later ones are missing")
    if run.source is not None:
        count = run.source.count
        if count.total is None:
            found.append(
                f"no frames: looked for {run.source.by}; {run.output.received_bytes} bytes of output held none"
            )
        if count.restarts:
            found.append(f"frames: the running total fell {count.restarts} times; each is taken for a new count")
    if run.tree.unreadable:
        found.append(f"{run.tree.unreadable} processes could not be read (another user's?); they are missing")
    if run.strayed:
        shown = "; ".join(list(run.strayed.values())[:3])
        found.append(f"{len(run.strayed)} processes left the processors asked for: {shown}")
    if run.ticks > 20 and run.late_ticks > LATE_SHARE * run.ticks:
        found.append(
            f"{run.late_ticks} of {run.ticks} ticks came late, up to {run.most_late_s:.2f} s; sums are right still"
        )
    if run.tree.no_wait:
        found.append(f"no run-queue wait: {run.tree.no_wait}")
    if not run.tree.lists_children:
        found.append("this kernel lists no children; short processes may have been missed")
    if run.reaped.unknown:
        found.append("the kernel's totals are not known: somebody else waited for the command's processes")
    return found
