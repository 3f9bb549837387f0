"""How far devices differ from their design, and designs from their assumptions: distributions, yield, sensitivity."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuits.variation.of_cache import CacheVariation, vary_cache
    from circuits.variation.of_cell import CellVariation, vary_cell
    from circuits.variation.sensitivity import tornado

__all__ = ["CacheVariation", "CellVariation", "tornado", "vary_cache", "vary_cell"]

_HOMES = {"CacheVariation": "of_cache", "vary_cache": "of_cache", "CellVariation": "of_cell", "vary_cell": "of_cell",
          "tornado": "sensitivity"}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: the command line imports this package to print its help."""
    if name not in _HOMES:
        raise AttributeError(f"module 'circuits.variation' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"circuits.variation.{_HOMES[name]}"), name)
