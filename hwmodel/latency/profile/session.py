"""A session: every item visited once a round, in another order each round, with an anchor between every few.

So whatever changes with time (clock, heat, neighbours on the machine) meets all items alike, and the anchors tell how
it went. Visits are on disk as they are made; a session that was cut off goes on where it was.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel import __version__
from hwmodel.console import Advance
from hwmodel.latency.graph import Graph
from hwmodel.latency.graph.fill import filled
from hwmodel.latency.profile import conditions
from hwmodel.latency.profile.cores import chosen, kept_on
from hwmodel.latency.profile.energy import Energy
from hwmodel.latency.profile.items import Item
from hwmodel.latency.profile.log import Log
from hwmodel.latency.profile.measure import Clock, Visit, cpu_clock, visit
from hwmodel.latency.runtimes import Prepared, Runtime

ITEMS_BETWEEN_ANCHORS = 3
SCRATCH = ".networks-"
SEED = 0  # of the order of visits, of constants and of inputs
SETTLE_S = 30.0  # longest time that anchors are run for before anything counts
SETTLED = 0.01  # part by which two rounds of anchors differ at most once the machine has settled


@dataclass(frozen=True)
class Plan:
    """How a session is run.

    Attributes:
        rounds: visits to each item.
        threads: that a runtime computes with.
        core: the first to run on; None for the last of those that there are.
    """

    rounds: int = 10
    threads: int = 1
    core: int | None = None


def run_session(
    runtime: Runtime,
    items: Sequence[Item],
    anchors: Sequence[Item],
    folder: Path,
    plan: Plan,
    energy: Energy,
    advance: Advance,
    clock: Clock | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Measure what is still missing in a folder; return all its visits, and the conditions they were made under.

    Raises:
        InputError: for cores that there are not, a folder with other measurements, no room, or a network that the
            runtime cannot run; the folder holds what was measured until then.
    """
    cores, clock = chosen(plan.core, plan.threads), clock or Clock()
    identity = {
        "runtime": runtime.name,
        "runtime_version": str(runtime.version),
        "threads": plan.threads,
        "cores": cores,
        "machine": conditions.machine(),
    }
    with Log(folder, identity | {"hwmodel": __version__}) as log, _scratch(folder) as scratch:
        todo = list(_missing(items, anchors, plan.rounds, log.visits))
        if todo:
            subjects = _Subjects(runtime, scratch, plan.threads)
            with kept_on(cores):
                _measure(log, subjects, anchors, todo, cores, energy, advance, clock)
        return log.visits, identity | conditions.system() | {"states": log.states}


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Make a folder for networks' files, which is gone afterwards; if not, the next session removes it."""
    for stale in folder.glob(f"{SCRATCH}*"):  # of one that was killed
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=folder) as made:
        yield Path(made)


def _measure(
    log: Log,
    subjects: "_Subjects",
    anchors: Sequence[Item],
    todo: Sequence[tuple[int, Item]],
    cores: Sequence[int],
    energy: Energy,
    advance: Advance,
    clock: Clock,
) -> None:
    for item in {item.name: item for _, item in todo}.values():
        advance(0, len(todo), f"writing {item.name}")
        subjects.of(item)  # all before anything is timed: one that cannot be run is told at once
    state = {"of": "beginning", "at_s": clock.now_s()} | conditions.state(cores)
    settled = _settle(subjects, anchors, clock)
    whose = cpu_clock(*subjects.of(anchors[0]), clock, subjects.threads)
    log.tell(state | settled | {"cpu_clock": whose, "idle_W": energy.idle_W})
    cpu_ns = clock.thread_ns if whose == "thread" else clock.process_ns
    counter = energy.counter.read_J if energy.counter else None
    for number, (round_, item) in enumerate(todo):
        advance(number, len(todo), f"round {round_ + 1}, {item.name}")
        found = visit(*subjects.of(item), clock, cpu_ns, counter)
        log.append(_line(item, round_, found, cores))
    advance(len(todo), len(todo))
    log.tell({"of": "end", "at_s": clock.now_s()} | conditions.state(cores))


def _line(item: Item, round_: int, found: Visit, cores: Sequence[int]) -> dict[str, Any]:
    now = conditions.state(cores)
    kept = {name: now.get(name) for name in ("frequency_Hz", "temperature_C", "steal_s")}
    return {"item": item.name, "graph": item.digest, "role": item.role, "round": round_} | found.as_json() | kept


def _missing(
    items: Sequence[Item], anchors: Sequence[Item], rounds: int, visits: Sequence[dict[str, Any]]
) -> Iterator[tuple[int, Item]]:
    """Yield (round, item) of what is still to visit, anchors between the items.

    Raises:
        InputError: where an item's name stands for another graph in the folder.
    """
    known = {item.name: item for item in (*items, *anchors)}
    done = set()
    for one in visits:
        item = known.get(one["item"])
        if item is not None and item.digest != one["graph"]:
            raise InputError(f"{item.name}: measured in this folder as another network; give another --output")
        done.add((one["round"], one["item"]))
    turn = 0
    for round_ in range(rounds):
        order = np.random.default_rng([SEED, round_]).permutation(len(items))
        left = [items[place] for place in order if (round_, items[place].name) not in done]
        for number, item in enumerate(left):
            if number % ITEMS_BETWEEN_ANCHORS == 0:
                yield round_, anchors[turn % len(anchors)]
                turn += 1
            yield round_, item
        if left:
            yield round_, anchors[turn % len(anchors)]
            turn += 1


class _Subjects:
    """Items as the runtime's files, each written when it is first asked for."""

    def __init__(self, runtime: Runtime, folder: Path, threads: int) -> None:
        self._runtime, self._folder, self.threads = runtime, folder, threads
        self._ready: dict[str, Prepared] = {}

    def of(self, item: Item) -> tuple[Prepared, list[np.ndarray]]:
        """Return an item, and what it is run on."""
        if item.name not in self._ready:
            folder = self._folder / str(len(self._ready))
            try:
                folder.mkdir()
                self._ready[item.name] = self._runtime.prepare(filled(item.graph, SEED), folder, self.threads)
            except InputError as error:
                raise InputError(f"{item.name}: {error}") from None
            except OSError as error:
                raise InputError(f"{folder}: {item.name} cannot be written: {error.strerror}") from None
        return self._ready[item.name], inputs_of(item.graph)


def inputs_of(graph: Graph) -> list[np.ndarray]:
    """Return what a graph is run on: normal numbers, or small whole ones where it reads such."""
    drawn = np.random.default_rng(SEED)
    return [
        drawn.standard_normal(value.shape, np.float32)
        if np.dtype(value.dtype).kind == "f"
        else drawn.integers(0, 2, value.shape).astype(value.dtype)
        for value in graph.inputs
    ]


def _settle(subjects: _Subjects, anchors: Sequence[Item], clock: Clock) -> dict[str, Any]:
    """Run the anchors until two rounds of them take the same time: the clock has risen, or the heat is there."""
    began, last = clock.wall_ns(), None
    while True:
        times = [min(visit(*subjects.of(one), clock, clock.thread_ns).wall_s) for one in anchors]
        change = None if last is None else max(abs(new / old - 1) for new, old in zip(times, last, strict=True))
        took, last = (clock.wall_ns() - began) * 1e-9, times
        if took > SETTLE_S or (change is not None and change < SETTLED):
            return {"settled_after_s": took, "settled_within": change}
