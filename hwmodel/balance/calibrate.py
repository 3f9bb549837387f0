"""Runs a training command with a few numbers of actors, and keeps the job that is learned from it."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from hwmodel.balance.model.fit import fit
from hwmodel.balance.model.job import Job, dumped
from hwmodel.balance.model.observe import Observed, observe
from hwmodel.balance.profile import Profile, read_profile, watch
from hwmodel.balance.profile.machine import given_cpus
from hwmodel.console import Advance

PLACE = "{actors}"
FOREIGN = 0.1  # threads busy with others, from which on a run is told to be disturbed


def calibrated(
    output: Path,
    command: Sequence[str],
    actors: Sequence[int],
    seconds: float,
    repeats: int,
    profiles: Sequence[str],
    frames: str | None,
    cpus: str | None,
    known: dict[str, Any],
    advance: Advance,
) -> dict[str, Any]:
    """Return the document of `hwmodel balance calibrate`; see there.

    Raises:
        InputError: neither a command nor profiles, or both; a command without a place for the number of actors; a run
            that failed, counted no frames, or was not long enough; a folder that cannot be written to.
    """
    if bool(command) == bool(profiles):
        raise InputError(f"give either -- COMMAND with {PLACE} in it, or --profile DIR")
    if command and not any(PLACE in word for word in command):
        raise InputError(f"{' '.join(command)}: does not say where the number of actors goes; write {PLACE} there")
    if profiles:
        runs = [_given(one) for one in profiles]
    else:
        plan = [(number, again) for again in range(1, repeats + 1) for number in actors]
        runs = []
        for done, (number, again) in enumerate(plan):
            advance(done, len(plan), f"{number} actors")
            folder = output / "runs" / f"actors-{number}-{again}"
            words = [word.replace(PLACE, str(number)) for word in command]
            profile = run_or_read(folder, words, seconds, frames, cpus)
            runs.append(observe(profile, number))
        advance(len(plan), len(plan))
    job = fit(runs, name=output.resolve().name, **known)
    write(output, job)
    return {"output": output, **document(job, runs)}


def document(job: Job, runs: Sequence[Observed]) -> dict[str, Any]:
    """Return what is told of a job that was learned from runs."""
    warnings = [
        f"{run.actors} actors: {run.foreign_cores:.2f} threads were busy with other work; run it again when it is quiet"
        for run in runs
        if run.foreign_cores > FOREIGN * run.threads
    ]
    if len({run.actors for run in runs}) == 1:
        warnings.append(
            "all runs have the same number of actors: the time of a batch and of each request in it are not told apart"
        )
    return {
        "runs": [dict(run) for run in job.runs],
        "times": {name: time.value for name, time in job.times.items()},
        "spreads": {name: time.spread for name, time in job.times.items()},
        "frames_per_request": job.frames_per_request,
        "learn_every": job.learn_every,
        "discrepancy": job.discrepancy,
        "warnings": warnings,
    }


def write(folder: Path, job: Job) -> None:
    """Write job.yaml, whole or not at all.

    Raises:
        InputError: there is no room or no permission.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".job-", delete=False, encoding="utf-8") as file:
            try:
                file.write(dumped(job))
                file.close()
                os.replace(file.name, folder / "job.yaml")  # noqa: PTH105  (a rename within one folder)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to: {error.strerror}; give another --output") from None


def _given(text: str) -> Observed:
    number, equals, folder = text.partition("=")
    if equals and not (number.isdecimal() and int(number)):
        raise InputError(f"--profile {text}: give DIR, or ACTORS=DIR with a whole number above 0")
    return observe(read_profile(Path(folder if equals else text)), int(number) if equals else None)


def run_or_read(
    folder: Path,
    command: Sequence[str],
    seconds: float,
    frames: str | None,
    cpus: str | None,
    environment: Mapping[str, str] | None = None,
) -> Profile:
    """Return the profile of a run, which may have been made before.

    Raises:
        InputError: the folder holds a run of another command, or the command failed.
    """
    if (folder / "profile.yaml").exists():
        found = read_profile(folder)
        if found.about["command"] != list(command):
            raise InputError(f"{folder}: holds a run of another command; give another --output")
        if found.about["ended"]["how"] != "interrupted" and found.about.get("steady"):
            return found
        import shutil

        shutil.rmtree(folder)
    profile = watch(
        command, folder, seconds=seconds, frames=frames, cpus=given_cpus(cpus), environment=environment, show=False
    )
    ended = profile.about["ended"]
    if ended["by"] is None and ended["exit_status"] not in (0, None):
        raise InputError(f"{' '.join(command)}: ended with {ended['how']}; see {folder}/output.log")
    return profile
