"""Which storage lies where: each tensor's storage gets a block of device memory that it gives back when it dies."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from traces.allocator import Allocator
from traces.errors import InputError
from traces.operation import View
from traces.trace import Tensor


@dataclass
class Stored:
    """What is known of a storage; named better as the run goes on."""

    name: str
    kind: str
    address: int
    bytes: int
    shrink: int = 1  # times fewer bytes than torch holds it in
    index: int | None = None  # into the trace's tensors, once an operation has named it


class Memory:
    """Storages of live tensors, their device addresses, and the table of those that operations named.

    A storage's block is released the moment the storage dies, whoever held it last: Python, or autograd's graph, as on
    a GPU. Torch keeps one Python object a storage as long as the storage lives, which is what the finalizer hangs on.
    """

    def __init__(self, bytes_as: torch.dtype | None = None) -> None:
        self.allocator = Allocator()
        self._bytes_as = bytes_as  # elements of this type are taken to be bytes, but for vectors of parameters
        self._live: dict[int, Stored] = {}  # by the address of torch's own StorageImpl
        self._named: list[Stored] = []

    def track(self, tensor: torch.Tensor, name: str, kind: str) -> Stored:
        """Return what is known of the tensor's storage; a storage not seen before is given memory and this name."""
        if tensor.layout != torch.strided:
            raise InputError(f"{name}: a sparse tensor; a trace is of dense, strided tensors")
        storage = tensor.untyped_storage()
        key = storage._cdata
        stored = self._live.get(key)
        shrink = stored.shrink if stored else self._shrink(tensor, kind)
        size = storage.nbytes() // shrink
        if stored is None:
            stored = Stored(name, kind, self.allocator.allocate(size), size, shrink)
            self._live[key] = stored
            weakref.finalize(storage, self._release, key).atexit = False
        elif size > stored.bytes:  # resized in place: the allocator sees a new block, then the end of the old one
            moved = Stored(stored.name, stored.kind, self.allocator.allocate(size), size, shrink)
            self.allocator.release(stored.address)
            self._live[key] = stored = moved
        return stored

    def tie(self, tensor: torch.Tensor, source: torch.Tensor) -> None:
        """Let the storage of a source live as long as that of a tensor which is computed from it when it is read."""
        weakref.finalize(tensor.untyped_storage(), lambda _: None, source.untyped_storage()).atexit = False

    def rename(self, tensor: torch.Tensor, name: str, kind: str) -> None:
        """Say what a tensor turned out to be, such as a parameter's gradient."""
        stored = self.track(tensor, name, kind)
        stored.name, stored.kind = name, kind

    def view(self, tensor: torch.Tensor, name: str, kind: str) -> View:
        """Return the tensor as an operation's argument."""
        stored = self.track(tensor, name, kind)
        index = self._index(stored)
        itemsize = tensor.itemsize // stored.shrink
        address = stored.address + int(tensor.storage_offset()) * itemsize
        dtype = "int8" if stored.shrink > 1 else str(tensor.dtype).removeprefix("torch.")
        return View(index, address, tuple(tensor.shape), tuple(tensor.stride()), itemsize, dtype)

    def _shrink(self, tensor: torch.Tensor, kind: str) -> int:
        vector = kind in ("parameter", "buffer") and tensor.ndim < 2
        return tensor.itemsize if tensor.dtype is self._bytes_as and not vector else 1

    def tensors(self) -> list[Tensor]:
        """Return the storages that operations named, in the order of their indices."""
        return [Tensor(one.name, one.kind, one.address, one.bytes) for one in self._named]

    def living(self) -> frozenset[int]:
        """Return the storages that live now, of those that operations named."""
        return frozenset(one.index for one in self._live.values() if one.index is not None)

    @contextmanager
    def workspaces(self, layer: str) -> Iterator[Callable[[int, str], tuple[int, int]]]:
        """Lend device memory until an operator ends: `allocate(bytes, name)` -> (tensor's index, byte address)."""
        lent: list[int] = []

        def allocate(size: int, name: str) -> tuple[int, int]:
            address = self.allocator.allocate(size)
            lent.append(address)
            return self._index(Stored(f"{layer}.{name}".lstrip("."), "workspace", address, size)), address

        try:
            yield allocate
        finally:
            for address in lent:
                self.allocator.release(address)

    def _index(self, stored: Stored) -> int:
        if stored.index is None:
            stored.index = len(self._named)
            self._named.append(stored)
        return stored.index

    def _release(self, key: int) -> None:
        self.allocator.release(self._live.pop(key).address)
