"""numba's njit for this package's parsers, with a cache on disk that notices a change in any of its files.

numba keys a cached kernel by its own file alone, while a parser holds the code of the scanners it calls from
`traces.formats.scan`: an edited or upgraded one would go unnoticed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba as nb
import numpy as np

Whole = int | np.int64  # an integer inside a kernel, where both are one
Truth = bool | np.bool_
F = TypeVar("F", bound=Callable[..., Any])

_STAMP = tuple(
    (path.name, path.stat().st_mtime, path.stat().st_size) for path in sorted(Path(__file__).parent.glob("*.py"))
)


def kernel(function: F) -> F:
    """Compile a function when first called: no bounds checks, the interpreter's lock released, cached on disk."""
    compiled: Any = nb.njit(cache=True, nogil=True, error_model="numpy")(function)
    if hasattr(compiled, "py_func"):  # not under NUMBA_DISABLE_JIT, which leaves the function as it is
        # No public way leads there; a test fails should a release of numba move it.
        compiled._cache._cache_file._source_stamp = _STAMP
    return compiled


def inner(function: F) -> F:
    """Compile a function that only kernels call; its code becomes part of theirs."""
    compiled: Any = nb.njit(nogil=True, error_model="numpy", forceinline=True)(function)
    return compiled
