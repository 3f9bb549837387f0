"""Width Transfer: find a network's widths on something cheaper, and bring them over."""

from workloads.width_transfer.extrapolate import Matched, match, stack
from workloads.width_transfer.fresh import fresh
from workloads.width_transfer.search import Outcome

__all__ = ["Matched", "Outcome", "fresh", "match", "stack"]
