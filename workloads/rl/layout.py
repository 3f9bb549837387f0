"""The memory that the server and its actors share: an anonymous file, which is gone when the last of them is."""

import mmap
import os

import numpy as np


class Layout:
    """Arrays over shared memory, one row an actor.

    Attributes:
        observation: actors x environments x the observation's own shape.
        board: a structured row an actor, in cache lines of its own. Per environment: `action`, which the server writes;
            `reward` and `ended`, of the last step; `episode_return` and `episode_length`, of the last that ended. Per
            actor: `steps` done, of all its environments.
        stop: int32[1]; not 0 when actors shall end.
    """

    def __init__(self, actors: int, environments: int, shape: tuple[int, ...], dtype: str, descriptor: int) -> None:
        """Map the memory behind `descriptor`, a file of `size(...)` bytes or more."""
        board = _board(environments)
        self.board: np.ndarray
        self._map = mmap.mmap(descriptor, size(actors, environments, shape, dtype))
        self.stop = np.frombuffer(self._map, np.int32, 1)
        self.board = np.frombuffer(self._map, board, actors, _LINE)
        start = _pages(_LINE + actors * board.itemsize)
        count = actors * environments * int(np.prod(shape, dtype=np.int64))
        self.observation = np.frombuffer(self._map, dtype, count, start).reshape(actors, environments, *shape)


_LINE = 64  # bytes of a cache line: no two actors write to the same


def _pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


def _board(environments: int) -> np.dtype:
    fields = [
        ("steps", np.int64, ()),
        ("action", np.int32, (environments,)),
        ("reward", np.float32, (environments,)),
        ("episode_return", np.float32, (environments,)),
        ("episode_length", np.int32, (environments,)),
        ("ended", np.uint8, (environments,)),
    ]
    plain = np.dtype(fields)
    offsets = [plain.fields[name][1] for name, _, _ in fields] if plain.fields else []
    return np.dtype({
        "names": [name for name, _, _ in fields],
        "formats": [(kind, shape) for _, kind, shape in fields],
        "offsets": offsets,
        "itemsize": -(-plain.itemsize // _LINE) * _LINE,
    })  # fmt: skip


def size(actors: int, environments: int, shape: tuple[int, ...], dtype: str) -> int:
    """Return the bytes that a layout takes."""
    each = environments * int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    return _pages(_LINE + actors * _board(environments).itemsize) + _pages(max(1, actors * each))


def create(actors: int, environments: int, shape: tuple[int, ...], dtype: str) -> int:
    """Return the descriptor of new shared memory for a layout, which children inherit.

    Raises:
        OSError: there is not so much memory.
    """
    descriptor = os.memfd_create("hwmodel-rl", 0)
    try:
        os.posix_fallocate(descriptor, 0, size(actors, environments, shape, dtype))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
