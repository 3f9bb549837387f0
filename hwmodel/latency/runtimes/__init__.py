"""Inference runtimes behind one interface, found by name."""

from hwmodel.latency.runtimes.find import find_runtime, known_runtimes
from hwmodel.latency.runtimes.interface import Prepared, Runtime

__all__ = ["Prepared", "Runtime", "find_runtime", "known_runtimes"]
