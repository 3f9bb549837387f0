"""The parsers of this package: compiled when first called, kept on disk while its files are the same."""

from pathlib import Path

from traces import stream
from traces.compiled import F, Truth, Whole, inner, stamp_of
from traces.compiled import kernel as _kernel

__all__ = ["STAMP", "Truth", "Whole", "inner", "kernel"]

STAMP = stamp_of(Path(__file__).parent, Path(stream.__file__))


def kernel(function: F) -> F:
    """Compile a function; see traces.compiled."""
    return _kernel(STAMP)(function)
