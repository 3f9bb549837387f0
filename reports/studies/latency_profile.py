"""A profile of a device: how steady the machine was, what its blocks and networks took, and how sure that is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.layers.profiled import graph_of, read_profile
from hwmodel.latency.profile.log import FILE, read_log
from hwmodel.latency.profile.results import courses
from reports.figures.accuracy import error_words
from reports.figures.course import course_figure, told_figure
from reports.figures.strips import strip_figure
from reports.figures.work import work_figure
from reports.frames import checked
from reports.labels import counted, digits, engineering, percent
from reports.model import Code, Document, Heading, Paragraph, Section, Table, Text, plain, strong
from reports.record import Source, clean
from reports.studies import Told
from reports.studies.common import figures_of
from reports.studies.conditions import conditions_table, runtime_words, states_table

if TYPE_CHECKING:
    import pandas as pd

QUESTION = "How steady was the machine?"
NOISIEST, LEAST_SPREAD = 5, 1e-4
MUCH = 0.05  # of spread, from which a block is said to be noisy
TIMES = ("wall_corrected_s", "cpu_corrected_s", "cpu_uncorrected_s", "cpu_minimum_s", "cpu_p10_s", "cpu_p90_s")
TOLD = (("temperature_C", 1.0, "temperature [°C]"), ("frequency_Hz", 1e-9, "frequency [GHz]"))


def tell(source: Source) -> Told:
    """Return the report of a profile's folder.

    Raises:
        InputError: for a folder without a finished profile, or in which a file is damaged.
    """
    folder = source.folder
    table, conditions = read_profile(folder)
    rows = checked(table, str(folder / "measurements.parquet"), ("name", "family", "role"),
                   ("cpu_spread", "wall_spread", "visits", "runs"), positive=TIMES)  # fmt: skip
    macs = np.array([_macs(folder, name, text) for name, text in zip(table["name"], table["graph"], strict=True)])
    rows = rows.assign(macs=macs)
    visits = _visits(folder)
    drawn: dict[str, Mapping[str, bytes]] = {
        "course": _course(visits),
        "work": work_figure("work", _work(rows)),
        "noise": strip_figure("noise", _noise(rows), "spread of a block’s visits after the correction [%]",
                              logarithmic=True),
        "told": told_figure("told", _told(visits)),
    }  # fmt: skip
    return Told(_document(source, rows, conditions, drawn), drawn)


def _macs(folder: Any, name: Any, text: Any) -> float:
    from hwmodel.latency.layers.evidence import macs_of

    return float(macs_of([graph_of(folder, name, text)])[0])


def _visits(folder: Any) -> list[dict[str, Any]]:
    """Return the visits, their numbers checked; none where the folder keeps only their sums."""
    found = read_log(folder)
    try:
        for one in found:
            if not min(float(one["at_s"]), *map(float, one["cpu_s"]), *map(float, one["wall_s"])) > 0:
                raise ValueError
    except (TypeError, ValueError):
        raise InputError(f"{folder / FILE}: a visit’s times are no positive numbers; give a profile’s folder") from None
    return found


def _anchors(visits: Sequence[Mapping[str, Any]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return when each anchor was visited, and its quickest run's processor time then, in seconds."""
    of = [one for one in visits if one["role"] == "anchor"]
    return {clean(str(name)).removeprefix("anchor_"): (
        np.array([float(one["at_s"]) for one in of if one["item"] == name]),
        np.array([min(map(float, one["cpu_s"])) for one in of if one["item"] == name]))
        for name in dict.fromkeys(one["item"] for one in of)}  # fmt: skip


