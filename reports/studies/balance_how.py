"""How a command was watched: a row a circumstance."""

import re
from collections.abc import Mapping
from typing import Any

from hwmodel.units import show
from reports.labels import counted, digits, engineering, percent
from reports.model import Heading, Table, plain
from reports.record import clean

MOST_TEXT = 400
_RANGES = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")


def threads_of(about: Mapping[str, Any]) -> int | None:
    """Return how many processors a command could use; none where that was not kept."""
    held = about.get("cpus")
    text = held.get("found") or held.get("asked") if isinstance(held, Mapping) else None
    if isinstance(text, str) and _RANGES.fullmatch(text):
        ends = [[int(one) for one in part.split("-")] for part in text.split(",")]
        return sum(part[-1] - part[0] + 1 for part in ends)
    allowed = (about.get("machine") or {}).get("allowed_cpus")
    return allowed if isinstance(allowed, int) else None


def how_table(about: Mapping[str, Any], window: Mapping[str, Any], command: str) -> Table:
    """Return what was run, on what, and how closely it was watched."""
    totals, watching = about.get("totals") or {}, about.get("watching") or {}
    frames, machine = about.get("frames") or {}, about.get("machine") or {}
    rows = [
        ["command", command],
        ["began, ended", f"{about.get('started', '-')}; {about['ended']['how']}, after {_s(about.get('wall_s'))}"],
        ["steady window", f"{_s(window['start_s'])} to {_s(window['end_s'])}: {window['how']}"],
        ["frames", f"{_frames(frames.get('total'))} in all, from {frames.get('by') or 'nothing'}"],
        ["processes", f"{totals.get('processes') or '-'} in all, at most {totals.get('most_processes')} at a time"],
        ["CPU time", f"{_s(totals.get('cpu_s') or totals.get('sampled_cpu_s'))} in all"
                     + (f", {percent(totals['coverage'])} of it seen at ticks" if totals.get("coverage") else "")],
        ["context switches", _switches(totals)],
        ["peak memory", show("rss_bytes", totals.get("peak_rss_bytes"))],
        *_pressure(window),
        ["machine", _machine(machine)],
        ["GPU", _gpu(about, window)],
        ["ticks", _ticks(watching, about.get("hz"))],
    ]  # fmt: skip
    nodes = about.get("nodes")
    if isinstance(nodes, Mapping):
        rows.append(["nodes of memory", "; ".join(
            f"{role} " + ", ".join(f"{percent(share)} on {node}" for node, share in shares.items())
            for role, shares in nodes.items())])  # fmt: skip
    rows = [[name, clean(str(text))[:MOST_TEXT]] for name, text in rows]
    headings = [Heading("What", align="left"), Heading("Is", align="left")]
    return Table(plain("What was run and watched (measured)."), headings, rows, even=False)


def _frames(total: Any) -> str:
    return counted(total) if total else "none"


def _switches(totals: Mapping[str, Any]) -> str:
    own, pushed = (show("n", totals.get(f"{kind}_switches")) for kind in ("voluntary", "involuntary"))
    return f"{own} by itself, {pushed} as it was pushed from its core"


def _ticks(watching: Mapping[str, Any], hz: Any) -> str:
    share = watching.get("share_of_a_core")
    text = f"{watching.get('ticks', '-')} at {hz:g} Hz, {watching.get('late_ticks', '-')} of them late"
    return text + (f"; watching took {100 * share:.2g}\u00a0% of one core" if share is not None else "")


def _pressure(window: Mapping[str, Any]) -> list[list[str]]:
    """Return the kernel's pressure figures: shares of the time in which somebody waited for a resource."""
    machine = window.get("machine") or {}
    told = [f"{kind} {percent(machine[f'pressure_{kind}'])}" for kind in ("cpu", "io", "memory")
            if machine.get(f"pressure_{kind}") is not None]  # fmt: skip
    stolen = machine.get("stolen_cores")
    rows = [["pressure (PSI)", f"somebody waited for: {', '.join(told)} of the time"]] if told else []
    return rows + ([["stolen", f"{digits(stolen)} threads, by other guests of the host"]] if stolen else [])


def _machine(machine: Mapping[str, Any]) -> str:
    parts = [machine.get("processor"), f"{machine.get('allowed_cpus')} of {machine.get('logical_cores')} processors",
             show("memory_bytes", machine.get("memory_bytes")), machine.get("kernel"),
             "a virtual machine" if machine.get("hypervisor") else None]  # fmt: skip
    return ", ".join(str(part) for part in parts if part)


def _gpu(about: Mapping[str, Any], window: Mapping[str, Any]) -> str:
    if window.get("gpus") is None:
        return f"no figures: {window.get('no_gpu', 'not read')}"
    gpu = about.get("gpu") or {}
    names = [str(one.get("name")) for one in gpu.get("devices", ()) if one.get("name")]
    return ", ".join(filter(None, [", ".join(names), f"driver {gpu['driver']}" if gpu.get("driver") else ""])) or "read"


def _s(value: Any) -> str:
    return engineering("x_s", float(value)) if isinstance(value, (int, float)) else "-"
