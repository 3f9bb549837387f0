"""Exact replay of an access stream through set-associative caches, many configurations at a time."""

from importlib import import_module
from typing import TYPE_CHECKING

from hwmodel.cache.config import CacheConfig, Hybrid, Retention

if TYPE_CHECKING:
    from hwmodel.cache.run import Replay, replay, replay_trace

__all__ = ["CacheConfig", "Hybrid", "Replay", "Retention", "replay", "replay_trace"]


def __getattr__(name: str) -> object:
    """Import numba, numpy and pandas only when something is replayed."""
    if name in __all__:
        return getattr(import_module("hwmodel.cache.run"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
