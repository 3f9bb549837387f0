"""From a torch module to the stream of sectors that reaches the last-level cache of a GPU."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from traces.container import read_trace, write_trace
    from traces.formats import open_trace, save_trace
    from traces.lowered import capture
    from traces.networks import capture_network, count_macs, find_network
    from traces.recording import Recording, record
    from traces.trace import Header, Kernel, Tensor, Trace

# What is offered here lies in modules that import torch or pyarrow; each is loaded when first asked for.
_HOMES = {
    "Header": "traces.trace",
    "Kernel": "traces.trace",
    "Recording": "traces.recording",
    "Tensor": "traces.trace",
    "Trace": "traces.trace",
    "capture": "traces.lowered",
    "capture_network": "traces.networks",
    "count_macs": "traces.networks",
    "find_network": "traces.networks",
    "open_trace": "traces.formats",
    "read_trace": "traces.container",
    "record": "traces.recording",
    "save_trace": "traces.formats",
    "write_trace": "traces.container",
}

__all__ = ["Header", "Kernel", "Recording", "Tensor", "Trace", "capture", "capture_network", "count_macs",
           "find_network", "open_trace", "read_trace", "record", "save_trace", "write_trace"]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'traces' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
