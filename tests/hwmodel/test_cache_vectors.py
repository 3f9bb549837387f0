"""The vector code beside plain Python, and on processors that have less."""

import os
import subprocess
import sys

import numpy as np
import pytest

from hwmodel.cache import CacheConfig, replay
from hwmodel.cache.block import BLOCK, Block
from hwmodel.cache.gather import gather
from hwmodel.cache.vectors import turns

PROGRAM = """
import sys
import numpy as np
from hwmodel.cache import CacheConfig, replay
seeded = np.random.default_rng(7)
address = (seeded.zipf(1.2, 30_000).astype(np.uint64) * np.uint64(32)) % np.uint64(1 << 23)
configs = [CacheConfig("96KiB", ways, line, sector=sector)
           for ways in (3, 16, 48) for line in (32, 128, 256) for sector in (None, 32)]
table = replay(address, seeded.random(30_000) < 0.3, configs, threads=3)
sys.stdout.write(table.to_json())
"""


@pytest.mark.parametrize(
    ("name", "features"), [("generic", ""), ("haswell", "+avx2,+bmi,+bmi2,+popcnt,+fma,+lzcnt")], ids=["plain", "avx2"]
)
def test_processors_that_have_less_count_the_same(name, features, tmp_path):
    machine = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env=os.environ | chosen, capture_output=True, text=True, check=True
        ).stdout
        for chosen in (machine, {})
    ]
    assert outputs[0] == outputs[1]


def plain(address: list[int], is_write: list[bool], line_bits: int, joined: bool) -> list[tuple[int, int]]:
    """Return the records of a word after another: (line, what)."""
    found: list[tuple[int, int]] = []
    for place, (one, write) in enumerate(zip(address, is_write, strict=True)):
        line, sector = one >> line_bits, 1 << ((one >> 5) & ((1 << (line_bits - 5)) - 1))
        what = sector | (sector << 8 if write else 0) | sector << 16
        goes_on = place % 64 and found[-1][0] == line and (joined or is_write[place - 1] == write)
        if goes_on:
            found[-1] = line, found[-1][1] | what
        else:
            found.append((line, what | (0xFF << 24 if write else 0)))
    return found


@pytest.mark.parametrize("line_bits", [5, 6, 7, 8])
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 127, 128, 129, 1000, BLOCK])
def test_records_are_those_of_a_plain_loop(line_bits, joined, length):
    rng = np.random.default_rng(length)
    steps = rng.choice([0, 1, 1, 1, 2, 9, -1], length)
    address = ((1 << 20) + np.cumsum(steps)).astype(np.uint64) * np.uint64(32) + rng.integers(0, 32, length, np.uint64)
    for share in (0.0, 0.05, 1.0):
        is_write = rng.random(length) < share
        block = Block.empty()
        for start in (0, length // 3):  # from the midst, too: what lies before a block is none of its own
            count, writes = gather(address, is_write, start, length, line_bits, joined, block)
            expected = plain(address[start:].tolist(), is_write[start:].tolist(), line_bits, joined)
            assert list(zip(block.line[:count].tolist(), block.what[:count].tolist(), strict=True)) == expected
            assert writes == is_write[start:].sum()


def test_turns_bring_the_slot_taken_to_the_front():
    for ways in range(1, 17):
        rows = turns(ways)
        before = np.arange(100, 116)
        for found in range(17):
            taken = found if found < 16 else ways - 1
            after = before[rows[found, :16]]
            assert after.tolist() == [100 + taken, *(100 + one for one in range(16) if one != taken)]
        assert rows[16, 16] == 0
        assert (np.delete(rows[:, 16:].ravel(), 16 * 16) == 0xFFFFFFFF).all()


def test_addresses_to_the_very_end_are_read_and_no_further():
    """A view of the midst of an array: what follows it must not matter."""
    whole = np.arange(4096, dtype=np.uint64) * np.uint64(32)
    config = CacheConfig("64KiB")
    for length in (1, 63, 64, 65, 2048, 2049):
        part = whole[:length]
        assert replay(part, np.zeros(length, bool), config).equals(replay(part.copy(), [False] * length, config))
