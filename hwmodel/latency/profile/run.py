"""A profile from start to end: items measured by a runtime, a table and device.yaml written."""

from pathlib import Path
from typing import Any

from hwmodel.console import Advance
from hwmodel.latency.profile import energy, results
from hwmodel.latency.profile.items import Item, anchors, checked
from hwmodel.latency.profile.session import Plan, run_session
from hwmodel.latency.runtimes import find_runtime


def profile(
    runtime: str, items: list[Item], folder: Path, plan: Plan, core_W: float | None, advance: Advance
) -> dict[str, Any]:
    """Measure items, or what is missing of them in a folder, and write measurements.parquet and device.yaml there.

    Args:
        runtime: its name.
        items: blocks and networks; anchors come by themselves.
        folder: of the session.
        plan: rounds, threads, core.
        core_W: assumed power of a core, for joules where the machine counts none; else None.
        advance: told of each visit.

    Returns:
        What was measured: the runtime, the processor, drift, and a row an item.

    Raises:
        InputError: for an unknown runtime, and whatever `run_session` and `save` refuse.
    """
    found = find_runtime(runtime)
    fixed = anchors()
    everything = checked([*items, *fixed])
    joules = energy.find(core_W)
    visits, conditions = run_session(found, items, fixed, folder, plan, joules, advance)
    slow = results.courses(visits)
    table = results.rows(everything, visits, slow, joules)
    about = results.device(conditions, visits, slow, joules)
    results.save(folder, table, about)
    return {
        "output": str(folder),
        "runtime": f"{about['runtime']} {about['runtime_version']}",
        "processor": about["machine"]["processor"],
        "threads": plan.threads,
        "visits": len(visits),
        "drift": {clock: {name: told[name] for name in ("swing", "noise", "slowest")}
                  for clock, told in about["drift"].items()},
        "energy": joules.reason,
        "measurements": [{name: value for name, value in row.items() if name in SHOWN} for row in table],
    }  # fmt: skip


SHOWN = ("name", "family", "visits", "wall_corrected_s", "cpu_corrected_s", "cpu_minimum_s", "cpu_spread", "energy_J")