def _course(visits: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    anchors = _anchors(visits)
    if not anchors:
        return {}
    slow = courses(visits)["cpu"]
    start = min(float(one["at_s"]) for one in visits)
    shown = {name: ((at - start) / 60, times / np.median(times)) for name, (at, times) in anchors.items()}
    corrected = {name: times / slow.slowness(at) for name, (at, times) in anchors.items()}
    corrected = {name: times / np.median(times) for name, times in corrected.items()}
    grid = np.linspace(start, max(float(one["at_s"]) for one in visits), 400)
    course = slow.slowness(grid)
    return course_figure("course", shown, ((grid - start) / 60, course / np.median(course)), corrected)


def _told(visits: Sequence[Mapping[str, Any]]) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return what the machine told of itself at visits, of what moved."""
    found = []
    for name, factor, title in TOLD:
        known = [(float(one["at_s"]), factor * float(one[name])) for one in visits
                 if isinstance(one.get(name), (int, float))]  # fmt: skip
        if len(known) > 1 and np.ptp([value for _, value in known]) > 0:
            at, values = np.array(known).T
            found.append((title, (at - float(visits[0]["at_s"])) / 60, values))
    return found


def _work(rows: "pd.DataFrame") -> dict[str, list[tuple[float, float, float, float, str]]]:
    """Return blocks' and networks' multiply-accumulates, seconds, their spread down and up, and what they say."""
    kept: Any = rows.loc[(rows["role"] != "anchor") & (rows["macs"] > 0)]
    found: dict[str, list[tuple[float, float, float, float, str]]] = {}
    for row in kept.to_dict("records"):
        group = "network" if row["role"] == "network" else row["family"]
        tip = (f"{row['name']}: {counted(row['macs'])}MACs, {engineering('x_s', row['cpu_corrected_s'])}, "
               f"{digits(row['macs'] / row['cpu_corrected_s'] / 1e9)} GMAC/s")  # fmt: skip
        ends = (min(row["cpu_p10_s"], row["cpu_corrected_s"]), max(row["cpu_p90_s"], row["cpu_corrected_s"]))
        found.setdefault(group, []).append((row["macs"], row["cpu_corrected_s"], *ends, tip))
    return found


def _noise(rows: "pd.DataFrame") -> dict[str, list[tuple[float, str]]]:
    found: dict[str, list[tuple[float, str]]] = {}
    for row in rows.to_dict("records"):
        group = {"block": str(row["family"]).replace("_", " "), "network": f"networks: {row['family']}"}.get(
            row["role"], "anchors"
        )
        spread = max(row["cpu_spread"], LEAST_SPREAD)
        found.setdefault(group, []).append((100 * spread, f"{row['name']}: {error_words(row['cpu_spread'])}"))
    return found


def _document(
    source: Source, rows: "pd.DataFrame", conditions: Mapping[str, Any],
    drawn: Mapping[str, Mapping[str, bytes]],
) -> Document:  # fmt: skip
    measured = conditions.get("measured")
    date = str(measured[-1])[:10] if isinstance(measured, list) and measured else ""
    whole = len(date) == 10 and date.replace("-", "").isdecimal()
    seen = (
        "Left: processor time of the anchors, networks visited between all others, off each one’s median, as it was; "
        "the line is the course that times are divided by. Right: over that course. "
        "What is off the scale stands at its edge."
    )
    without = "Visits are not kept in this folder (visits.jsonl), so their course cannot be drawn."
    work = (
        "Time over multiply-accumulates (MACs), a mark a block or network, from the tenth to the ninetieth hundredth "
        "of all its runs. The line is of least squares of relative errors through the blocks: what MACs alone say."
    )
    noise = (
        "How far visits of one block lie apart after the correction, a mark a block (a robust standard deviation); "
        "bars are medians, the noisiest kind stands first. What is below 0.01 % stands there."
    )
    told = "What the machine told of itself at each visit."
    tables = [table for table in (conditions_table(conditions), states_table(conditions)) if table is not None]
    first = figures_of(drawn["course"], seen, lead=True)
    return Document(
        title="hwmodel · profile",
        subtitle=runtime_words(conditions) or source.folder.name,
        short=clean(source.folder.resolve().name),
        question=QUESTION,
        answer=_answer(rows, conditions),
        keys=_keys(rows),
        pictures=first,
        sections=[section for section in (
            Section("Drift", [] if first else [Paragraph(plain(without))]),
            Section("What it took", figures_of(drawn["work"], work)),
            Section("Noise", [*figures_of(drawn["noise"], noise), _noisiest(rows)]),
            Section("Temperature and clock", figures_of(drawn["told"], told)),
            Section("Conditions", tables),
            Section("From here", [
                Code("hwmodel latency fit . --device NAME -o NAME.safetensors  # a predictor of any network\n"
                     "hwmodel report NAME.safetensors                          # how far it is to be believed"),
            ]),
        ) if section.blocks],
        date=date if whole else "",
        version=clean(str(conditions.get("hwmodel", "")))[:40] or "unknown",
        dense=True,
    )  # fmt: skip


def _answer(rows: "pd.DataFrame", conditions: Mapping[str, Any]) -> Text:
    blocks: Any = rows.loc[rows["role"] != "anchor"]
    spread = blocks["cpu_spread"].to_numpy(float)
    head = (f"Half of {len(blocks)} blocks and networks came out again within {error_words(float(np.median(spread)))} "
            f"at each visit, the noisiest within {error_words(float(spread.max()))}.")  # fmt: skip
    drift = conditions.get("drift")
    own = drift.get("cpu") if isinstance(drift, Mapping) else None
    tail = ""
    if isinstance(own, Mapping) and isinstance(own.get("slowest"), (int, float)):
        if own.get("reason"):
            tail = f" No drift was corrected: {clean(str(own['reason']))}."
        else:
            slowest, noise = error_words(float(own["slowest"]) - 1), error_words(float(own["noise"]))
            tail = (f" At its slowest the machine took {slowest} longer than at its quickest, which was corrected; "
                    f"what is left is noise of {noise} a visit.")  # fmt: skip
    many = int((spread >= MUCH).sum())
    tail += f" {many} scatter by {percent(MUCH)} and more." if many else ""
    return plain(strong(head), tail)


def _keys(rows: "pd.DataFrame") -> Table:
    table = []
    for role, title in (("block", "blocks"), ("network", "networks"), ("anchor", "anchors")):
        own: Any = rows.loc[rows["role"] == role]
        if own.empty:
            continue
        times, spread = own["cpu_corrected_s"], own["cpu_spread"]
        moved = float(np.median(np.abs(own["cpu_uncorrected_s"] / own["cpu_corrected_s"] - 1)))
        waited = float(np.median(own["wall_corrected_s"] / own["cpu_corrected_s"]))
        table.append([title, f"{len(own)}", f"{int(own['visits'].sum()):,}", f"{int(own['runs'].sum()):,}",
                      f"{engineering('x_s', times.min())} to {engineering('x_s', times.max())}",
                      error_words(float(spread.median())), error_words(float(spread.max())), error_words(moved),
                      f"{waited:.2f}"])  # fmt: skip
    headings = [Heading("What", align="left"), Heading("Count"), Heading("Visits"), Heading("Runs"),
                Heading("Processor time"), Heading("median", over="spread"), Heading("largest", over="spread"),
                Heading("Corrected by"), Heading("Wall / processor")]  # fmt: skip
    return Table(plain("What was measured: times are corrected for drift (measured)."), headings, table)


def _noisiest(rows: "pd.DataFrame") -> Table:
    ordered: Any = rows.sort_values("cpu_spread", ascending=False, kind="stable").head(NOISIEST)
    table = [[row["name"], str(row["family"]).replace("_", " "), engineering("x_s", row["cpu_corrected_s"]),
              engineering("x_s", row["cpu_p10_s"]), engineering("x_s", row["cpu_p90_s"]),
              error_words(row["cpu_spread"]), f"{int(row['visits'])}"]
             for row in ordered.to_dict("records")]  # fmt: skip
    headings = [Heading("Noisiest", align="left"), Heading("Kind", align="left"), Heading("Time"),
                Heading("tenth", over="of all runs"), Heading("ninetieth", over="of all runs"), Heading("Spread"),
                Heading("Visits")]  # fmt: skip
    return Table(plain("What scatters most; more --rounds would help these."), headings, table)
