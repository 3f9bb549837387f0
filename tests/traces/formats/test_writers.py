"""Traces of ours written in other tools' formats, and read back."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import formats as naive
from tests.naive.intervals import sectors
from tests.traces.formats.test_pytorch import X, node, run
from tests.traces.streams import intervals, trace
from traces.container import read_trace, write_trace
from traces.errors import InputError
from traces.formats import expand, open_trace, oracle, oracle_writer, save_trace, source
from traces.formats.expand import accesses


@st.composite
def row(draw, kernel):
    """An interval of few sectors, most of them within a few KiB, so that some come again."""
    stride = draw(st.sampled_from([0, 32, 64, -32, 100, -7, 1 << 41]))
    count, width = draw(st.integers(1, 6)), draw(st.integers(1, 140))
    base = draw(st.one_of(st.integers(2048, 4096), st.sampled_from([1 << 32, 1 << 40, 2**57])))
    return base, stride, count, width, draw(st.booleans()), draw(st.integers(0, 1)), kernel


streams = st.tuples(st.lists(row(0), max_size=12), st.lists(row(1), max_size=12)).map(lambda both: both[0] + both[1])


def touched(rows):
    """The sector accesses of intervals: (sector, is it written, is it covered whole, kernel)."""
    found = []
    for base, stride, count, width, write, _, kernel in rows:
        for start in range(base, base + count * stride, stride) if stride else [base] * count:
            for sector in sectors(start, 0, 1, width):
                whole = start <= sector * 32 and sector * 32 + 32 <= start + width
                found.append((sector, write, whole, kernel))
    return found


def read_back(path, **options):
    """The same of a trace in a file."""
    return [
        (address // 32, write, whole, kernel)
        for batch in accesses(open_trace(path, **options))
        for address, write, whole, kernel in zip(*(column.tolist() for column in batch), strict=True)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("writers")


@given(streams, st.integers(1, 50))
@settings(max_examples=100)
def test_a_stream_as_single_accesses(rows, length):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expand, "LENGTH", length)
        batches = list(accesses(trace(intervals(rows[:5]), intervals([]), intervals(rows[5:]))))
    assert all(len(batch.address) <= length for batch in batches)
    found = [one for batch in batches for one in zip(*(column.tolist() for column in batch), strict=True)]
    assert [(address // 32, *rest) for address, *rest in found] == touched(rows)


@given(streams, st.sampled_from(["", ".gz", ".xz", ".zst"]))
@settings(max_examples=60)
def test_din(folder, rows, packed):
    path = folder / f"a.din{packed}"
    save_trace(trace(intervals(rows)), path)
    if rows:
        assert [one[:2] for one in read_back(path)] == [one[:2] for one in touched(rows)]
    else:
        with pytest.raises(InputError, match="empty"):
            open_trace(path)


@given(streams.filter(len), st.sampled_from([4, 16, 1 << 12]), st.integers(1, 40), st.booleans())
@settings(max_examples=100)
def test_oracle(folder, rows, slots, piece, packed):
    path = folder / f"a.oracleGeneral{'.zst' if packed else ''}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oracle_writer, "PIECE", piece)
        oracle_writer.write(trace(intervals(rows)), path, slots)
    records = np.concatenate(list(source.records(path, oracle.RECORD, "requests")))
    ids = [one[0] for one in touched(rows)]
    assert records["obj_id"].tolist() == ids
    assert records["next_access_vtime"].tolist() == naive.next_accesses(ids)
    assert records["clock_time"].tolist() == [one[3] for one in touched(rows)]
    assert set(records["obj_size"].tolist()) == {32}
    assert [one[0] for one in read_back(path)] == [one % 2**57 for one in ids]


@given(streams)
@settings(max_examples=60)
def test_accelsim(folder, rows):
    path = folder / "app"
    shutil.rmtree(path, ignore_errors=True)
    save_trace(trace(intervals(rows)), path, "accelsim")
    names = [one.name for one in open_trace(path / "kernelslist.g").kernels]
    assert names == ["gemm", "copy"]
    expected = [(sector, write, whole or not write, kernel) for sector, write, whole, kernel in touched(rows)]
    for options in ({}, {"order": "listed"}):
        assert read_back(path / "kernelslist.g", **options) == expected


def test_accelsim_of_many_accesses(tmp_path):
    rows = [(1 << 20, 4096, 3000, 128, False, 0, 0), (1 << 33, 32, 9000, 32, True, 0, 0), (7, 96, 500, 40, True, 0, 1)]
    save_trace(trace(intervals(rows)), tmp_path / "app", "accelsim")
    expected = [(sector, write, whole or not write, kernel) for sector, write, whole, kernel in touched(rows)]
    assert read_back(tmp_path / "app" / "kernelslist.g") == expected
    assert sorted(one.name for one in (tmp_path / "app").iterdir()) == [
        "kernel-1.traceg", "kernel-2.traceg", "kernelslist.g"]  # fmt: skip


@pytest.mark.parametrize("packed", ["", ".gz", ".xz", ".zst", ".zstd", ".GZ"])
def test_the_same_trace_gives_the_same_bytes_compressed_as_named(tmp_path, packed):
    one = trace(intervals([(4096, 32, 500, 32, True, 0, 0)]))
    paths = [tmp_path / f"{name}.din{packed}" for name in ("a", "b")]
    for path in paths:
        save_trace(one, path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert (len(first) < 2000) == bool(packed)
    assert len(read_back(paths[0])) == 500


def test_a_trace_of_another_tools_goes_through_ours(tmp_path):
    (tmp_path / "a.din").write_text("0 100\n1 2f00\nr ff 3\n")
    read = open_trace(tmp_path / "a.din")
    write_trace(read, tmp_path / "a.trace")
    assert read_back(tmp_path / "a.trace") == read_back(tmp_path / "a.din")
    assert read_trace(tmp_path / "a.trace").header == read.header


def test_names_that_are_no_text_can_be_written(tmp_path):
    name = os.fsdecode(b"a\xff.din")
    (tmp_path / name).write_text("0 100\n")
    write_trace(open_trace(tmp_path / name), tmp_path / "a.trace")
    assert read_trace(tmp_path / "a.trace").header.network == "a\\udcff.din"
    path = run(tmp_path, [node(2, "aten::\ud800", 1, [X])])
    write_trace(open_trace(path), tmp_path / "a.trace")
    assert read_trace(tmp_path / "a.trace").kernels[0].name == "aten::\\ud800"


def broken():
    yield intervals([(0, 32, 9000, 32, True, 0, 0)])
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["a.din", "a.din.xz", "a.oracleGeneral", "a.oracleGeneral.zst", "folder"])
def test_nothing_half_written_is_left(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(KeyboardInterrupt):
        save_trace(replace(trace(), source=broken), path, "accelsim" if name == "folder" else None)
    assert list(tmp_path.iterdir()) == []
    if name != "folder":
        path.write_text("before")
        with pytest.raises(KeyboardInterrupt):
            save_trace(replace(trace(), source=broken), path)
        assert path.read_text() == "before"


def test_what_cannot_be_written(tmp_path):
    small = trace(intervals([(0, 0, 1, 32, False, 0, 1), (0, 0, 1, 32, False, 0, 0)]))
    with pytest.raises(InputError, match="no format that can be written; name it with --format: accelsim, din, oracle"):
        save_trace(small, tmp_path / "a.xyz")
    with pytest.raises(InputError, match="no format that can be written"):
        save_trace(small, tmp_path / "a.din", "lackey")
    with pytest.raises(InputError, match="kernels 0 and 1 overlap"):
        save_trace(small, tmp_path / "app", "accelsim")
    with pytest.raises(InputError, match="a name of a file; give that of a folder to make, and --format accelsim"):
        save_trace(small, tmp_path / "app.traceg")
    with pytest.raises(InputError, match="is there already; give the name of a folder"):
        save_trace(small, tmp_path, "accelsim")
    with pytest.raises(InputError, match="sectors of 64 B"):
        save_trace(replace(small, header=replace(small.header, sector_bytes=64)), tmp_path / "app", "accelsim")
    for path in (tmp_path, tmp_path / "absent" / "a.din", tmp_path / ("n" * 300)):
        for name in ("din", "oracle"):
            with pytest.raises(InputError, match=r"folder|file|written"):
                save_trace(small, path, name)
    for path in (tmp_path / "absent" / "app", tmp_path / ("n" * 300)):
        with pytest.raises(InputError, match="cannot be written"):
            save_trace(small, path, "accelsim")
    assert list(tmp_path.iterdir()) == []
