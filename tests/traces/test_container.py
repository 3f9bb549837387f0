"""A trace through its file and back; and files that are no trace, or no longer one."""

import json
import os
import zlib
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.traces.streams import HEADER, KERNELS, TENSORS, intervals, lists, trace, whole
from traces import container
from traces.container import KEY, KEY_CRC, SCHEMA, read_trace, write_trace
from traces.errors import InputError
from traces.stream import COLUMNS
from traces.survey import count
from traces.tables import LATER
from traces.trace import Kernel, Trace

ROWS = [(4096 + 64 * i, 32, 2, 32, i % 3 == 0, i % 2, i // 50) for i in range(100)]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("traces") / "good.trace"
    write_trace(trace(intervals(ROWS)), path)
    return path


def same(left: Trace, right: Trace) -> bool:
    tables = (left.header, left.tensors, left.kernels) == (right.header, right.tensors, right.kernels)
    return tables and whole(left) == whole(right)


@given(lists, lists)
@settings(max_examples=50)
def test_what_is_written_is_read(tmp_path_factory, first, second):
    path = tmp_path_factory.mktemp("t") / "a.trace"
    written = trace(intervals(first), intervals(second))
    write_trace(written, path)
    read = read_trace(path)
    assert same(read, written)
    assert read.totals == count(written)
    assert same(read, written), "a trace can be read again"


def test_batches_have_the_types_of_the_stream(good):
    for batch in read_trace(good).batches():
        assert [column.dtype for column in batch] == list(map(np.dtype, COLUMNS.values()))


def test_the_stream_is_cut_into_groups_of_bounded_size(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "GROUP", 7)
    path = tmp_path / "a.trace"
    done = []
    write_trace(trace(intervals(ROWS[:40]), intervals([]), intervals(ROWS[40:])), path, done.append)
    read = read_trace(path)
    assert [len(batch.base) for batch in read.batches()] == [7] * 14 + [2]
    assert whole(read) == ROWS
    assert done == sorted(done)
    assert done[-1] == 1


def test_an_empty_stream_is_a_trace(tmp_path):
    path = tmp_path / "a.trace"
    write_trace(trace(), path)
    assert whole(read_trace(path)) == []


def test_any_parquet_reader_finds_the_columns(good):
    table = pq.read_table(good)
    assert table.column_names == ["base_delta", *list(COLUMNS)[1:]]
    assert table["rows"].to_pylist() == [2] * 100


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.trace"

    def broken():
        yield intervals(ROWS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_trace(replace(trace(), source=broken), path)
    assert list(tmp_path.iterdir()) == []
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        write_trace(replace(trace(), source=broken), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_intervals_that_do_not_fit_the_tables_are_not_written(tmp_path):
    with pytest.raises(InputError, match="names a kernel"):
        write_trace(trace(intervals([(0, 0, 1, 1, False, 0, 2)])), tmp_path / "a.trace")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path):
    for path in (tmp_path, tmp_path / "absent" / "a.trace", tmp_path / ("n" * 300)):
        with pytest.raises(InputError, match=r"folder|file|written"):
            write_trace(trace(), path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_devices_are_never_replaced():
    with pytest.raises(InputError, match="regular file"):
        write_trace(trace(), "/dev/full")


# Files that are no trace


def attempt(path, original=None):
    """Reading ends in one line that names the file, or in what was written."""
    try:
        read = read_trace(path)
        content = (read.header, read.tensors, read.kernels, whole(read))
    except InputError as error:
        reason = str(error)
    else:
        assert content == original
        return
    assert str(path) in reason
    assert "\n" not in reason


@pytest.fixture(scope="module")
def original():
    return HEADER, TENSORS, KERNELS, ROWS


def test_truncated_files(good, tmp_path, original):
    data = good.read_bytes()
    path = tmp_path / "cut.trace"
    for length in [*range(0, len(data), 7), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"truncated|empty|not a trace|damaged"):
            whole(read_trace(path))


@given(st.data())
@settings(max_examples=300)
def test_flipped_bytes(good, tmp_path_factory, original, data):
    content = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("flipped") / "a.trace"
    path.write_bytes(content)
    attempt(path, original)


@given(st.data())
@settings(max_examples=100)
def test_cut_out_and_doubled_stretches(good, tmp_path_factory, original, data):
    content = good.read_bytes()
    start, stop = sorted(data.draw(st.integers(0, len(content))) for _ in range(2))
    path = tmp_path_factory.mktemp("cut") / "a.trace"
    middle = data.draw(st.sampled_from([b"", content[start:stop] * 2, bytes(stop - start)]))
    path.write_bytes(content[:start] + middle + content[stop:])
    attempt(path, original)


@given(st.binary(max_size=200), st.booleans())
def test_foreign_bytes(tmp_path_factory, content, framed):
    path = tmp_path_factory.mktemp("foreign") / "a.trace"
    path.write_bytes(b"PAR1" + content + b"PAR1" if framed else content)
    with pytest.raises(InputError):
        whole(read_trace(path))


def test_missing_files_folders_and_names_that_cannot_be(tmp_path):
    for path in (tmp_path / "absent", tmp_path, "/dev/null", "a\0b"):
        with pytest.raises(InputError):
            read_trace(path)


def test_another_parquet_file(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": [1, 2]}), path)
    with pytest.raises(InputError, match="a Parquet file, but not a trace"):
        read_trace(path)


# Files that say they are a trace, with all their checksums right


def forge(path, good, change=None, table=None, schema=SCHEMA, groups=None):
    """Write what write_trace never would: a changed description, or other columns."""
    document = json.loads(pq.ParquetFile(good).metadata.metadata[KEY])
    if change:
        change(document)
    text = json.dumps(document).encode()
    table = table or pq.read_table(good)
    with pq.ParquetWriter(path, schema, store_schema=False) as writer:
        writer.write_table(table.cast(schema), row_group_size=groups or 1 << 20)
        writer.add_key_value_metadata({KEY.decode(): text.decode(), KEY_CRC.decode(): str(zlib.crc32(text))})
    return path


def put(*place, value):
    def change(document):
        for key in place[:-1]:
            document = document[key]
        document[place[-1]] = value

    return change


def test_a_forgery_without_change_is_the_trace_itself(good, tmp_path, original):
    attempt(forge(tmp_path / "a.trace", good), original)
    assert whole(read_trace(tmp_path / "a.trace")) == ROWS


def test_a_file_without_the_headers_later_fields_is_read(good, tmp_path):
    def older(document):
        del document["header"]["dtype"], document["header"]["steps"]

    header = read_trace(forge(tmp_path / "a.trace", good, older)).header
    assert (header.dtype, header.steps) == ("fp32", 1)


def test_a_file_without_the_kernels_later_fields_is_read(good, tmp_path):
    def older(document):
        for name in LATER[Kernel]:
            del document["kernels"][name]

    kernels = read_trace(forge(tmp_path / "a.trace", good, older)).kernels
    assert kernels == [replace(one, **dict.fromkeys(LATER[Kernel], 0)) for one in read_trace(good).kernels]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("version", value=2), "version 2, written by test.*reads version 1"),
        (put("version", value="1"), "no version"),
        (put("header", "version", value=0), "another version"),
        (put("header", value=[]), "header"),
        (put("header", "batch", value=-1), "batch = '-1'"),
        (put("header", "batch", value=True), "batch"),
        (put("header", "phase", value="sleeping"), "sleeping"),
        (put("header", "sector_bytes", value=0), "0 bytes"),
        (put("header", "sector_bytes", value=24), "24 bytes"),
        (put("header", "sector_bytes", value=2**40), "power of two"),
        (put("header", "notes", value="text"), "notes"),
        (put("header", "more", value=1), "other fields"),
        (put("tensors", "bytes", value=[1, 2**64]), "bytes"),
        (put("tensors", "address", value=[2**64 - 1, 0]), "beyond"),
        (put("tensors", "kind", value=["spoon", "input"]), "kind"),
        (put("tensors", "name", value=["a"]), "unlike lengths"),
        (put("tensors", value=None), "tensors"),
        (put("kernels", "phase", value=["forward", "sideways"]), "sideways"),
        (put("kernels", "macs", value=[1.5, 0]), "macs"),
        (put("totals", "intervals", value=[1]), "totals"),
        (put("totals", "intervals", value=[99, 0]), "totals"),
        (put("totals", "sectors_read", value=[0, 0]), "other totals"),
        (put("groups", value=None), "row groups"),
        (put("groups", value=[[100]]), "row groups"),
        (put("groups", value=[[99, 0]]), "row groups"),
        (put("groups", value=[[100, 0]]), "damaged"),
    ],
)
def test_a_false_description_is_refused(good, tmp_path, change, words):
    path = forge(tmp_path / "a.trace", good, change)
    with pytest.raises(InputError, match=words) as caught:
        whole(read_trace(path))
    assert str(path) in str(caught.value)


def test_a_description_that_is_no_json(good, tmp_path):
    for text in ("", "[]", "{", "[" * 100_000, '{"version": 1' + "0" * 5000 + "}"):
        path = tmp_path / "a.trace"
        with pq.ParquetWriter(path, SCHEMA) as writer:
            writer.add_key_value_metadata({KEY.decode(): text, KEY_CRC.decode(): str(zlib.crc32(text.encode()))})
        with pytest.raises(InputError, match="description"):
            read_trace(path)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((0, 0, 0, 1, False, 0, 0), "no rows"),
        ((0, 0, 1, 0, False, 0, 0), "without bytes"),
        ((0, 0, 1, 1, False, 2, 0), "tensor"),
        ((0, 0, 1, 1, False, 2**32 - 1, 0), "tensor"),
        ((0, 0, 1, 1, False, 0, 2), "kernel"),
        ((2**64 - 4, 0, 1, 32, False, 0, 0), "2\\*\\*64"),
        ((0, -1, 2, 1, False, 0, 0), "below address 0"),
        ((0, 2**62, 2**32 - 1, 1, False, 0, 0), "2\\*\\*64"),
        ((0, 0, 2**32 - 1, 2**32 - 1, False, 0, 0), "sectors"),
    ],
)
def test_hostile_intervals_are_refused(good, tmp_path, row, words):
    batch = intervals([row])
    columns = dict(zip(SCHEMA.names, batch, strict=True))
    columns["base_delta"] = batch.base.view(np.int64)

    def change(document):
        document["groups"] = [[1, container._crc(batch)]]
        document["totals"] = {"intervals": [1, 0], "sectors_read": [1, 0], "sectors_written": [0, 0]}

    path = forge(tmp_path / "a.trace", good, change, pa.table(columns))
    with pytest.raises(InputError, match=words):
        whole(read_trace(path))


