"""Files before any format: compressed, cut short, without newlines, or no files at all."""

import lzma
import os
import tracemalloc
import zlib

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.traces.formats.samples import PACKED, put, rows
from traces.errors import InputError
from traces.formats import detect, din, open_trace, source


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("source")


@given(st.binary(min_size=1, max_size=3000), st.sampled_from(list(PACKED)), st.integers(1, 500))
@settings(max_examples=150)
def test_pieces_are_the_file_decompressed(folder, data, packed, chunk):
    path = put(folder / "a", data, packed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "CHUNK", chunk)
        try:
            found = list(source.pieces(path))
        except InputError:  # what is not compressed may look as if it were
            assert not packed
            return
    assert packed == "" or b"".join(found) == data
    assert all(len(one) <= chunk for one in found)


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
def test_streams_one_after_another_are_one(folder, packed):
    path = folder / f"b{packed}"
    path.write_bytes(PACKED[packed](b"0 1\n") + PACKED[packed](b"1 20\n"))
    assert rows(din.read(path)) == [(0, 4, False), (32, 4, True)]


@pytest.mark.parametrize("chunk", [1, 64, 1 << 20])
def test_padding_between_streams_may_be_of_any_length(folder, monkeypatch, chunk):
    monkeypatch.setattr(source, "CHUNK", chunk)
    path = folder / "padded.xz"
    path.write_bytes(PACKED[".xz"](b"0 1\n") + bytes(400) + PACKED[".xz"](b"1 20\n") + bytes(8))
    assert rows(din.read(path)) == [(0, 4, False), (32, 4, True)]


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
def test_compressed_files_cut_short_are_refused(folder, packed):
    data = PACKED[packed](b"".join(b"0 %x\n" % (i * 977) for i in range(3000)))
    for cut in (len(data) // 7, len(data) // 2, len(data) - 5, len(data) - 1):
        path = folder / f"cut{packed}"
        path.write_bytes(data[:cut])
        with pytest.raises(InputError, match=r"truncated|damaged"):
            rows(din.read(path))


@given(st.data(), st.sampled_from([".gz", ".xz", ".zst"]))
@settings(max_examples=100)
def test_compressed_files_with_flipped_bytes_are_read_or_refused(folder, data, packed):
    content = bytearray(PACKED[packed](b"0 1\n1 20\n" * 50))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = folder / f"flip{packed}"
    path.write_bytes(content)
    try:
        found = rows(din.read(path))
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert len(found) in range(101)


def test_a_bomb_of_zeros_is_one_long_line(folder):
    path = put(folder / "bomb.din", bytes(1 << 26), ".xz")
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="line 1: longer than 1048576 bytes; give a text trace with its newlines"):
            rows(din.read(path))
        assert tracemalloc.get_traced_memory()[1] < 1 << 25
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packed", ["", ".gz", ".xz", ".zst"])
def test_memory_does_not_grow_with_the_file(folder, packed):
    text = b"".join(b"%d %x\n" % (i % 2, 977 * i) for i in range(100_000))
    peaks = []
    for times in (1, 1, 24):  # the first to compile, and to fill what caches there are
        path = put(folder / "long.din", text * times, packed)
        tracemalloc.start()
        assert sum(len(batch.base) for batch in din.read(path).batches()) == 100_000 * times
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1 << 25


def test_a_dictionary_of_gibibytes_is_refused(folder):
    path = folder / "dictionary.din.xz"
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(b"0 1\n", filters=filters))
    place = (
        data.index(b"\x21\x01", 12) + 2
    )  # the filter's number and the length of its one property, the dictionary's size
    data[place] = 38  # 2 GiB
    end = 12 + (data[12] + 1) * 4 - 4
    data[end : end + 4] = zlib.crc32(bytes(data[12:end])).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"[Mm]emory"):
        rows(din.read(path))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.booleans())
@settings(max_examples=100)
def test_lines_are_whole_and_numbered(folder, lengths, ended):
    text = b"\n".join(b"x" * one for one in lengths) + b"\n" * ended
    if not text:
        return
    path = put(folder / "lines", text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "CHUNK", 16)
        patch.setattr(source, "MAX_LINE", 16)
        joined, at = b"", 1
        try:
            for piece, line in source.lines(path):
                assert line == at
                assert piece[-1] == 10
                joined += piece.tobytes()
                at += piece.tobytes().count(b"\n")
        except InputError:
            assert max(lengths) > 16
        else:
            assert joined == (text if text.endswith(b"\n") else text + b"\n")
            assert max(lengths) <= 32


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, words in [
        (tmp_path / "absent", "No such file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "pipe", "not a regular file"),
        ("a\0b", "no name of a file"),
        ("x" * 5000, "cannot be read"),
    ]:
        with pytest.raises(InputError, match=words):
            rows(open_trace(path, "din"))
        with pytest.raises(InputError, match=words):
            detect(din.Path(path))
    (tmp_path / "empty").touch()
    with pytest.raises(InputError, match="empty; give a trace file"):
        open_trace(tmp_path / "empty")
    put(tmp_path / "empty", b"", ".xz")
    with pytest.raises(InputError, match="empty once decompressed"):
        open_trace(tmp_path / "empty.xz")


@pytest.mark.parametrize(
    ("name", "data", "found"),
    [
        ("x", b"0 7fff0\n1 20\n", "din"),
        ("x", b"r 7fff0 8\n", "din"),
        ("x", b"==3== Lackey\nI  0401,3\n", "lackey"),
        ("x", b"hello\nMEMTRACE: CTX 0x1 - grid_launch_id 0", "nvbit"),
        ("x", b"-kernel name = f\n", "accelsim"),
        ("x", b"MemcpyHtoD,0x0,1\nkernel-1.traceg\n", "accelsim"),
        ("x", b'{"schemaVersion": 1, "traceEvents": []}', "kineto"),
        ("x", b'[\n{"ph": "X"}]', "kineto"),
        ("x", b'{"schema": "1.1.1-chakra.0.0.4", "nodes": []}', "pytorch-et"),
        ("x", b"PAR1", "hwmodel"),
        ("w01.oracleGeneral.zst", bytes(24), "oracle"),
        ("w01.oracleGeneral.bin", bytes(24), "oracle"),
        ("cluster52.oracleGeneral.sample10.zst", bytes(24), "oracle"),
        ("a.champsimtrace.xz", bytes(64), "champsim"),
        ("a.din.gz", b"zzz", "din"),
        ("a.trace", b"zzz", "hwmodel"),
    ],
)
def test_formats_are_told_apart(tmp_path, name, data, found):
    path = tmp_path / name
    path.write_bytes(data)
    assert detect(path) == found


def test_what_cannot_be_told_is_asked_for(tmp_path):
    path = put(tmp_path / "x.bin", bytes(64))
    with pytest.raises(
        InputError, match=r"no format known by its name or first bytes; name it with --format: hwmodel, acc"
    ):
        open_trace(path)
    with pytest.raises(InputError, match="'dinero': unknown; give one of hwmodel, accelsim"):
        open_trace(path, "dinero")
    with pytest.raises(InputError, match="order 'random': give waves or listed"):
        open_trace(path, "din", order="random")
    with pytest.raises(InputError, match="resident 0: give a number"):
        open_trace(path, "din", resident=0)


def test_zstd_of_another_writer_is_read(folder):
    path = folder / "c.din.zst"
    with pa.OSFile(str(path), "wb") as raw, pa.CompressedOutputStream(raw, "zstd") as file:
        file.write(b"0 1\n" * 100_000)
    assert len(rows(din.read(path))) == 100_000
