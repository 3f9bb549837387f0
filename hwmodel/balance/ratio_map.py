"""Frames/s over threads x SMs of machines like a given one, each with the number of actors that suits it."""

from dataclasses import replace
from typing import Any

import numpy as np

from hwmodel.balance.machine import Machine
from hwmodel.balance.model.job import Job
from hwmodel.balance.recommend import ACTORS_A_THREAD, Host, rows_of, setting_of

HALVES = range(-10, 7)  # threads: the machine's, times 2 to these halves
PARTS, GPUS = (1 / 8, 1 / 4, 1 / 2), (1, 2, 4, 8, 16)  # SMs: parts of one GPU, and whole ones
STEPS = 16  # numbers of actors that are tried
ENOUGH = 0.998  # of the most frames/s, with the fewest actors


def ratio_map(job: Job, machine: Machine, host: Host) -> list[dict[str, Any]]:
    """Return a row a number of threads and SMs: gpus, actors, frames_per_second, cpu_gpu_ratio; none without SMs.

    Threads, SMs and their speeds are those of `machine`; cores and memory go with threads.
    """
    if not job.sms or not machine.gpus or not machine.sms:
        return []
    sms = int(machine.sms)
    gpus = sorted({(1, max(1, round(sms * part))) for part in PARTS} | {(number, sms) for number in GPUS})
    rows = []
    for threads in sorted({max(1, round(machine.threads * 2 ** (half / 2))) for half in HALVES}):
        share = threads / machine.threads
        like = replace(machine, threads=threads, cores=machine.cores * share, memory_bytes=machine.memory_bytes * share)
        tried, cells = [], []
        for copies, each in gpus:
            if threads < copies:
                continue
            most = ACTORS_A_THREAD * (threads // copies)
            if job.memory_bytes:
                most = max(1, min(most, int(like.memory_bytes / job.memory_bytes / copies)))
            actors = sorted({round(one) for one in np.geomspace(1, most, STEPS)})
            cells.append((copies, each, len(actors)))
            tried += [
                (setting_of(job, like, host, number, threads // copies, copies, each), copies, threads)
                for number in actors
            ]
        rates = rows_of(job, like, tried)["frames_per_second"]
        at = 0
        for copies, each, number in cells:
            own = rates[at : at + number]
            best = at + int(np.argmax(own >= ENOUGH * own.max()))
            rows.append({"threads": threads, "gpus": copies, "sms": copies * each,
                         "cpu_gpu_ratio": threads / (copies * each), "actors": tried[best][0].actors * copies,
                         "frames_per_second": float(rates[best])})  # fmt: skip
            at += number
    return rows
