"""A training job as the model knows it: the times of its parts, how sure they are, in one file that people can read.

A file comes of `hwmodel balance calibrate`, or is written by hand, each figure with its basis. Times are of the machine
that the job was calibrated on; `machine` says how others differ.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from circuits.yaml_file import read_yaml

FORMAT = 1
TIMES = ("actor_s", "delay_s", "gather_s", "gather_each_s", "device_s", "device_each_s", "reply_s", "reply_each_s",
         "learn_cpu_s", "learn_device_s")  # fmt: skip
LIMITS = {
    "times": 3600.0,
    "spread": 3.0,
    "crowding": 3.0,
    "bias": 3.0,
    "discrepancy": 3.0,
    "per_doubling": 3.0,
    "scaling": 1.0,
    "cv": 10.0,
    "threads": 1 << 14,
    "sms": 1 << 14,
}  # fmt: skip  (the most; of the rest, _MOST)
LEAST_EVERY = 0.01  # requests for each step of the learner, where it has one
_MOST = 1e18
BASES = ("measured", "calibrated", "modelled", "assumed", "recalled", "published")


@dataclass(frozen=True)
class Time:
    """A time in seconds; `spread` is the standard deviation of its logarithm; `basis` says where it comes from."""

    value: float
    spread: float = 0.0
    basis: str = "assumed"


@dataclass(frozen=True)
class Job:
    """What the model knows of a job.

    Attributes:
        times: of the parts of a cycle, by `TIMES`; one that is not given is 0.
        frames_per_request: frames that the job counts for each request of an actor.
        threads, sms: of the machine that the times are of; without SMs the server computes on the CPU or the device is
            no GPU.
        least: requests that a batch waits for; 0: those of all actors.
        most: requests that a batch holds.
        learn_every: requests for each step of the learner; 0: no learner.
        ahead: steps that may be due beside the one under way before acting waits.
        turns: whether server and learner have the device one after the other.
        cv: coefficient of variation of actors' CPU times.
        crowding: the logarithm of how much longer actors' CPU times are when all threads are busy than when none is.
        scaling: the share of a batch's fixed time on the device that more SMs shorten; all of a request's they do.
        discrepancy: standard deviation of the logarithm of measured over modelled rates, beside what `times` explain.
        per_doubling: by how much that grows with each doubling of actors over the most that were measured.
        bias: the logarithm of measured over modelled rates, in the runs.
        runs: what was measured, and what the model says of it.
        memory_bytes: of an actor.
        sources: where figures come from, in words.
    """

    name: str
    times: Mapping[str, Time]
    frames_per_request: float = 1.0
    threads: int = 1
    sms: int = 0
    least: int = 1
    most: int = 1 << 20
    learn_every: float = 0.0
    ahead: float = 2.0
    turns: bool = False
    cv: float = 0.3
    crowding: float = 0.0
    scaling: float = 0.0
    discrepancy: float = 0.05
    per_doubling: float = 0.015
    bias: float = 0.0
    memory_bytes: float = 0.0
    machine: str = ""
    runs: tuple[Mapping[str, Any], ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    def time(self, name: str) -> float:
        """Return a time, s; 0 where the job has no such part."""
        found = self.times.get(name)
        return found.value if found else 0.0

    @property
    def most_measured(self) -> int:
        """Return the most actors of a run, 0 where nothing was run."""
        return max((int(run["actors"]) for run in self.runs), default=0)


def dumped(job: Job) -> str:
    """Return a job as the text of its file."""
    import yaml

    from hwmodel.cli import jsonable

    document = {"format": FORMAT} | asdict(job)
    document["times"] = {name: asdict(time) for name, time in job.times.items()}
    document["runs"] = [dict(run) for run in job.runs]
    return yaml.safe_dump(jsonable(document), sort_keys=False, allow_unicode=True, width=110)


def load_job(path: Path) -> Job:
    """Return the job of a file, or of the folder that `calibrate` wrote it in.

    Raises:
        InputError: no such file; unknown or missing keys; a figure that is no number, negative, or beyond `LIMITS`.
    """
    if path.is_dir():
        path = path / "job.yaml"
    document = read_yaml(path)
    if document.pop("format", None) != FORMAT:
        raise InputError(f"{path}: not a job of this version; it begins with format: {FORMAT}")
    known = {one.name: one for one in fields(Job)}
    for name in document:
        if name not in known:
            raise InputError(f"{path}: {name}: unknown; known are {', '.join(known)}")
    for name in ("name", "times"):
        if name not in document:
            raise InputError(f"{path}: {name} is missing")
    values = {name: _checked(path, name, value) for name, value in document.items()}
    return Job(**values)


def _checked(path: Path, name: str, value: Any) -> Any:
    if name == "times":
        return _times(path, value)
    if name == "runs":
        if not isinstance(value, list) or not all(map(_is_run, value)):
            raise InputError(f"{path}: runs: give a list of runs, each with its actors, 1 or more")
        return tuple(value)
    if name == "sources":
        if not isinstance(value, dict):
            raise InputError(f"{path}: sources: give names and texts")
        return {str(key): str(text) for key, text in value.items()}
    if name in ("name", "machine"):
        return str(value)
    if name == "turns":
        if not isinstance(value, bool):
            raise InputError(f"{path}: turns: {value!r} is neither true nor false")
        return value
    signed = name in ("crowding", "bias")
    most = LIMITS.get(name, _MOST)
    number = _number(path, name, value, -most if signed else 0.0, most)
    if name == "learn_every" and 0 < number < LEAST_EVERY:
        raise InputError(f"{path}: learn_every: {value!r}: give 0 for no learner, or requests, {LEAST_EVERY} or more")
    if name in ("frames_per_request", "threads", "most") and number <= 0:
        raise InputError(f"{path}: {name}: {value!r}: must be above 0")
    if name in ("threads", "sms", "least", "most"):
        if number != int(number):
            raise InputError(f"{path}: {name}: {value!r} is no whole number")
        return int(number)
    return number


def _is_run(value: Any) -> bool:
    return isinstance(value, dict) and type(value.get("actors")) is int and value["actors"] > 0


def _times(path: Path, value: Any) -> dict[str, Time]:
    if not isinstance(value, dict) or not value:
        raise InputError(f"{path}: times: give some of {', '.join(TIMES)}")
    found = {}
    for name, given in value.items():
        if name not in TIMES:
            raise InputError(f"{path}: times: {name}: unknown; known are {', '.join(TIMES)}")
        told = given if isinstance(given, dict) else {"value": given}
        if "value" not in told or not set(told) <= {"value", "spread", "basis"}:
            raise InputError(f"{path}: times: {name}: give value, spread and basis")
        if (basis := str(told.get("basis", "assumed"))) not in BASES:
            raise InputError(f"{path}: times: {name}: basis {basis!r}: give one of {', '.join(BASES)}")
        seconds = _number(path, f"times: {name}", told["value"], 0.0, LIMITS["times"])
        spread = _number(path, f"times: {name}: spread", told.get("spread", 0.0), 0.0, LIMITS["spread"])
        found[name] = Time(seconds, spread, basis)
    if not any(time.value for time in found.values()):
        raise InputError(f"{path}: times: all are 0; a job takes time somewhere")
    return found


def _number(path: Path, name: str, value: Any, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise InputError(f"{path}: {name}: {value!r} is no number from {least:g} to {most:g}")
    return float(value)
