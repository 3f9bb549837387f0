"""Independent jobs on the processors of one machine, with one progress figure, and no process left behind."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from circuits.errors import InputError
from hwmodel.console import Advance

POLL_S = 0.2  # how often progress is looked at
TRIES = 3  # of jobs whose worker was killed


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


def run_all(
    jobs: Sequence[Job], workers: int, advance: Advance, on_result: Callable[[int, Any], None] | None = None
) -> list[Any]:
    """Return each job's result, in the jobs' order; the heaviest start first.

    At an error or Ctrl-C the other jobs are dropped and their processes ended before the exception goes on. Jobs of a
    worker that was killed are done again by others, twice at most and by half as many workers.

    Args:
        jobs: what to do; each can be sent to another process.
        workers: processes at work; with one, jobs are done in this process.
        advance: told of progress.
        on_result: called with a job's place and its result as soon as it is there, in no order.

    Raises:
        InputError: when workers are killed again and again, most often the system's answer to too little memory.
    """
    results: dict[int, Any] = {}

    def keep(position: int, result: Any) -> None:
        results[position] = result
        if on_result:
            on_result(position, result)

    if workers <= 1 or len(jobs) <= 1:
        _here(jobs, advance, keep)
    else:
        for again in range(TRIES):
            rest = [position for position in range(len(jobs)) if position not in results]
            try:
                _elsewhere(jobs, rest, max(1, workers >> again), advance, keep)
                break
            except BrokenProcessPool:
                continue
        else:
            raise InputError(
                f"a worker process was killed, {TRIES} times over, perhaps for want of memory; try --jobs 1"
            )
    return [results[position] for position in range(len(jobs))]


def _here(jobs: Sequence[Job], advance: Advance, keep: Callable[[int, Any], None]) -> None:
    total, done = sum(job.weight for job in jobs), 0.0
    for position, job in enumerate(jobs):
        keep(position, job(lambda part, job=job, done=done: advance(done + part * job.weight, total, job.name)))
        done += job.weight
        advance(min(done, total), total, job.name)


def _elsewhere(
    jobs: Sequence[Job], rest: Sequence[int], workers: int, advance: Advance, keep: Callable[[int, Any], None]
) -> None:
    """Do the jobs at these places in processes of their own."""
    total = sum(job.weight for job in jobs)
    context = multiprocessing.get_context("spawn")  # threads of torch and numba do not survive a fork
    parts = [context.Value("d", 0.0 if position in rest else 1.0, lock=False) for position in range(len(jobs))]
    pool = ProcessPoolExecutor(min(workers, len(rest)), context, initializer=_start, initargs=(parts,))
    order = sorted(rest, key=lambda position: -jobs[position].weight)
    try:
        with _interrupts_held():
            futures: dict[Future[Any], int] = {
                pool.submit(_call, jobs[position], position): position for position in order
            }
        pending = set(futures)
        while pending:
            ended, pending = wait(pending, POLL_S, FIRST_COMPLETED)
            broken = None
            for future in ended:  # what was finished when another worker was killed is kept
                try:
                    keep(futures[future], future.result())
                except BrokenProcessPool as error:
                    broken = error
            if broken:
                raise broken
            running = [job.name for job, part in zip(jobs, parts, strict=True) if 0 < part.value < 1]
            share = sum(job.weight * part.value for job, part in zip(jobs, parts, strict=True))
            advance(min(share, total), total, ", ".join(running))
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
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End with the parent, also where it was killed: nobody would take what we compute."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _call(job: Job, position: int) -> Any:
    def report(part: float) -> None:
        _parts[position].value = part

    report(1e-9)
    result = job(report)
    report(1.0)
    return result
