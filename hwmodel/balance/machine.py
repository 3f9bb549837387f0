"""A machine as data: threads, GPUs, what they draw and cost, one YAML file each in `machines/`, each figure sourced."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from circuits.yaml_file import read_yaml

FOLDER = Path(__file__).parent / "machines"
WORDS = ("assumed", "recalled", "measured")  # sources that are no works
MOST = 1 << 14  # threads, GPUs, SMs
OPTIONAL: dict[str, Any] = {"price_USD": None, "price_USD_per_hour": None}


@dataclass(frozen=True)
class Machine:
    """A machine.

    Attributes:
        threads, cores: hardware threads and cores, of all processors.
        smt_yield: what a core with all its threads busy gets done, over one thread of it alone.
        thread_speed: of a thread alone on its core, over a Xeon E5-2698 v4's.
        gpus: of the machine; sms: of each.
        sm_speed: of an SM, over a V100's.
        max_W: that it can draw. base_W: without threads and GPUs. thread_idle_W, gpu_idle_W: each, always;
            thread_busy_W, gpu_busy_W: on top, while busy.
        price_USD, price_USD_per_hour: to buy, and to rent; none where not known.
        sources: figure -> work, or `assumed`, `recalled`.
    """

    name: str
    title: str
    threads: float
    cores: float
    smt_yield: float
    thread_speed: float
    gpus: float
    sms: float
    sm_speed: float
    memory_bytes: float
    max_W: float
    base_W: float
    thread_idle_W: float
    thread_busy_W: float
    gpu_idle_W: float
    gpu_busy_W: float
    price_USD: float | None
    price_USD_per_hour: float | None
    sources: Mapping[str, str]

    @property
    def cpu_gpu_ratio(self) -> float:
        """Return hardware threads per SM."""
        return self.threads / (self.gpus * self.sms) if self.gpus else math.inf

    def speed(self, threads: float) -> float:
        """Return the speed of each of so many busy threads, over a Xeon E5-2698 v4's alone on its core.

        They have a core each as long as there are cores; then a core's threads share what it gets done.
        """
        doubled = min(max(threads - self.cores, 0.0), self.cores)
        return (
            self.thread_speed
            * (1 + (self.smt_yield - 1) * doubled / min(threads, self.cores))
            * (min(threads, self.cores) / threads)
        )

    def power_W(self, threads_busy: float, gpus_busy: float) -> float:
        """Return what it draws with so many threads busy and so much of its GPUs, W."""
        threads = self.threads * self.thread_idle_W + threads_busy * self.thread_busy_W
        return self.base_W + threads + self.gpus * self.gpu_idle_W + gpus_busy * self.gpu_busy_W


def known_machines() -> list[str]:
    """Return the names of the machines that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_machine(name: str | Path) -> Machine:
    """Return a machine by its name, or that of a user's YAML file.

    Raises:
        InputError: for a name that is neither; a file with missing, unknown or impossible figures.
    """
    path = FOLDER / f"{name}.yaml" if str(name) in known_machines() else Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        raise InputError(
            f"machine {str(name)!r}: unknown; known are {', '.join(known_machines())}, or give a YAML file"
        )
    document = read_yaml(path)
    figures = {one.name for one in fields(Machine)} - {"name", "title", "sources"}
    wanted = (figures | {"name", "title", "works"}) - set(OPTIONAL)
    for problem, keys in (("missing", wanted - set(document)), ("unknown", set(map(str, document)) - wanted - figures)):
        if keys:
            raise InputError(f"{path}: {problem} {', '.join(sorted(keys))}; give the keys of machines/dgx-a100.yaml")
    works = document["works"]
    if not isinstance(works, dict) or not all(isinstance(text, str) for pair in works.items() for text in pair):
        raise InputError(f"{path}: works must map keys to citations")
    values, sources = {}, {}
    for key in sorted(figures & set(document)):
        entry = document[key]
        if not isinstance(entry, dict) or set(entry) != {"value", "source"} or entry["source"] not in {*works, *WORDS}:
            raise InputError(f"{path}: {key} must be {{value: .., source: a key of works, or {', '.join(WORDS)}}}")
        values[key] = _number(path, key, entry["value"])
        sources[key] = works.get(entry["source"], entry["source"])
    machine = Machine(name=str(document["name"]), title=str(document["title"]), sources=sources, **(OPTIONAL | values))
    if machine.cores > machine.threads:
        raise InputError(f"{path}: cores: {machine.cores:g} are more than the {machine.threads:g} threads")
    for key in ("sms", "sm_speed") if machine.gpus else ():
        if not values[key]:
            raise InputError(f"{path}: {key}: must be above 0, as the machine has GPUs")
    return machine


def _number(path: Path, key: str, value: object) -> float:
    """Return a figure; what there must be at least one of is whole."""
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not 0 <= number < math.inf:
        raise InputError(f"{path}: {key}: {value!r} is no number of 0 or more")
    if key in ("threads", "cores", "gpus", "sms"):
        if number != int(number):
            raise InputError(f"{path}: {key}: {value!r} is no whole number")
        if number > MOST:
            raise InputError(f"{path}: {key}: {value!r} are more than {MOST}")
    if key not in ("gpus", "sms", "sm_speed") and not key.endswith(("_W", "_USD", "_hour")) and number == 0:
        raise InputError(f"{path}: {key}: must be above 0")
    if key == "smt_yield" and number < 1:
        raise InputError(f"{path}: smt_yield: {value!r}: two threads of a core get at least as much done as one")
    return float(number)
