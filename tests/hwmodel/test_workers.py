import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import pytest

from circuits.errors import InputError
from hwmodel.studies.workers import run_all

BEFORE: set[int] = set()


@dataclass(frozen=True)
class Square:
    value: int
    weight: float = 1.0

    @property
    def name(self) -> str:
        return str(self.value)

    def __call__(self, report: Callable[[float], None]) -> int:
        report(0.5)
        return self.value**2


@dataclass(frozen=True)
class Fail(Square):
    def __call__(self, report: Callable[[float], None]) -> int:
        raise InputError(f"{self.value} is refused")


@dataclass(frozen=True)
class Die(Square):
    def __call__(self, report: Callable[[float], None]) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0


@dataclass(frozen=True)
class Interrupt(Square):
    def __call__(self, report: Callable[[float], None]) -> int:
        raise KeyboardInterrupt


def ignore(done: float, total: float, what: str = "") -> None:
    assert 0 <= done <= total


@pytest.fixture(autouse=True)
def before() -> set[int]:
    """Remember processes that other tests left: they may have ended, with nobody who waits for them."""
    BEFORE.clear()
    BEFORE.update(child.pid for child in psutil.Process().children(recursive=True))
    return BEFORE


def no_worker_left() -> bool:
    children = [child for child in psutil.Process().children(recursive=True) if child.pid not in BEFORE]
    return not [child for child in children if child.is_running() and "spawn_main" in " ".join(child.cmdline())]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_jobs_order(workers: int) -> None:
    jobs = [Square(value, weight=10 - value) for value in range(5)]
    seen: list[float] = []
    assert run_all(jobs, workers, lambda done, total, what="": seen.append(done / total)) == [0, 1, 4, 9, 16]
    assert seen == sorted(seen)
    assert no_worker_left()


@pytest.mark.parametrize("workers", [1, 2])
def test_one_error_ends_all(workers: int) -> None:
    with pytest.raises(InputError, match="3 is refused"):
        run_all([Square(1), Fail(3), Square(2)], workers, ignore)
    assert no_worker_left()


def test_a_killed_worker_is_said_plainly() -> None:
    with pytest.raises(InputError, match="worker process was killed"):
        run_all([Square(1), Die(3), Square(2)], 2, ignore)
    assert no_worker_left()


def test_an_interrupt_leaves_no_worker() -> None:
    def interrupt(done: float, total: float, what: str = "") -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all([Square(1), Square(2)], 2, interrupt)
    assert no_worker_left()


def test_no_jobs_no_results() -> None:
    assert run_all([], 2, ignore) == []
