"""A watched training command: who starved, over which time, what its phases cost, and how all that was measured."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from circuits.errors import InputError
from hwmodel.balance.profile import read_profile
from hwmodel.balance.profile.view import STARVED
from hwmodel.units import show
from reports.figures.timeline import timeline_figure
from reports.labels import digits, engineering, percent
from reports.model import Bullets, Code, Document, Heading, Section, Table, Text, plain, strong
from reports.record import Source, clean
from reports.studies import Told
from reports.studies.balance_course import bins_of, panels_of
from reports.studies.balance_how import how_table, threads_of
from reports.studies.common import figures_of

QUESTION = "What starves?"
BUSY = 0.9  # of the threads or of a GPU, from which on they are said to be full
LITTLE = 0.02  # threads: a role that wants less is not said to starve
_PLURAL = {"actor": "actors", "learner": "the learner", "inference": "inference"}


def tell(source: Source) -> Told:
    """Return the report of a folder of `hwmodel balance profile`.

    Raises:
        InputError: for a folder without a finished profile, or in which a file is damaged.
    """
    profile = read_profile(source.folder)
    about = profile.about
    window = about.get("steady")
    if not isinstance(window, dict) or "roles" not in window:
        raise InputError(f"{source.folder}: the command ended before anything could be measured; let it run longer")
    try:
        threads = threads_of(about)
        edges = bins_of(profile)
        panels = panels_of(profile, edges, threads) if len(edges) else []
        middle = (edges[:-1] + edges[1:]) / 2
        drawn = {"timeline": timeline_figure("timeline", middle, panels, (window["start_s"], window["end_s"]))}
        return Told(_document(source, about, window, threads, drawn), drawn)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source.folder}: damaged ({' '.join(str(error).split())[:120]}); profile it again") from None


def _document(
    source: Source, about: Mapping[str, Any], window: Mapping[str, Any], threads: int | None,
    drawn: Mapping[str, Mapping[str, bytes]],
) -> Document:  # fmt: skip
    seen = (
        "The run over time (measured): each panel a sum or mean over the job’s processes. The steady window, of which "
        "all tables tell, is shaded; a wait for a core is the kernel’s own count of time in its run queue."
    )
    first = figures_of(drawn["timeline"], seen, lead=True)
    command = shlex.join(clean(str(word)) for word in about.get("command", []))
    warnings = [plain(clean(str(one)) + ".") for one in about.get("warnings", [])]
    machine = about.get("machine") or {}
    return Document(
        title="hwmodel · balance profile",
        subtitle=f"{clean(str(machine.get('processor', 'a processor')))}"
                 f"{f', {threads} threads' if threads else ''}: {command[:110]}{'…' * (len(command) > 110)}",
        short=clean(source.folder.resolve().name),
        question=QUESTION,
        answer=answer(window, threads),
        keys=roles_table(window["roles"]),
        pictures=first,
        sections=[section for section in (
            Section("Phases", [phases_table(window["phases"])] if window.get("phases") else []),
            Section("GPUs", _gpus(about, window)),
            Section("Warnings", [Bullets(warnings)] if warnings else []),
            Section("How it was measured", [how_table(about, window, command), Bullets(_bases())]),
            Section("From here", [
                Code("hwmodel balance calibrate -o job -- COMMAND {actors}  # runs of 1, 2, 4 actors\n"
                     "hwmodel report job                                   # how it would go with more"),
            ]),
        ) if section.blocks],
        date=str(about.get("started", ""))[:10],
        version=clean(str(about.get("hwmodel", "")))[:40] or "unknown",
        dense=True,
    )  # fmt: skip


def answer(window: Mapping[str, Any], threads: int | None) -> Text:
    """Return in words who waited, how full the CPU was, what the GPU did, and how fast it went."""
    waits = [row for row in window["roles"] if (row["wait_share"] or 0) >= STARVED and _wanted(row) > LITTLE]
    worst = max(waits, key=_wanted, default=None)
    if worst is not None:
        it = "they" if worst["processes"] > 1 else "it"
        head = f"{_who(worst)} waited {percent(worst['wait_share'])} of the time {it} wanted a core."
    elif all(row["wait_share"] is None for row in window["roles"]):
        head = "Who waited for a core is not known."
    else:
        head = "Nobody starved for a core."
    rest = [f"{_who(row)} waited {percent(row['wait_share'])} of it" for row in waits if row is not worst]
    tail = f" {'; '.join(rest)}." if rest else ""
    machine = window.get("machine") or {}
    if window.get("cores") is not None:
        tail += f" The job kept {digits(window['cores'])}{f' of {threads}' if threads else ''} threads busy"
        busy = machine.get("busy_cores")
        others = (busy or 0.0) - window["cores"]
        if threads and busy is not None and others > 0.05 * threads:
            tail += f", other work {digits(others)}"
            if others > window["cores"] and worst is not None:
                tail += ": it is the other work that it waited for"
        tail += "."
    return plain(strong(head), tail, _gpu_words(window), _speed(window))


def _wanted(row: Mapping[str, Any]) -> float:
    """Return the threads that a role would have kept busy, had there been a thread whenever one was wanted."""
    return row["cores"] / max(1 - (row["wait_share"] or 0.0), 1e-3) if row["cores"] else 0.0


def _who(row: Mapping[str, Any]) -> str:
    name = clean(str(row["role"]))
    who = _PLURAL.get(name, f"{name} processes" if row["processes"] > 1 else name)
    return who[:1].upper() + who[1:]


def _gpu_words(window: Mapping[str, Any]) -> str:
    if window.get("gpus") is None:
        return f" There are no GPU figures: {clean(str(window.get('no_gpu', 'not read')))}."
    busy = [one["busy"] for one in window["gpus"] if one["busy"] is not None]
    if not busy:
        return " How busy the GPU was could not be read."
    active = [one["sm_active"] for one in window["gpus"] if one["sm_active"] is not None]
    text = f" The busiest GPU had work {percent(max(busy))} of the time"
    text += f", on {percent(max(active))} of its SMs’ cycles" if active else ""
    return text + ("." if max(busy) >= BUSY else ", and so stood still the rest.")


def _speed(window: Mapping[str, Any]) -> str:
    if window.get("frames_per_second") is None:
        return " No frames were counted."
    text = f" It made {digits(window['frames_per_second'])} frames/s"
    if window.get("cpu_s_per_frame"):
        text += f" at {engineering('x_s', window['cpu_s_per_frame'])} of CPU time each"
    if window.get("frames_per_joule"):
        text += f" and {digits(window['frames_per_joule'])} frames/J of the GPUs’ energy"
    return text + ("." if window.get("settled", True) else ", a rate that had not settled.")


def _texts(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name in ("wait_share", "busy", "tree_busy", "sm_active", "tensor_active", "dram_active"):
        return percent(value)
    if name.endswith(("_s", "_s_per_frame")):
        return f"−{engineering('x_s', -value)}" if value < 0 else engineering("x_s", value)
    return show(name, value) if name.endswith(("_bytes", "_Hz", "_W", "_J")) else digits(float(value))


def _table(
    caption: str, columns: Sequence[tuple[str, str, str]], rows: Sequence[Mapping[str, Any]], note: str = ""
) -> Table:
    """Return a table of those columns, (key, heading, heading above), in which any row has a figure."""
    told = [one for one in columns if any(row.get(one[0]) is not None for row in rows)]
    headings = [Heading(title, over=over, align="left" if place == 0 else "right")
                for place, (_, title, over) in enumerate(told)]  # fmt: skip
    texts = [[clean(str(row[key])) if place == 0 else _texts(key, row.get(key)) for place, (key, _, _) in
              enumerate(told)] for row in rows]  # fmt: skip
    return Table(plain(caption), headings, texts, plain(note) if note else [])


def roles_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return a row a role, in the steady window."""
    return _table(
        "Who did what in the steady window (measured): numbers and memory are means over it.",
        (("role", "Role", ""), ("processes", "Processes", ""), ("threads", "Threads", ""),
         ("cores", "Threads busy", ""), ("wait_share", "Waited for a core", ""), ("cpu_s_per_frame", "a frame",
         "CPU time"), ("cpu_s", "in all", "CPU time"), ("slices_per_second", "Slices/s", ""),
         ("rss_bytes", "Memory", "")), rows,
    )  # fmt: skip


