"""numba's njit for kernels that stay on disk: what one process compiles, later ones load.

numba keeps a kernel beside its source where that can be written, else in a folder of the user's (NUMBA_CACHE_DIR names
another), for one kind of processor and one numba, and takes it for fresh while its own file is the same. Here besides:

- a stamp covers every file whose code or constants a kernel holds, by their contents: an edited or upgraded callee is
  noticed, and files that are merely copied or touched are not;
- what was compiled when the package was installed serves users who may not write there;
- files that are damaged or cannot be written cost a compilation, not the run.

The first compilation of a process is logged (logger `hwmodel`), as it takes seconds.
"""

import contextlib
import inspect
import logging
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numba as nb
import numpy as np
from numba.core import config, event
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile

Whole = int | np.int64  # an integer inside a kernel, where both are one
Truth = bool | np.bool_
F = TypeVar("F", bound=Callable[..., Any])
KERNELS: list[Any] = []  # numba's dispatchers of all kernels so far; their `stats` tell loads from compilations
LOG = logging.getLogger("hwmodel")


def stamp_of(*sources: Path) -> str:
    """Return what tells one state of files, and of the Python files right in folders, from another."""
    found = sha256()
    for source in sources:
        for path in sorted(source.glob("*.py")) if source.is_dir() else [source]:
            content = path.read_bytes()
            found.update(f"{path.name} {len(content)} ".encode())
            found.update(content)
    return found.hexdigest()


def kernel(stamp: str, **options: Any) -> Callable[[F], F]:
    """Compile a function when first called: no bounds checks, the interpreter's lock released, kept on disk.

    Args:
        stamp: of all that the kernel's code comes from, see `stamp_of`.
        options: of numba's njit. `_nrt=False` is for kernels that allocate nothing: without its runtime numba counts no
            references, which, where one array has several names, as after inlining, takes longer than the work.
    """

    def compiler(function: F) -> F:
        compiled: Any = nb.njit(nogil=True, error_model="numpy", **options)(function)
        if hasattr(compiled, "py_func"):  # not under NUMBA_DISABLE_JIT, which leaves the function as it is
            # njit(cache=True) sets this very attribute; no public way leads to a cache of one's own.
            compiled._cache = _Kept(function, stamp)
            KERNELS.append(compiled)
        return compiled

    return compiler


def inner(function: F) -> F:
    """Compile a function that only kernels call; its code becomes part of theirs."""
    compiled: Any = nb.njit(nogil=True, error_model="numpy", forceinline=True)(function)
    return compiled


def counted() -> tuple[int, int]:
    """Return how many kernels (a kernel once for each of its kinds of arguments) were loaded, and how many compiled."""
    stats = [one.stats for one in KERNELS]
    return sum(one.cache_hits.total() for one in stats), sum(one.cache_misses.total() for one in stats)


class _Installed:
    """Beside the source, as numba's own place there, whether or not it can be written."""

    def __init__(self, function: Any, file: str) -> None:
        self._path, self._line = Path(file).parent / "__pycache__", function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, function: Any, file: str) -> "_Installed":
        return cls(function, file)

    def get_cache_path(self) -> str:
        return str(self._path)

    def get_source_stamp(self) -> str:
        return ""  # ours takes its place

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Places(CompileResultCacheImpl):
    """Where kernels are kept: numba's places, the last one where no other can be written."""

    _locator_classes: ClassVar[list[Any]] = [*CompileResultCacheImpl._locator_classes, _Installed]


class _Files(IndexDataCacheFile):
    """A kernel's files, and those that came with the package where these are others."""

    def __init__(self, path: str, name: str, stamp: str, installed: "_Files | None" = None) -> None:
        super().__init__(path, name, stamp)
        self._installed = installed

    def load(self, key: Any) -> Any:
        try:
            found = super().load(key)
        except Exception:  # damaged, or not ours to read: whatever unpickling makes of that, it is compiled anew
            found = None
        return self._installed.load(key) if found is None and self._installed else found

    def _load_index(self) -> Any:
        try:
            return super()._load_index()
        except Exception:  # as above; what is saved then begins a new index
            return {}


class _Kept(FunctionCache):
    """A kernel's cache on disk."""

    _impl_class = _Places

    def __init__(self, function: Callable[..., Any], stamp: str) -> None:
        super().__init__(function)
        beside = _Installed(function, inspect.getfile(function)).get_cache_path()
        own = self.keeps and self.cache_path != beside and not getattr(config, "CACHE_DIR", "")  # the user's own folder
        name = self._impl.filename_base
        self._cache_file = _Files(self.cache_path, name, stamp, _Files(beside, name, stamp) if own else None)

    @property
    def keeps(self) -> bool:
        return not isinstance(self._impl.locator, _Installed)

    def save_overload(self, sig: Any, data: Any) -> None:
        if self.keeps:
            with contextlib.suppress(OSError):  # a full disk, a folder that went away
                super().save_overload(sig, data)


class _Teller(event.Listener):
    """Says once in a process that kernels are compiled, and where they are kept."""

    def __init__(self) -> None:
        self.told = False

    def on_start(self, event: event.Event) -> None:
        one = (event.data or {})["dispatcher"]
        if not self.told and isinstance(one._cache, _Kept):
            self.told = True
            kept = "kept in %s" if one._cache.keeps else "not kept, as %s cannot be written; name a NUMBA_CACHE_DIR"
            LOG.info(f"compiling kernels for this processor, some seconds; {kept}", one.stats.cache_path)

    def on_end(self, event: event.Event) -> None:
        pass


event.register("numba:compile", _Teller())
