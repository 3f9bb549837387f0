"""A recommendation: how to run a job on a machine, what one more of each would bring, which machine a budget buys."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from circuits.yaml_file import read_yaml
from hwmodel.units import show
from reports.csv_table import read_table
from reports.figures.ratio import Place, actors_figure, ratio_map_figure
from reports.figures.strips import bar_figure
from reports.labels import counted, digits, listed, percent
from reports.model import Bullets, Code, Document, Paragraph, Section, Text, plain, strong
from reports.record import Source, clean
from reports.studies import Told
from reports.studies.balance_recommend_tables import best_table, figures_table, machines_table
from reports.studies.common import figures_of

QUESTION, WHICH = "How should this machine run it?", "Which machine should run it?"
FILE, FORMAT = "recommend.yaml", 1
UNITS = {"USD": "USD", "USD_per_hour": "USD/h"}  # of a budget
MACHINES = (
    "Of the machines, threads, SMs and memory are their makers’; speeds, what each part draws and prices are mostly "
    "assumed or recalled: the page of one --machine tells which."
)
NO_MAP = "The job says of no SMs, so there is no map of threads and SMs: calibrate it with --sms."
NOBODY, MOSTLY = 0.02, 0.5  # % for each % more, below which it brings nothing, from which on it is what limits
Row = dict[str, Any]


def tell(source: Source) -> Told:
    """Return the report of a folder of `hwmodel balance recommend -o`.

    Raises:
        InputError: for a folder in which a file is missing, cut short or foreign.
    """
    about = read_yaml(source.folder / FILE)
    if about.get("format") != FORMAT:
        raise InputError(f"{source.folder / FILE}: not of format {FORMAT}; run hwmodel balance recommend -o again")
    try:
        return _told(source, about)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        why = " ".join(str(error).split())[:120]
        raise InputError(f"{source.folder / FILE}: damaged ({why}); run hwmodel balance recommend -o again") from None


def _told(source: Source, about: Mapping[str, Any]) -> Told:
    numbers = ("threads", "sms", "number", "frames_per_second", "all_frames_per_second", "power_W", "frames_per_joule")
    machines = read_table(source.folder / "machines.csv", ("machine", "title", "asked"), numbers)
    answer = about.get("recommended")
    drawn: dict[str, Mapping[str, bytes]] = {}
    if answer:
        drawn |= _map(source.folder, answer, machines)
        drawn |= _actors(source.folder, about, answer)
        gains = [(_thing(name), "", float(value), f"{value:.2f} %") for name, value in answer["gains"].items()
                 if not name.startswith("at_")]  # fmt: skip
        drawn["gains"] = bar_figure("gains", gains, "frames/s for 1 % more of it [%]")
    drawn["ranking"] = _ranking(machines, bool(about.get("budget")))
    return Told(_document(about, answer, machines, drawn), drawn)


def _map(folder: Path, answer: Mapping[str, Any], machines: Sequence[Row]) -> dict[str, Mapping[str, bytes]]:
    if not (folder / "map.csv").is_file():
        return {}
    names = ("threads", "sms", "gpus", "actors", "frames_per_second")
    cells = []
    for row in read_table(folder / "map.csv", (), names, names):
        where = f"{row['threads']:,} threads, {row['sms']:,} SMs"
        tip = f"{where}: {digits(row['frames_per_second'])} frames/s with {row['actors']:,} actors"
        cells.append((row["threads"], row["sms"], row["frames_per_second"], tip))
    places = [Place(row["machine"], row["threads"], row["sms"], row["machine"] == answer["machine"])
              for row in sorted(machines, key=lambda row: row["machine"]) if row["sms"] and row["threads"]]  # fmt: skip
    return {"map": ratio_map_figure("map", cells, places, answer["balanced_cpu_gpu_ratio"])}


def _actors(folder: Path, about: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Mapping[str, bytes]]:
    names = ("actors", "threads", "gpus", "sms", "frames_per_second", "frames_per_joule")
    rows = read_table(folder / "results.csv", (), names, ("actors", "threads", "frames_per_second", "frames_per_joule"))
    knee = answer["knee"]
    gpus = knee["gpus"] if about["job_sms"] else 0
    own = [row for row in rows if row["threads"] == knee["threads"] and row["gpus"] == gpus]
    sms = max(row["sms"] for row in own)
    sets = {_set(knee["threads"], sms): [row for row in own if row["sms"] == sms]}
    for threads, least_sms in ((_nearest(rows, "threads", knee["threads"] / 2), sms),
                               (knee["threads"], _nearest(rows, "sms", sms / 2))):  # fmt: skip
        part = [row for row in rows if row["threads"] == threads and row["sms"] == least_sms]
        if part:
            sets.setdefault(_set(threads, least_sms), part)
    lines = {name: sorted((float(row["actors"]), float(row["frames_per_second"]), float(row["frames_per_joule"]))
                          for row in part) for name, part in sets.items()}  # fmt: skip
    return {"actors": actors_figure("actors", lines, float(knee["actors"]), next(iter(lines)))}


def _set(threads: float, sms: float) -> str:
    return f"{threads:,} threads" + (f", {sms:,} SMs" if sms else "")


def _nearest(rows: Sequence[Row], name: str, value: float) -> float:
    """Return the tried number that is nearest to one."""
    return min({row[name] for row in rows}, key=lambda one: abs(one - value))


def _ranking(machines: Sequence[Row], has_budget: bool) -> dict[str, bytes]:
    most = max(row["all_frames_per_second"] for row in machines)
    factor, unit = (1e-6, "million frames/s") if most >= 2e6 else (1e-3, "thousand frames/s")
    rows = []
    for row in machines:
        each = f"{counted(row['frames_per_second'])} each, " if row["number"] != 1 else ""
        beside = f"{row['number']:,} × {each}" if has_budget else ""
        rows.append((row["machine"], "asked for" if row["asked"] == "True" else "known",
                     factor * row["all_frames_per_second"],
                     f"{beside}{digits(row['frames_per_joule'])} frames/J"))  # fmt: skip
    return bar_figure("ranking", rows, unit)


def _document(
    about: Mapping[str, Any], answer: Mapping[str, Any] | None, machines: Sequence[Row],
    drawn: Mapping[str, Mapping[str, bytes]],
) -> Document:  # fmt: skip
    budget = budget_words(about)
    where = (
        "Frames/s over SMs and threads, each with the actors that suit it (modelled, in closed form): of threads and "
        f"SMs as fast as those of {clean(str(answer['machine'])) if answer else ''}. Thin lines: equal threads per SM. "
        "Dashed: the ratio at which CPU and GPU are both busy. Machines stand where their numbers are; their threads "
        "and SMs are faster or slower, which the colours do not tell. White: fewer threads than GPUs."
    )
    over = (
        "Frames/s and frames/J over actors on the machine, with all that the best setting has, and with half of its "
        "threads and of its SMs (modelled, in closed form; power of the machine’s figures below). The knee is the "
        "fewest actors with 95 % of the most frames/s."
    )
    more = "By how much frames/s grow at the knee for each per cent more of actors, threads or SMs (modelled)."
    ranked = f"What each machine reaches{f' for {budget}, with as many as it buys' if budget else ''} (modelled)."
    first = figures_of(drawn.get("map", {}), where, lead=True) or figures_of(drawn.get("actors", {}), over, lead=True)
    first = first or figures_of(drawn["ranking"], ranked, lead=True)
    shown = {figure.file for figure in first}
    no_map = NO_MAP if answer and "map" not in drawn else ""
    notes = [plain(clean(str(note))) for note in answer["notes"]] if answer else [plain(MACHINES)]
    figures, times = figures_table(about)
    return Document(
        title="hwmodel · balance recommendation",
        subtitle=clean(str(about["job"])) + _title(about) + (f", for {budget}" if budget else ""),
        short=clean(str(about["job"])),
        question=QUESTION if answer else WHICH,
        answer=answer_words(about, answer, machines),
        keys=best_table(answer) if answer else machines_table(machines),
        pictures=first,
        sections=[section for section in (
            Section("Actors", [block for block in figures_of(drawn.get("actors", {}), over)
                               if block.file not in shown]),
            Section("What more of each would bring", figures_of(drawn.get("gains", {}), more)),
            Section("Which machine", [*(block for block in figures_of(drawn["ranking"], ranked)
                                        if block.file not in shown),
                                      *([machines_table(machines)] if answer else [])]),
            Section("What this rests on", [*([Bullets(notes)] if notes else []),
                                           *([Paragraph(plain(no_map))] if no_map else []), times,
                                           *([figures] if figures else [])]),
            Section("Make it again", [Code("hwmodel balance recommend JOB -o answer\nhwmodel report answer")]),
        ) if section.blocks],
        date=str(about.get("date", ""))[:10],
        version=clean(str(about.get("hwmodel", "")))[:40] or "unknown",
        dense=True,
    )  # fmt: skip


def _title(about: Mapping[str, Any]) -> str:
    machine = about.get("machine")
    return f" on {clean(str(machine['title']))}" if machine else ""


def budget_words(about: Mapping[str, Any]) -> str:
    """Return the budget: `20 kW and 9 USD/h`; empty without one."""
    told = []
    for name, value in (about.get("budget") or {}).items():
        told.append(show(name, float(value)) if name == "power_W" else f"{float(value):,g} {UNITS[name]}")
    return listed(told) if told else ""


def answer_words(about: Mapping[str, Any], answer: Mapping[str, Any] | None, machines: Sequence[Row]) -> Text:
    """Return the setting, what limits there, the ratio, and the machine that a budget buys the most with."""
    budget = budget_words(about)
    top = machines[0]
    bought = f"{top['number']:,} × {top['machine']}" if budget else top["machine"]
    rate = counted(top["all_frames_per_second"])
    most = f"{'For ' + budget if budget else 'Of the machines'}, {bought} reaches the most: {rate} frames/s."
    if budget and not top["all_frames_per_second"]:
        most = f"{budget} buys none of the machines."
    if not answer:
        return plain(strong(most), " All of this is modelled; name one --machine to see how to set the job on it.")
    knee, best = answer["knee"], answer["best"]["frames_per_second"]
    on = f"{knee['threads']:,} threads" + (
        f" and {best['gpus']} GPU{'s' * (best['gpus'] != 1)}" if best["gpus"] else ""
    )
    head = (f"With {knee['actors']:,} actors on {on} it makes {counted(knee['frames_per_second'])} frames/s, "
            f"{percent(knee['of_most'])} of the most.")  # fmt: skip
    gains = {name: value for name, value in answer["gains"].items() if not name.startswith("at_")}
    told = ", ".join(f"{_thing(name)} {gains[name]:.2f}" for name in sorted(gains, key=lambda name: -gains[name]))
    first = max(gains, key=lambda name: gains[name])
    limit = f"{_thing(first)} limit: " if gains[first] >= MOSTLY else ""
    text = f" There, {limit}1 % more of each brings, in % of frames/s, {told}."
    text = text if gains[first] >= NOBODY else " More of nothing brings more."
    if (wanted := answer["balanced_cpu_gpu_ratio"]) is not None:
        has = answer["cpu_gpu_ratio"]
        short = "threads are short" if wanted > has else "SMs are short"
        text += f" The machine has {digits(has)} threads per SM, the job wants {digits(wanted)}: {short}."
    low, high = best["low_frames_per_second"], best["high_frames_per_second"]
    text += (f" At its best setting it makes {counted(best['frames_per_second'])} frames/s (90 % of "
             f"measurements: {counted(low)} to {counted(high)}).")  # fmt: skip
    return plain(strong(head), text, f" {most}", " All of this is modelled.")


def _thing(name: str) -> str:
    return {"sms": "SMs"}.get(name, name)
