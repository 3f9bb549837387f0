"""The kernels of this package: compiled when first called, kept on disk while its files are the same."""

from pathlib import Path

from traces.compiled import F, stamp_of
from traces.compiled import kernel as _kernel

STAMP = stamp_of(Path(__file__).parent / "kernels.py", Path(__file__))


def kernel(function: F) -> F:
    """Compile a function that allocates nothing; see traces.compiled."""
    return _kernel(STAMP, _nrt=False)(function)
