"""The counters asked for, and what is made of those that came: one set of quantities on every chip."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from traces.errors import InputError

# What a kernel is compared by, measured and modelled alike; sectors of 32 B.
QUANTITIES = ("l2_reads", "l2_writes", "l2_read_hits", "dram_reads", "dram_writes")
SECTOR_BYTES = 32
FILE = Path(__file__).with_name("metrics.yaml")


@dataclass(frozen=True)
class Quantity:
    """What a quantity is, and the metrics it may be made of."""

    name: str
    what: str
    unit: str  # of its metrics: sector | byte | second
    required: bool
    any_of: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]  # a metric, and what is added: alternatives each

    def metrics(self, known: Set[str]) -> tuple[str, ...]:
        """Return what to add up, of the metrics a chip has; nothing where it has none."""
        for metric, plus in self.any_of:
            if metric in known:
                firsts = (next((one for one in group if one in known), "") for group in plus)
                return (metric, *filter(None, firsts))
        return ()


@cache
def quantities() -> tuple[Quantity, ...]:
    """Return every quantity, in the order of metrics.yaml."""
    import yaml

    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    works = document.pop("works")
    found = []
    for name, entry in document.items():
        if entry["source"] not in works:
            raise ValueError(f"{FILE}: {name} has no source")
        any_of = tuple((one["metric"], tuple(map(tuple, one["plus"]))) for one in entry["any_of"])
        found.append(Quantity(name, entry["what"], entry["unit"], entry["required"], any_of))
    return tuple(found)


def wanted(known: Set[str], chip: str) -> list[str]:
    """Return the metrics to ask a chip for.

    Args:
        known: names that the profiler lists for it, without what sums them up: lts__t_sectors_op_read.
        chip: its name, for the error.

    Raises:
        InputError: where it lacks what cannot be done without.
    """
    summed = {f"{name}.sum" for name in known}
    found: list[str] = []
    for one in quantities():
        metrics = one.metrics(summed)
        if one.required and not metrics:
            names = " or ".join(metric for metric, _ in one.any_of)
            raise InputError(f"{chip}: ncu lists no counter of {one.what}: {names}")
        found += [metric for metric in metrics if metric not in found]
    return found


def measured(counts: Mapping[str, float]) -> dict[str, float | None]:
    """Return the quantities of a kernel, in sectors and seconds; None where a count is missing.

    Args:
        counts: metric -> sectors, bytes or seconds, only those that came.
    """
    found: dict[str, float | None] = {}
    for one in quantities():
        metrics = one.metrics(counts.keys())
        total = sum(counts[metric] for metric in metrics) if metrics else None
        found[one.name] = total / SECTOR_BYTES if total is not None and one.unit == "byte" else total
    return found
