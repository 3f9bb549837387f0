"""Under what a device was measured, as device.yaml and predictors' files hold it: a row a condition."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hwmodel.units import show
from reports.labels import digits, listed
from reports.model import Heading, Table, plain
from reports.record import clean

MOST_TEXT = 160
LEFT_OUT = ("format", "hwmodel", "basis", "states", "drift", "visits", "unreadable", "machine", "measured", "energy",
            "instruction_sets", "runtime", "runtime_version", "involuntary_switches")  # fmt: skip
STATE = (("governor", "governor"), ("frequency_Hz", "frequency"), ("temperature_C", "temperature"),
         ("load_average", "load"), ("steal_s", "stolen so far"))  # fmt: skip


def conditions_table(conditions: Mapping[str, Any]) -> Table | None:
    """Return what is known of the machine, its runtime and its states; None where nothing is."""
    rows = []
    if "runtime" in conditions:
        version = text_of(conditions.get("runtime_version"))
        rows.append(["runtime", f"{text_of(conditions['runtime'])} {version}".strip()])
    machine = conditions.get("machine")
    if isinstance(machine, Mapping):
        rows += [[clean(str(name)).replace("_", " "), text_of(value)] for name, value in machine.items()
                 if name != "unreadable"]  # fmt: skip
    rows += [[clean(str(name)).removesuffix("_bytes").replace("_", " "), text_of(value, str(name))]
             for name, value in conditions.items() if name not in LEFT_OUT]  # fmt: skip
    measured = conditions.get("measured")
    if isinstance(measured, list) and measured:
        rows.append(["measured", " to ".join(text_of(one) for one in measured[:2])])
    if "involuntary_switches" in conditions:
        rows.append(["pushed from its core", f"{text_of(conditions['involuntary_switches'])} times"])
    energy = conditions.get("energy")
    if isinstance(energy, Mapping):
        basis = energy.get("basis")
        rows.append(["energy", f"{text_of(basis) if basis else 'not counted'}: {text_of(energy.get('reason'))}"])
    if not rows:
        return None
    headings = [Heading("Condition", align="left"), Heading("Is", align="left")]
    return Table(plain("What was measured on, and how."), headings, rows, even=False)


def states_table(conditions: Mapping[str, Any]) -> Table | None:
    """Return the machine's state at the beginning and end of each session; None where none was kept."""
    states = conditions.get("states")
    known = [one for one in states if isinstance(one, Mapping)] if isinstance(states, list) else []
    if not known:
        return None
    rows = [[text_of(one.get("of")), _when(one.get("at_s")), *(text_of(one.get(name), name) for name, _ in STATE)]
            for one in known]  # fmt: skip
    headings = [Heading("Session", align="left"), Heading("At (UTC)", align="left"), *(Heading(t) for _, t in STATE)]
    reasons = {clean(str(name)): clean(str(why)) for one in known
               for name, why in (one.get("unreadable") or {}).items()}  # fmt: skip
    told = [f"{name.rpartition('_')[0] or name}: {why[:MOST_TEXT]}" for name, why in reasons.items()]
    return Table(plain("The machine at the beginning and end of each session."), headings, rows,
                 plain(f"What could not be read. {'; '.join(told)}.") if told else [])  # fmt: skip


def runtime_words(conditions: Mapping[str, Any]) -> str:
    """Return what a device runs, in a few words; empty where it is not told."""
    machine = conditions.get("machine")
    processor = text_of(machine["processor"]) if isinstance(machine, Mapping) and machine.get("processor") else ""
    runtime = " ".join(text_of(conditions[name]) for name in ("runtime", "runtime_version") if conditions.get(name))
    threads = conditions.get("threads")
    counted = f"{threads} thread{'s' * (threads != 1)}" if isinstance(threads, int) else ""
    return ", ".join(part for part in (runtime, f"on {processor}" if processor else "", counted) if part)


def text_of(value: object, name: str = "") -> str:
    """Return a condition as people read it; null is a dash."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        if name == "temperature_C":
            return f"{digits(float(value))} °C"
        return show(name, value) if math.isfinite(value) else "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{clean(str(key))} {text_of(one)}" for key, one in list(value.items())[:8])[:MOST_TEXT]
    if isinstance(value, list):
        return listed([text_of(one) for one in value[:16]])[:MOST_TEXT] if value else "-"
    return clean(str(value))[:MOST_TEXT] or "-"


def _when(at_s: object) -> str:
    if isinstance(at_s, bool) or not isinstance(at_s, (int, float)) or not 0 <= at_s < 2**36:
        return "-"
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
