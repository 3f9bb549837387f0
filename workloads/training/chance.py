"""Chance by name: every random number follows from a seed, what it is for, and its turn.

Nothing draws from a stream that something else draws from, so that two variants of a method with one seed see the same
batches however many numbers either draws, and a run that goes on needs no generator's state.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

M = TypeVar("M")


def number(seed: int, purpose: str, turn: int = 0) -> int:
    """Return a seed of 63 bits for one purpose and turn."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{purpose}/{turn}".encode(), digest_size=8).digest()) >> 1


def generator(seed: int, purpose: str, turn: int = 0) -> torch.Generator:
    """Return a generator of one purpose (`order`, `widths`, ...) and turn (an epoch, an iteration)."""
    return torch.Generator().manual_seed(number(seed, purpose, turn))


@contextlib.contextmanager
def chance(seed: int, purpose: str, turn: int = 0) -> Iterator[None]:
    """Give torch's own random numbers such a seed within the block; afterwards they go on as if it had not been."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(number(seed, purpose, turn))
        yield


def seeded(factory: Callable[[], M], seed: int) -> M:
    """Return what the factory makes, its initial weights drawn by the seed."""
    with chance(seed, "weights"):
        return factory()
