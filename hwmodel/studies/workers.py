"""Independent jobs on the processors of one machine, with one progress figure, and no process left behind."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from circuits.errors import InputError
from hwmodel.console import Advance

POLL_S = 0.2  # how often progress is looked at


class Job(Protocol):
    """Work that can be sent to another process: called with a function that takes its fraction done, 0 to 1."""

    @property
    def weight(self) -> float:
        """Its share of the whole, in any unit."""
        ...

    @property
    def name(self) -> str:
        """What a person sees while it runs."""
        ...

    def __call__(self, report: Callable[[float], None]) -> Any: ...


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_all(jobs: Sequence[Job], workers: int, advance: Advance) -> list[Any]:
    """Return each job's result, in the jobs' order; the heaviest start first.

    At an error or Ctrl-C the other jobs are dropped and their processes ended before the exception goes on.

    Raises:
        InputError: when a worker was killed, which is most often the system's answer to too little memory.
    """
    total = sum(job.weight for job in jobs)
    if workers <= 1 or len(jobs) <= 1:
        done, results = 0.0, []
        for job in jobs:
            results.append(job(lambda part, job=job, done=done: advance(done + part * job.weight, total, job.name)))
            done += job.weight
            advance(done, total, job.name)
        return results
    context = multiprocessing.get_context("spawn")  # threads of torch and numba do not survive a fork
    parts = [context.Value("d", 0.0, lock=False) for _ in jobs]
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, initializer=_start, initargs=(parts,))
    order = sorted(range(len(jobs)), key=lambda position: -jobs[position].weight)
    try:
        with _interrupts_held():
            futures: dict[Future[Any], int] = {
                pool.submit(_call, jobs[position], position): position for position in order
            }
        pending = set(futures)
        while pending:
            ended, pending = wait(pending, POLL_S, FIRST_COMPLETED)
            for future in ended:
                future.result()
            running = [job.name for job, part in zip(jobs, parts, strict=True) if 0 < part.value < 1]
            share = sum(job.weight * part.value for job, part in zip(jobs, parts, strict=True))
            advance(share, total, ", ".join(running))
        results = {position: future.result() for future, position in futures.items()}
        return [results[position] for position in range(len(jobs))]
    except BrokenProcessPool:
        raise InputError("a worker process was killed, perhaps for want of memory; try --jobs 1") from None
    except BaseException:
        for worker in multiprocessing.active_children():
            worker.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while workers start. They inherit the block, so none dies halfway; we hear of it after."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


_parts: Sequence[Any] = ()


def _start(parts: Sequence[Any]) -> None:
    global _parts  # noqa: PLW0603  (a worker process has one set, given once)
    _parts = parts
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and ends us


def _call(job: Job, position: int) -> Any:
    def report(part: float) -> None:
        _parts[position].value = part

    report(1e-9)
    result = job(report)
    report(1.0)
    return result
