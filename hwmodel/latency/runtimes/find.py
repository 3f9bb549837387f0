"""Runtimes by name: those of the entry-point group `hwmodel.runtimes`."""

from importlib import metadata

from circuits.errors import InputError
from hwmodel.latency.runtimes.interface import Runtime

GROUP = "hwmodel.runtimes"


def known_runtimes() -> list[str]:
    """Return the names of all runtimes that installed packages offer, whether or not what they need is there."""
    return sorted({entry.name for entry in metadata.entry_points(group=GROUP)})


def find_runtime(name: str) -> Runtime:
    """Return the runtime of that name.

    Raises:
        InputError: for a name that no installed package offers, and for a runtime that is not installed itself.
    """
    entries = list(metadata.entry_points(group=GROUP, name=name))
    if not entries:
        raise InputError(f"runtime {name!r}: unknown; give one of {', '.join(known_runtimes())}")
    ours = [entry for entry in entries if entry.dist is not None and entry.dist.name == "hwmodel"]
    runtime: Runtime = (ours or entries)[0].load()()
    return runtime


def installed(module: str, distribution: str, extra: str) -> str:
    """Return the version of a distribution that a runtime runs by.

    Raises:
        InputError: where it is not installed; the line says how to.
    """
    import importlib.util

    try:
        if importlib.util.find_spec(module) is not None:
            return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        pass
    raise InputError(f"runtime {extra}: {distribution} is not installed; pip install 'hwmodel[{extra}]'")
