"""The model's kernels stay on disk, see traces.compiled; each depends on any file of this folder."""

from pathlib import Path

from traces.compiled import F, inner, stamp_of
from traces.compiled import kernel as _kernel

__all__ = ["inner", "kernel"]
_STAMP = stamp_of(Path(__file__).parent)


def kernel(function: F) -> F:
    """Compile a function when first called, and keep it on disk."""
    return _kernel(_STAMP)(function)
