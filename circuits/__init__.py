"""From a memory technology and a node to a cell, an array, a cache: latency, energy, leakage, area."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuits.cache.design import CacheDesign, cache_front, design_cache
    from circuits.cells.design import design_cell

__all__ = ["CacheDesign", "cache_front", "design_cache", "design_cell"]

_HOMES = {"CacheDesign": "circuits.cache.design", "cache_front": "circuits.cache.design",
          "design_cache": "circuits.cache.design", "design_cell": "circuits.cells.design"}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: the command line imports this package to print its help."""
    if name not in _HOMES:
        raise AttributeError(f"module 'circuits' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