def phases_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return a row a phase that the job counts of itself."""
    return _table(
        "What the job’s own meters count of its phases in the steady window (measured). Of a phase whose events differ "
        "in size, such as batches, time is a + b × size by least squares through all of them.",
        (("phase", "Phase", ""), ("count", "Count", ""), ("per_second", "a second", ""), ("mean_size", "Mean size", ""),
         ("mean_wall_s", "mean", "wall time"), ("wall_a_s", "a", "wall time"), ("wall_b_s", "b", "wall time"),
         ("wall_residual_s", "about it", "wall time"), ("mean_cpu_s", "mean", "CPU time"), ("cpu_a_s", "a",
         "CPU time"), ("cpu_b_s", "b", "CPU time")), rows,
    )  # fmt: skip


def _gpus(about: Mapping[str, Any], window: Mapping[str, Any]) -> list[Any]:
    if window.get("gpus") is None:
        return []
    table = _table(
        "The GPUs in the steady window (measured, through NVML): means of their readings. SMs, tensor cores and DRAM "
        "are shares of cycles at the clock beside.",
        (("gpu", "GPU", ""), ("busy", "Busy", ""), ("tree_busy", "by this job", ""), ("sm_active", "SMs active", ""),
         ("tensor_active", "Tensor", ""), ("dram_active", "DRAM", ""), ("sm_clock_Hz", "SM clock", ""),
         ("power_W", "Power", ""), ("energy_J", "Energy", ""), ("memory_used_bytes", "Memory", "")), window["gpus"],
    )  # fmt: skip
    reasons = [plain(f"GPU {one['gpu']}: no {clean(str(name))}: {clean(str(reason))}.")
               for one in (about.get("gpu") or {}).get("devices", ())
               for name, reason in (one.get("unreadable") or {}).items()]  # fmt: skip
    return [table, *([Bullets(reasons)] if reasons else [])]


def _bases() -> list[Text]:
    return [
        plain("Every figure here is measured; nothing is modelled, and what could not be read is left out."),
        plain("CPU time and waits for a core are the kernel’s counters of each thread (schedstat), read at each tick; "
              "what a counter grew by between two ticks is taken to have come evenly."),
        plain("Phases are counted and timed by the job itself where it has meters; a wait within a phase is in its "
              "wall time and not in its CPU time."),
    ]  # fmt: skip