def test_columns_of_other_types_are_refused(good, tmp_path):
    other = pa.schema([field.with_type(pa.int64()) if field.name == "rows" else field for field in SCHEMA])
    with pytest.raises(InputError, match="right types"):
        read_trace(forge(tmp_path / "a.trace", good, schema=other))
    newer = forge(tmp_path / "b.trace", good, put("version", value=3), schema=other)
    with pytest.raises(InputError, match="version 3"):
        read_trace(newer)


def test_a_giant_row_group_is_refused_before_it_is_read(good, tmp_path, monkeypatch):
    monkeypatch.setattr(container, "MAX_GROUP", 50)
    with pytest.raises(InputError, match="more than 50 intervals"):
        read_trace(good)


def test_a_giant_footer_is_refused_before_it_is_read(good, tmp_path):
    data = good.read_bytes()
    for length in (2**32 - 1, container.MAX_FOOTER + 1):
        path = tmp_path / "a.trace"
        path.write_bytes(data[:-8])
        os.truncate(path, 1 << 33)  # holes, as a disk that filled up leaves them
        with path.open("ab") as file:
            file.write(length.to_bytes(4, "little") + data[-4:])
        with pytest.raises(InputError, match=f"its footer has {length} bytes, more than"):
            read_trace(path)


def test_a_description_that_no_reader_would_take_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "MAX_TEXT", 100)
    with pytest.raises(InputError, match="more than 100; give a shorter run"):
        write_trace(trace(intervals(ROWS)), tmp_path / "a.trace")
    assert list(tmp_path.iterdir()) == []


def test_a_file_replaced_while_it_is_read(good, tmp_path):
    path = tmp_path / "a.trace"
    path.write_bytes(good.read_bytes())
    read = read_trace(path)
    write_trace(trace(intervals(ROWS[:3])), path)
    with pytest.raises(InputError, match="replaced"):
        whole(read)
