"""A calibrated training job: its times, how near the model is to the runs, how it would go with more actors."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from circuits.errors import InputError
from hwmodel import __version__
from hwmodel.balance.model.job import Job, load_job
from reports.figures.accuracy import error_words
from reports.figures.limits import Line, busy_figure, limit_map_figure, rates_figure
from reports.figures.parts import parts_figure
from reports.labels import digits, listed
from reports.model import Bullets, Code, Document, Section, Text, plain, strong
from reports.record import Source, clean
from reports.studies import Told
from reports.studies.balance_curves import PARTS, Curves, curves_of, limit_map, shares
from reports.studies.balance_job_tables import model_words, predicted_table, runs_table, times_of, times_table
from reports.studies.common import figures_of

QUESTION = "How far does it go with more actors?"
WHAT = {"actors": "nothing is full", "threads": "the CPU’s threads are full", "device": "the device is full",
        "learner": "the learner is", "server": "the server is"}  # fmt: skip


def tell(source: Source) -> Told:
    """Return the report of what `hwmodel balance calibrate` learned.

    Raises:
        InputError: for a job's file that is missing or damaged.
    """
    job = load_job(source.folder)
    runs = runs_of(source, job)
    curves = curves_of(job)
    drawn: dict[str, Mapping[str, bytes]] = {
        "frames": _rates(job, curves, runs),
        "parts": parts_figure("parts", times_of(job), shares(job, curves), PARTS),
        "busy": _busy(curves),
        "limits": limit_map_figure("limits", limit_map(job), job.threads),
    }
    return Told(_document(source, job, runs, curves, drawn), drawn)


def runs_of(source: Source, job: Job) -> list[dict[str, float]]:
    """Return the job's runs with numbers that can be drawn.

    Raises:
        InputError: a run without frames/s, as measured and as modelled, above 0.
    """
    found = []
    for place, run in enumerate(job.runs, 1):
        try:
            row = {name: float(run[name]) for name in ("actors", "frames_per_second", "modelled_frames_per_second")}
            row |= {"threads": float(run.get("threads", job.threads)), "seconds": float(run.get("seconds", 0)),
                    "foreign_cores": float(run.get("foreign_cores", 0))}  # fmt: skip
        except (KeyError, TypeError, ValueError):
            row = {}
        if not row or not all(math.isfinite(one) for one in row.values()) or min(list(row.values())[:3]) <= 0:
            raise InputError(f"{source.folder}: run {place}: give actors, frames_per_second and "
                             "modelled_frames_per_second, each above 0; calibrate anew")  # fmt: skip
        found.append(row)
    return found


def _rates(job: Job, curves: Curves, runs: Sequence[Mapping[str, float]]) -> Mapping[str, bytes]:
    actors = [float(one) for one in curves.actors]

    def of(name: str) -> list[float]:
        return [row[name] for row in curves.simulated]

    lines = [
        Line("closed form", actors, curves.closed),
        Line("simulation, 90 % interval", actors, of("frames_per_second"), of("low_frames_per_second"),
             of("high_frames_per_second")),
    ]  # fmt: skip
    alike = [run for run in runs if run["threads"] == job.threads]
    bounds = [Line(f"bound of the {name}", actors, values.tolist()) for name, values in curves.bounds.items()]
    if curves.line is not None:
        first = min(run["actors"] for run in alike)
        bounds.append(Line(f"line through N = {first:.0f}", actors, curves.line.tolist()))
    points = []
    for run in alike:
        rates = (digits(run[name]) for name in ("frames_per_second", "modelled_frames_per_second"))
        tip = "measured, {:.0f} actors: {} frames/s; modelled {}".format(run["actors"], *rates)
        points.append((run["actors"], run["frames_per_second"], tip))
    return rates_figure("frames", lines, bounds, points, curves.limits())


def _busy(curves: Curves) -> Mapping[str, bytes]:
    rows = curves.simulated
    lines = {"threads busy": [row["threads_busy"] for row in rows]}
    if all(row["device_busy"] is not None for row in rows):
        lines["device busy"] = [row["device_busy"] for row in rows]
    lines["actors’ wait for a thread, of the time one is wanted"] = [row["actor_wait_share"] for row in rows]
    return busy_figure("busy", [float(one) for one in curves.actors], lines, curves.limits())


def _document(
    source: Source, job: Job, runs: Sequence[Mapping[str, float]], curves: Curves,
    drawn: Mapping[str, Mapping[str, bytes]],
) -> Document:  # fmt: skip
    job = replace(job, machine=clean(job.machine))
    bases = listed(sorted({time.basis for time in job.times.values()}))
    seen = (
        f"Frames/s over actors on {job.threads} threads. Squares are measured; lines are modelled from times that are "
        f"{bases}, the band is to hold 90 % of measurements. No setting passes the bounds: all time of the CPU, or of "
        "the device, on requests, all actors in each batch (modelled). The straight line is what more actors of the "
        "first run’s speed would give. Colours: what limits."
    )
    where = (
        f"Left: the job’s times ({bases}). Right: what a request takes of each part (modelled) at the mean batch of so "
        "many actors; a batch’s fixed times are shared by its requests."
    )
    busy = "What is busy over actors (modelled, by simulation); colours as above."
    limits = (
        "What limits at so many actors and threads, and frames/s there (modelled, in closed form). The framed row has "
        "the threads that the job was calibrated on."
    )
    return Document(
        title="hwmodel · balance job",
        subtitle=f"{clean(job.name)}: {digits(job.frames_per_request)} frames a request, calibrated on {job.threads} "
                 f"threads{f' and {job.sms} SMs' if job.sms else ''}{f' of {job.machine}' if job.machine else ''}",
        short=clean(job.name),
        question=QUESTION,
        answer=_answer(job, runs, curves),
        keys=runs_table(runs) if runs else times_table(job),
        pictures=figures_of(drawn["frames"], seen, lead=True),
        sections=[section for section in (
            Section("What is busy, and what limits", [*figures_of(drawn["busy"], busy),
                                                      *figures_of(drawn["limits"], limits)]),
            Section("Where the time goes", [*figures_of(drawn["parts"], where),
                                            *([times_table(job)] if runs else [])]),
            Section("Predicted", [predicted_table(job, curves)]),
            Section("How the model sees the job", [Bullets(model_words(job))]),
            Section("From here", [
                Code(f"hwmodel balance predict {source.folder.name} --actors 8,16,32 --threads {2 * job.threads}\n"
                     f"hwmodel balance recommend {source.folder.name} --machine dgx-a100 -o answer\n"
                     "hwmodel report answer"),
            ]),
        ) if section.blocks],
        date="",
        version=__version__,
        dense=True,
    )  # fmt: skip


def _answer(job: Job, runs: Sequence[Mapping[str, float]], curves: Curves) -> Text:
    best, knee = curves.best, curves.knee
    head = (f"{knee['actors']} actors reach {digits(knee['frames_per_second'])} frames/s on {job.threads} threads; "
            f"more bring next to nothing up to {curves.actors[-1]}.")  # fmt: skip
    if knee["actors"] == curves.actors[-1]:
        head = (f"Frames/s still grow at {knee['actors']} actors on {job.threads} threads: "
                f"{digits(best['frames_per_second'])}.")  # fmt: skip
    text = (f" The interval of 90 % there is {digits(knee['low_frames_per_second'])} to "
            f"{digits(knee['high_frames_per_second'])} (modelled).")  # fmt: skip
    stretches = curves.limits()
    told = []
    for begin, end, limit in stretches:
        inside = [number for number in curves.actors if begin <= number <= end]
        span = f"{inside[0]} to {inside[-1]} actors" if len(inside) > 1 else f"{inside[0]} actor{'s' * (inside[0] > 1)}"
        told.append(f"with {span} {WHAT.get(limit, limit)}")
    text += f" What limits: {listed(told)}."
    if runs:
        off = [abs(run["modelled_frames_per_second"] / run["frames_per_second"] - 1) for run in runs]
        text += (f" Of the {len(runs)} run{'s' * (len(runs) > 1)} it was learned from, the model is "
                 f"{error_words(sum(off) / len(off))} off in the mean, at most {error_words(max(off))}.")  # fmt: skip
        disturbed = [run for run in runs if run["foreign_cores"] > 0.1 * run["threads"]]
        text += (f" In {len(disturbed)} of them other work kept threads busy: calibrate again on a quiet machine."
                 if disturbed else "")  # fmt: skip
    else:
        text += " The job was never run: all of this is modelled."
    return plain(strong(head), text)
