"""Binary traces: ChampSim's instructions and libCacheSim's requests, record by record."""

import struct

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.traces.formats.samples import put, rows
from traces.errors import InputError
from traces.formats import champsim, oracle, source

word = st.one_of(st.just(0), st.integers(0, 2**64 - 1))
flag = st.integers(0, 1)
registers = st.lists(st.integers(0, 255), min_size=6, max_size=6)
instructions = st.lists(st.tuples(word, flag, flag, registers, st.lists(word, min_size=6, max_size=6)), min_size=1)


def instruction(ip, branch, taken, register, memory):
    """One instruction as ChampSim's struct; `memory` has two destinations, then four sources."""
    return struct.pack("<Q8B6Q", ip, branch, taken, *register, *memory)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("binary")


@given(instructions, st.sampled_from(["", ".xz", ".gz"]), st.integers(1, 200))
@settings(max_examples=100)
def test_champsim_reads_sources_then_writes_destinations(folder, given_, packed, chunk):
    content = b"".join(instruction(*one) for one in given_)
    assume(not content.startswith((source.XZ, source.GZIP, source.ZSTD)))  # a first address that looks compressed
    path = put(folder / "a.champsim", content, packed)
    expected = []
    if any(not any([ip, *more, *register, *memory]) for ip, *more, register, memory in given_):
        return  # refused
    for *_, memory in given_:
        for address, write in [(one, False) for one in memory[2:]] + [(one, True) for one in memory[:2]]:
            if address:
                expected.append((address, min(8, 32 - address % 32), write))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "CHUNK", chunk)
        assert rows(champsim.read(path)) == expected


def test_what_is_no_champsim_trace(folder):
    good = instruction(1, 1, 0, [0] * 6, [0] * 6)
    with pytest.raises(InputError, match="truncated, or of another format: 63 bytes are left after instructions of 64"):
        rows(champsim.read(put(folder / "b.champsim", good + good[:-1])))
    bad = instruction(1, 2, 0, [0] * 6, [0] * 6)
    with pytest.raises(InputError, match="instruction 1: its branch flags are neither 0 nor 1; give 64-byte"):
        rows(champsim.read(put(folder / "b.champsim", good + bad)))
    with pytest.raises(InputError, match="instruction 2: its 64 bytes are all zero; give 64-byte ChampSim instr"):
        rows(champsim.read(put(folder / "b.champsim", good * 2 + bytes(64) * 3)))


def request(time, name, size, then):
    return struct.pack("<IQIq", time, name, size, then)


@given(st.lists(word, min_size=1, max_size=40), st.sampled_from(["", ".zst"]), st.integers(1, 200))
@settings(max_examples=100)
def test_an_object_is_a_sector(folder, names, packed, chunk):
    path = put(folder / "a.oracleGeneral", b"".join(request(0, one, 9, -1) for one in names), packed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "CHUNK", chunk)
        assert rows(oracle.read(path)) == [(one % 2**57 * 32, 32, False) for one in names]


def test_what_is_no_oracle_trace(folder):
    path = put(folder / "b.oracleGeneral", request(0, 1, 1, 2) + request(0, 1, 1, 2**63 - 1))
    assert len(rows(oracle.read(path))) == 2
    with pytest.raises(InputError, match="request 1: its next access is 1, before itself; give 24-byte"):
        rows(oracle.read(put(folder / "b.oracleGeneral", request(0, 1, 1, 2) + request(0, 1, 1, 1))))
    with pytest.raises(InputError, match=r"truncated.*1 bytes are left after requests of 24"):
        rows(oracle.read(put(folder / "b.oracleGeneral", request(0, 1, 1, 2) + b"\0")))
