"""Where jobs run: processes of this machine, or an existing distributed engine, Ray, for whoever outgrows it."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from circuits.errors import InputError
from hwmodel.console import Advance
from hwmodel.studies.workers import POLL_S, Job, run_all

ENGINES = ("processes", "ray")
STORED = 256 << 20  # bytes that a local cluster keeps of results; Ray would take a third of the memory
RETRIES = 5  # of a job whose worker or node was lost; Ray starts it elsewhere


class Engine(Protocol):
    """Does jobs, and tells of each result as it comes, in no order."""

    def __call__(
        self, jobs: Sequence[Job], workers: int, advance: Advance, on_result: Callable[[int, Any], None]
    ) -> list[Any]: ...


def find_engine(name: str) -> Engine:
    """Return an engine by name.

    Raises:
        InputError: for another name, and for one that is not installed.
    """
    if name == "processes":
        return run_all
    if name != "ray":
        raise InputError(f"engine {name!r}: unknown; known are {', '.join(ENGINES)}")
    try:
        import ray  # noqa: F401
    except ImportError:
        raise InputError("engine ray: Ray is not installed; pip install 'hwmodel[ray]'") from None
    return run_on_ray


def run_on_ray(jobs: Sequence[Job], workers: int, advance: Advance, on_result: Callable[[int, Any], None]) -> list[Any]:
    """Do jobs on the Ray cluster that RAY_ADDRESS names, else on a local one of so many workers.

    Raises:
        InputError: as a job does; and where the cluster cannot be reached, or workers are lost again and again.
    """
    import ray
    from ray.exceptions import RayError, RayTaskError

    results: dict[int, Any] = {}
    total = sum(job.weight for job in jobs)
    with _cluster(workers):
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(_call)
        order = sorted(range(len(jobs)), key=lambda position: -jobs[position].weight)
        places = {task.remote(jobs[position]): position for position in order}
        pending = list(places)
        try:
            while pending:
                ended, pending = ray.wait(pending, num_returns=1, timeout=POLL_S)
                for one in ended:
                    results[places[one]] = ray.get(one)
                    on_result(places[one], results[places[one]])
                advance(sum(jobs[position].weight for position in results), total, f"{len(pending)} jobs to go")
        except RayTaskError as error:
            if getattr(error.cause, "is_input_error", False):
                raise error.cause from None
            raise
        except RayError as error:
            raise InputError(f"engine ray: {' '.join(str(error).split())[:200]}") from None
        finally:
            for one in pending:
                with contextlib.suppress(Exception):
                    ray.cancel(one, force=True)
    return [results[position] for position in range(len(jobs))]


def _call(job: Job) -> Any:
    return job(lambda _: None)


@contextlib.contextmanager
def _cluster(workers: int) -> Iterator[None]:
    """Join a cluster, or start one here and end it; one that the caller has joined already is left as it is."""
    import ray

    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS")
    try:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if address:
            ray.init(address, **quiet)
        else:
            ray.init("local", num_cpus=workers, include_dashboard=False, object_store_memory=STORED, **quiet)
    except Exception as error:
        where = f"the cluster at {address}" if address else "a local cluster"
        raise InputError(f"engine ray: {where}: {' '.join(str(error).split())[:200]}") from None
    try:
        yield
    finally:
        ray.shutdown()
