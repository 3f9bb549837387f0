"""Virtual pooling (arXiv:1906.07912): convolutions that leave out three pixels of four, and interpolate."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workloads.vip.bound import error_bounds, errors
    from workloads.vip.pool import map_sizes, pooled_layers, virtual_pool

__all__ = ["error_bounds", "errors", "map_sizes", "pooled_layers", "virtual_pool"]
_PLACES = {"error_bounds": "bound", "errors": "bound"}


def __getattr__(name: str) -> object:
    """Import torch only when something is pooled."""
    if name in __all__:
        return getattr(import_module(f"workloads.vip.{_PLACES.get(name, 'pool')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
