"""Answers of design points: from the store where they are there, else computed by an engine and kept at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from circuits.errors import InputError
from hwmodel.console import Advance
from hwmodel.studies.engines import Engine, find_engine
from hwmodel.studies.model import model_version
from hwmodel.studies.points import Point, entry_of
from hwmodel.studies.store import Answer, Store

SHARED = 0.5  # of a point's time, what points of a group do but once: a stream is lowered, then replayed cache by cache
MOST = 0.7  # of a worker's share of all time, what one job may take


@dataclass(frozen=True)
class PointJob:
    """Points of one group, as a job of an engine."""

    points: tuple[Point, ...]

    @property
    def weight(self) -> float:
        return max(point.weight for point in self.points) * (SHARED + (1 - SHARED) * len(self.points))

    @property
    def name(self) -> str:
        return self.points[0].name

    def __call__(self, report: Callable[[float], None]) -> tuple[str, list[Answer]]:
        first = self.points[0]
        return model_version(first.kind), type(first).answer(self.points, report)


def balanced(jobs: list[PointJob], workers: int) -> list[PointJob]:
    """Return jobs of which none takes most of a worker's share: the heaviest are halved, which share nothing then."""
    while workers > 1:
        heaviest = max(jobs, key=lambda job: job.weight)
        if len(heaviest.points) < 2 or heaviest.weight <= MOST * sum(job.weight for job in jobs) / workers:
            break
        middle = len(heaviest.points) // 2
        halves = [PointJob(heaviest.points[:middle]), PointJob(heaviest.points[middle:])]
        jobs = [job for job in jobs if job is not heaviest] + halves
    return jobs


def silent(done: float, total: float, what: str = "") -> None:
    """Tell nobody of progress."""


@dataclass
class Runner:
    """Computes what a store lacks.

    Args:
        store: where answers are kept.
        workers: how many take part.
        advance: told of progress.
        engine: `processes` or `ray`.
    """

    store: Store
    workers: int = 1
    advance: Advance = silent
    engine: str = "processes"

    def answers(self, points: Sequence[Point]) -> list[Answer]:
        """Return an answer a point, in order; a point may come several times.

        Raises:
            InputError: for a point that cannot be answered; what was finished before is kept.
        """
        entries = {point: entry_of(point) for point in points}
        found = self.store.get(list(entries.values()))
        missing: dict[tuple[str, Any], list[Point]] = {}
        for point, entry in entries.items():
            if entry.key not in found:
                missing.setdefault((point.kind, point.group), []).append(point)
        if missing:
            jobs = balanced([PointJob(tuple(group)) for group in missing.values()], self.workers)

            def keep(position: int, result: tuple[str, list[Answer]]) -> None:
                model, answers = result
                for point, answer in zip(jobs[position].points, answers, strict=True):
                    if model != entries[point].model:
                        raise InputError(
                            f"{point.name}: computed by another version of hwmodel; install one everywhere"
                        )
                    found[entries[point].key] = self.store.put(entries[point], answer)

            run: Engine = find_engine(self.engine)
            run(jobs, self.workers, self.advance, keep)
        return [found[entries[point].key] for point in points]
