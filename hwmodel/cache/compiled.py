"""numba's njit for this package's kernels, with a cache on disk that notices a change in any of its files.

numba keys a cached kernel by its own file alone, while the kernel holds the code of those it calls from other files: an
edited or upgraded callee would go unnoticed, and a replay would give an older version's counts.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba as nb
import numpy as np

Whole = int | np.int64  # an integer inside a kernel, where both are one
F = TypeVar("F", bound=Callable[..., Any])

_STAMP = tuple(
    (path.name, path.stat().st_mtime, path.stat().st_size) for path in sorted(Path(__file__).parent.glob("*.py"))
)


def kernel(function: F) -> F:
    """Compile a function when first called: no bounds checks, the interpreter's lock released, cached on disk.

    It may allocate nothing. Without numba's runtime no references are counted: where one array has several names, as
    after inlining, counting them would take longer than the work.
    """
    options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
    compiled: Any = nb.njit(**options)(function)
    # No public way leads there, nor to the option above; a test fails should a release of numba move them.
    compiled._cache._cache_file._source_stamp = _STAMP
    return compiled
