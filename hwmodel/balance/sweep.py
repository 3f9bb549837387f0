"""Runs a training command on this machine with every number of actors, threads and SMs, and measures each.

Threads are processors that the command is held to, read back from the kernel. SMs are a share of the GPU: what the
command makes of `{sm_share}` itself (a green context of its own), or MPS's thread percentage, which this module sets
and of which it asks the driver whether it took effect.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from hwmodel.balance.calibrate import PLACE, run_or_read
from hwmodel.balance.model.job import Job
from hwmodel.balance.model.observe import Observed, observe
from hwmodel.balance.model.predict import predict
from hwmodel.balance.model.settings import Setting
from hwmodel.balance.mps import DAEMON, PERCENTAGE, check
from hwmodel.balance.profile.child import text_of
from hwmodel.console import Advance

SHARE = "{sm_share}"


def swept(
    output: Path,
    command: Sequence[str],
    actors: Sequence[int],
    threads: Sequence[int] | None,
    shares: Sequence[float] | None,
    mps: bool,
    seconds: float,
    frames: str | None,
    job: Job | None,
    advance: Advance,
) -> list[dict[str, Any]]:
    """Return a row a setting, as measured, with the prediction of `job` beside where one is given.

    Raises:
        InputError: a command without its places; more threads than there are; SMs asked for that cannot be set, or that
            did not take effect; a run that failed.
    """
    _check_places(command, shares, mps)
    there = sorted(os.sched_getaffinity(0))
    if threads and max(threads) > len(there):
        raise InputError(f"threads {max(threads)}: this process may use {len(there)}")
    if shares and mps:
        if shutil.which(DAEMON) is None:
            raise InputError(f"--mps: there is no {DAEMON} here; SMs cannot be shared by MPS")
        for share in shares:
            check(100 * share)
    plan = [(a, t, s) for t in threads or [len(there)] for s in shares or [None] for a in actors]
    rows = []
    for done, (number, held, share) in enumerate(plan):
        advance(done, len(plan), f"{number} actors on {held} threads" + (f", {share:g} of the SMs" if share else ""))
        words = [word.replace(PLACE, str(number)).replace(SHARE, f"{share or 1:g}") for word in command]
        environment = {PERCENTAGE: f"{100 * share:g}"} if share and mps else None
        folder = output / "runs" / f"actors-{number}-threads-{held}" / f"sms-{share or 1:g}"
        profile = run_or_read(folder, words, seconds, frames, text_of(there[:held]), environment)
        run = observe(profile, number)
        rows.append(_row(run, share, profile.window(*_span(profile))) | _told(job, run, share))
    advance(len(plan), len(plan))
    _write(output, rows)
    return rows


def _check_places(command: Sequence[str], shares: Sequence[float] | None, mps: bool) -> None:
    if not any(PLACE in word for word in command):
        raise InputError(
            f"{' '.join(command) or 'COMMAND'}: give -- COMMAND with {PLACE} where the number of actors goes"
        )
    has = any(SHARE in word for word in command)
    if mps and not shares:
        raise InputError("--mps: says how SMs are shared; give --sm-shares as well")
    if shares and not mps and not has:
        raise InputError(f"--sm-shares: write {SHARE} in COMMAND where its own share of SMs goes, or give --mps")
    if has and not shares:
        raise InputError(f"{SHARE} in COMMAND: give --sm-shares")


def _span(profile: Any) -> tuple[float, float]:
    found = profile.steady()
    return found.start_s, found.end_s


def _row(run: Observed, share: float | None, window: dict[str, Any]) -> dict[str, Any]:
    inference = run.sums.get("inference")
    wanted = run.actor_cpu_s + run.actor_wait_s
    return {
        "actors": run.actors, "threads": run.threads, "sm_share": share, "frames_per_second": run.frames_per_second,
        "frames_per_joule": window.get("frames_per_joule"), "cpu_s_per_frame": window["cpu_s_per_frame"],
        "actor_wait_share": run.actor_wait_s / wanted if wanted else None,
        "batch": float(inference[1] / inference[0]) if inference is not None else None,
        "gpu_busy": run.gpu_busy, "foreign_cores": run.foreign_cores,
    }  # fmt: skip


def _told(job: Job | None, run: Observed, share: float | None) -> dict[str, Any]:
    if job is None:
        return {}
    sms = round(job.sms * share) if job.sms and share else 0
    (row,) = predict(job, [Setting(run.actors, run.threads, sms)])
    return {
        f"predicted_{name}": row[name]
        for name in ("frames_per_second", "low_frames_per_second", "high_frames_per_second")
    } | {"limit": row["limit"]}


def _write(output: Path, rows: list[dict[str, Any]]) -> None:
    import pandas as pd

    try:
        table = pd.DataFrame(rows)
        staged = output / ".sweep.csv"
        table.to_csv(staged, index=False)
        staged.replace(output / "sweep.csv")
    except OSError as error:
        raise InputError(f"{output}: cannot be written to: {error.strerror}; give another --output") from None
