"""A recommendation as tables: the best settings, the machines, and the figures that it rests on."""

from collections.abc import Mapping, Sequence
from typing import Any

from hwmodel.units import label_of, show
from reports.labels import counted, digits, engineering
from reports.model import Heading, Table, plain
from reports.record import clean
from reports.studies.balance_job_tables import NAMES

GOALS = {"frames_per_second": "frames/s", "frames_per_joule": "frames/J", "frames_per_dollar": "frames/USD"}
WORDS = ("assumed", "recalled", "measured")  # sources that are no works


def best_table(answer: Mapping[str, Any]) -> Table:
    """Return a row a goal: the setting with the most of it."""
    rows = []
    for goal, row in answer["best"].items():
        rows.append([GOALS.get(goal, goal), f"{row['actors']:,}", f"{row['threads']:,}", f"{row['gpus'] or '-'}",
                     f"{row['sms']:,}" if row["sms"] else "-", counted(row["frames_per_second"]),
                     f"{counted(row['low_frames_per_second'])} to {counted(row['high_frames_per_second'])}",
                     digits(row["frames_per_joule"]),
                     counted(row["frames_per_dollar"]) if row.get("frames_per_dollar") else "-",
                     engineering("x_W", row["power_W"]), row["limit"]])  # fmt: skip
    headings = [Heading("Most", align="left"), Heading("Actors"), Heading("Threads"), Heading("GPUs"), Heading("SMs"),
                Heading("Frames/s"), Heading("90 % of it"), Heading("Frames/J"), Heading("Frames/USD"),
                Heading("Power"), Heading("Limit", align="left")]  # fmt: skip
    caption = (
        "The settings with the most of each. Frames/s are simulated, with the interval that should hold 90 % of "
        "measurements; power is modelled in closed form."
    )
    return Table(plain(caption), headings, rows)


def machines_table(machines: Sequence[Mapping[str, Any]]) -> Table:
    """Return a row a machine, the best first."""
    rows = [[row["machine"], f"{row['threads']:,}", f"{row['sms']:,}",
             digits(row["threads"] / row["sms"]) if row["sms"] else "-", f"{row['number']:,}",
             counted(row["frames_per_second"]), counted(row["all_frames_per_second"]),
             engineering("x_W", row["power_W"]), digits(row["frames_per_joule"]), _dollars(row)]
            for row in machines]  # fmt: skip
    headings = [Heading("Machine", align="left"), Heading("Threads"), Heading("SMs"), Heading("Threads per SM"),
                Heading("Number"), Heading("each", over="frames/s"), Heading("all", over="frames/s"),
                Heading("Power of each"), Heading("Frames/J"), Heading("Frames/USD")]  # fmt: skip
    caption = (
        "The machines, each with its best setting (modelled: found in closed form, then simulated). Frames/J and "
        "frames/USD are the most of any setting."
    )
    return Table(plain(caption), headings, rows)


def _dollars(row: Mapping[str, Any]) -> str:
    try:
        return counted(float(row.get("frames_per_dollar") or "nan")) if row.get("frames_per_dollar") else "-"
    except ValueError:
        return "-"


def figures_table(about: Mapping[str, Any]) -> tuple[Table | None, Table]:
    """Return the machine's figures, each with its source, where there is one machine; and the job's times."""
    times = []
    for name, one in about["times"].items():
        spread = f"{100 * float(one['spread']):.0f}\u00a0%"
        times.append([NAMES.get(name, name), engineering("x_s", float(one["value"])), spread, clean(str(one["basis"]))])
    heads = [Heading("Time", align="left"), Heading("Is"), Heading("Spread"), Heading("Basis", align="left")]
    of_job = Table(plain("The job’s times, on the machine that it was calibrated on."), heads, times)
    machine = about.get("machine")
    if not machine:
        return None, of_job
    works = list(dict.fromkeys(clean(str(one["source"])) for one in machine.values()
                               if isinstance(one, Mapping) and one["source"] not in WORDS))  # fmt: skip
    rows = []
    for name, one in machine.items():
        if isinstance(one, Mapping):
            source = clean(str(one["source"]))
            basis = source if source in WORDS else f"published [{works.index(source) + 1}]"
            rows.append([_figure_name(name), _figure(name, float(one["value"])), basis])
    heads = [Heading("Figure of the machine", align="left"), Heading("Is"), Heading("Basis", align="left")]
    note = " ".join(f"[{number}] {work}." for number, work in enumerate(works, 1))
    table = Table(plain(f"The figures of {clean(str(machine['name']))}."), heads, rows, plain(note) if note else [])
    return table, of_job


def _figure_name(name: str) -> str:
    words = name.removesuffix("_hour").removesuffix("_per").removesuffix("_USD")
    return {"sms": "SMs of each GPU", "gpus": "GPUs"}.get(name, label_of(words))


def _figure(name: str, value: float) -> str:
    if name.endswith(("_USD", "_hour")):
        return f"{value:,.4g} USD/h" if name.endswith("_hour") else f"{value:,.0f} USD"
    return show(name, value)
