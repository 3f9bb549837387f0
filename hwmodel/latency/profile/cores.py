"""Keeps the measuring thread, and what a runtime starts from it, on given cores."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from circuits.errors import InputError


def allowed() -> list[int]:
    """Return the cores that this process may run on; empty where the system cannot keep a thread on a core."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def chosen(core: int | None, threads: int) -> list[int]:
    """Return the cores to run on: from `core` on, or else the last ones, since systems serve devices on the first.

    Raises:
        InputError: where this process may not run on them, or there are too few.
    """
    cores = allowed()
    if not cores:
        if core is not None:
            raise InputError(f"core {core}: this system cannot keep a thread on a core; leave --core out")
        return []
    if core is not None and core not in cores:
        raise InputError(f"core {core}: not one that this process may run on; those are {', '.join(map(str, cores))}")
    start = len(cores) - threads if core is None else cores.index(core)
    found = cores[max(start, 0) : max(start, 0) + threads]
    if len(found) < threads:
        some = f" from core {core} on" if core is not None else ""
        raise InputError(f"threads {threads}: more than the {len(found)} cores{some} that this process may run on")
    return found


@contextlib.contextmanager
def kept_on(cores: Sequence[int]) -> Iterator[None]:
    """Keep this thread, and all that are started from it, on these cores; on any where there are none.

    Raises:
        InputError: where the system does not allow it.
    """
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, cores)
    except OSError as error:
        raise InputError(f"core {cores[0]}: this thread cannot be kept there: {error.strerror}") from None
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
