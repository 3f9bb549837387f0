"""A calibrated job as tables: its runs, its times, what is predicted, and how the model sees it."""

import math
from collections.abc import Mapping, Sequence

from hwmodel.balance.model.job import TIMES, Job
from reports.labels import digits, engineering, listed, percent
from reports.model import Heading, Table, Text, plain
from reports.record import clean
from reports.studies.balance_curves import Curves

NORMAL = 1.6449  # deviations, of 90 % in the middle
NAMES = {
    "actor_s": "actor, a request", "delay_s": "other wait, a request", "gather_s": "gather, a batch",
    "gather_each_s": "gather, each request", "device_s": "device, a batch", "device_each_s": "device, each request",
    "reply_s": "reply, a batch", "reply_each_s": "reply, each request", "learn_cpu_s": "learner’s CPU, a step",
    "learn_device_s": "learner’s device, a step",
}  # fmt: skip
GUESSED = ("assumed", "recalled")


def times_of(job: Job) -> list[tuple[str, float, float, float, str]]:
    """Return (name, seconds, the ends of 90 % of the spread, basis) of each time above 0."""
    found = []
    for name in TIMES:
        if name in job.times and (one := job.times[name]).value > 0:
            reach = math.exp(NORMAL * one.spread)
            found.append((NAMES[name], one.value, one.value / reach, one.value * reach, one.basis))
    return found


def runs_table(runs: Sequence[Mapping[str, float]]) -> Table:
    """Return a row a run."""
    rows = [[f"{run['actors']:.0f}", f"{run['threads']:.0f}", engineering("x_s", run["seconds"]),
             digits(run["frames_per_second"]), digits(run["modelled_frames_per_second"]),
             f"{100 * (run['modelled_frames_per_second'] / run['frames_per_second'] - 1):+.1f}\u00a0%",
             digits(run["foreign_cores"], 2)]
            for run in sorted(runs, key=lambda run: run["actors"])]  # fmt: skip
    headings = [Heading("Actors"), Heading("Threads"), Heading("Window"), Heading("measured", over="frames/s"),
                Heading("modelled", over="frames/s"), Heading("Error"), Heading("Busy with other work")]  # fmt: skip
    caption = (
        "The runs that the job was learned from: frames/s as measured, and as the simulation gives them from the "
        "learned times, before its mean error is taken off."
    )
    return Table(plain(caption), headings, rows)


def times_table(job: Job) -> Table:
    """Return a row a part of a cycle."""
    rows = [[name, engineering("x_s", value), f"{engineering('x_s', low)} to {engineering('x_s', high)}", basis]
            for name, value, low, high, basis in times_of(job)]  # fmt: skip
    headings = [Heading("Part", align="left"), Heading("Time"), Heading("90 % of its spread"),
                Heading("Basis", align="left")]  # fmt: skip
    guessed = [one[0] for one in times_of(job) if one[4] in GUESSED]
    note = f"Not measured: {listed(guessed)}." if guessed else ""
    caption = "Times of the parts of a cycle, of the machine that the job was calibrated on."
    return Table(plain(caption), headings, rows, plain(note) if note else [])


def predicted_table(job: Job, curves: Curves) -> Table:
    """Return a row a number of actors."""
    rows = []
    for one, closed in zip(curves.simulated, curves.closed, strict=True):
        device = [] if one["device_busy"] is None else [percent(one["device_busy"])]
        rows.append([f"{one['actors']}", digits(one["frames_per_second"]), digits(one["low_frames_per_second"]),
                     digits(one["high_frames_per_second"]), digits(closed), digits(one["batch"]),
                     percent(one["threads_busy"]), *device, percent(one["actor_wait_share"]),
                     engineering("x_s", one["queue_s"]), one["limit"]])  # fmt: skip
    has_device = curves.simulated[0]["device_busy"] is not None
    headings = [Heading("Actors"), Heading("simulated", over="frames/s"), Heading("from", over="frames/s"),
                Heading("to", over="frames/s"), Heading("closed form", over="frames/s"), Heading("Batch"),
                Heading("threads", over="busy"), *([Heading("device", over="busy")] if has_device else []),
                Heading("Wait for a thread"), Heading("Request to reply"), Heading("Limit", align="left")]  # fmt: skip
    return Table(plain(f"Predicted for {job.threads} threads (modelled)."), headings, rows)


def model_words(job: Job) -> list[Text]:
    """Return what is assumed of how a job works, and how sure the model is."""
    learn = (f"The learner takes a step every {digits(job.learn_every)} requests; {digits(job.ahead)} may be due "
             "before acting waits." if job.learn_every else "There is no learner.")  # fmt: skip
    least = "all actors" if job.least == 0 else f"{job.least} request{'s' * (job.least != 1)}"
    return [
        plain(f"Each actor computes on the CPU until it has a request; a batch begins when {least} wait, and takes all "
              f"that wait. {learn} {'Inference and learner take turns at the device.' if job.turns else ''}".rstrip()),
        plain(f"Measured over modelled frames/s are {digits(math.exp(job.bias))} in the mean of the runs, which all "
              "predictions are multiplied by."),
        plain(f"The interval comes of the spreads of the times and of {percent(job.discrepancy)} that the model is "
              f"off beside, {percent(job.per_doubling)} more with each doubling of actors over the most measured."),
        plain(f"With all threads busy, actors’ CPU times are {digits(math.exp(job.crowding))} times those on an idle "
              f"machine; they scatter by {percent(job.cv)}."),
        *(plain(f"{clean(key)}: {clean(text)}.") for key, text in job.sources.items()),
    ]  # fmt: skip
