"""Virtual pooling (arXiv:1906.07912): convolutions that leave out three pixels of four, and interpolate."""

from workloads.vip.bound import error_bounds, errors
from workloads.vip.pool import map_sizes, pooled_layers, virtual_pool

__all__ = ["error_bounds", "errors", "map_sizes", "pooled_layers", "virtual_pool"]
