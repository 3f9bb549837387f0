"""Accel-Sim's .tracez: the accesses of the .traceg it was made from, and whatever is wrong with one in one line."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive.tracez import tracez
from tests.traces.formats.samples import HEAD, put, rows, traceg
from traces.errors import InputError
from traces.formats import accelsim, detect, open_trace, source
from traces.formats.source import zstd

LINE = b"%04x ffffffff 1 R1 LDG.E 1 R2 4 1 0x%x 4 0\n"


def body(blocks: int, warps: int, lines: int) -> bytes:
    return b"".join(
        b"#BEGIN_TB\n\nthread block = %d,0,0\n\n" % block
        + b"".join(
            b"warp = %d\ninsts = %d\n" % (warp, lines)
            + b"".join(LINE % (16 * i, (block << 20) + (warp << 12) + 128 * i) for i in range(lines))
            for warp in range(warps)
        )
        + b"\n#END_TB\n"
        for block in range(blocks)
    )


TRAINED = zstd.train_dict([LINE % (16 * i, 4096 + 977 * i) for i in range(2000)], 1 << 12).dict_content
BODY = body(3, 2, 10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tracez")


@given(
    st.booleans().flatmap(lambda numbered: st.tuples(st.just(numbered), traceg(numbered))),
    st.sampled_from([b"", b"LDG.E 1 R2 4 1 0x7f5", TRAINED]), st.integers(1, 4), st.sampled_from(["waves", "listed"]),
)  # fmt: skip
@settings(max_examples=100)
def test_it_reads_as_the_text_it_was_made_from(folder, made, dictionary, piece, order):
    numbered, text = made
    if text.count(b"\r") or b"\n \n" in text:  # what the writer takes for no instruction
        return
    head = HEAD % (6, numbered)
    found = []
    for path, data in [
        (folder / "a.traceg", head + text),
        (folder / "a.tracez", tracez(head, text, dictionary, piece)),
    ]:
        try:
            found.append(rows(accelsim.read(put(path, data), order, 2)))
        except InputError as error:
            found.append(str(error).split(": found")[1])  # the same complaint, at another place
    assert found[0] == found[1]


def test_a_long_one_comes_in_pieces(folder, monkeypatch):
    monkeypatch.setattr(source, "CHUNK", 1 << 10)
    text = body(4, 3, 200)
    packed = put(folder / "long.tracez", tracez(HEAD % (5, 0), text, TRAINED, 64))
    assert rows(accelsim.read(packed)) == rows(accelsim.read(put(folder / "long.traceg", HEAD % (5, 0) + text)))


def test_it_is_found_out_and_may_stand_in_a_list(tmp_path):
    data = tracez(HEAD % (5, 0), BODY, TRAINED)
    assert detect(put(tmp_path / "any name", data)) == "accelsim"
    put(tmp_path / "kernel-1.tracez", data)
    put(tmp_path / "kernel-2.traceg", HEAD % (5, 0) + BODY)
    path = put(tmp_path / "kernelslist.g", b"MemcpyHtoD,0x0,1\nkernel-1.tracez\nkernel-2.traceg\n")
    found = rows(open_trace(path), "kernel")
    assert [row[:3] for row in found if row[3] == 0] == [row[:3] for row in found if row[3] == 1] != []
    assert open_trace(path).kernels[0].layer == "kernel 1 grid 2x1x1 block 64x1x1"


def test_a_head_that_names_no_columns(folder):
    head = (HEAD % (5, 0)).split(b"\n#")[0]
    assert len(rows(accelsim.read(put(folder / "head.tracez", tracez(head, BODY))))) == 60


def test_one_without_blocks_has_no_access(folder):
    assert rows(accelsim.read(put(folder / "none.tracez", tracez(HEAD % (5, 0), b"")))) == []


def test_a_wrong_instruction_is_named_by_its_warp(folder):
    wrong = body(2, 2, 10).replace(LINE % (16 * 7, (1 << 20) + (1 << 12) + 128 * 7), b"0070 ffffffff x\n")
    for piece in (3, 2048):
        path = put(folder / "wrong.tracez", tracez(HEAD % (5, 0), wrong, TRAINED, piece))
        with pytest.raises(InputError, match="block 1,0,0 warp 1 instruction 8: found 'x', not a number of registers"):
            rows(accelsim.read(path))


INDEX = 4 + 3 * 44 + 6 * 20 + 8  # bytes: its blocks, their warps of one piece, and where it begins


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[: len(data) // 2], "its index|no place of an index"),
        (lambda data: data[:-1], "no place of an index|its index"),
        (lambda data: data[:-8] + struct.pack("<Q", 2**64 - 1), "no place of an index"),
        (lambda data: data[:-8] + struct.pack("<Q", 0), "no place of an index"),
        (
            lambda data: data[:-INDEX] + struct.pack("<I", 2**32 - 1) + data[4 - INDEX :],
            "its index is cut short|begins",
        ),
        (lambda data: data[:-INDEX] + struct.pack("<I", 2) + data[4 - INDEX :], "index ends elsewhere"),
        (lambda data: data[:-28] + struct.pack("<I", 11) + data[-24:], "block 2,0,0 warp 1 has another number"),
        (lambda data: data[:-20] + struct.pack("<Q", 40) + data[-12:], "warp 1 begins within what stands before"),
        (lambda data: data[:-20] + struct.pack("<Q", 2**63) + data[-12:], "warp 1 begins within the index"),
        (lambda data: data[:-12] + struct.pack("<I", 11) + data[-8:], "warp 1 has more instructions in its pieces"),
        (lambda data: data[:-12] + struct.pack("<I", 9) + data[-8:], "warp 1 holds more than the 9|warp 1 holds 10"),
        (lambda data: data[: data.index(0) + 1], "its head is cut short"),
    ],
)
def test_a_damaged_one_is_refused(folder, change, words):
    path = put(folder / "damaged.tracez", change(tracez(HEAD % (5, 0), BODY, TRAINED)))
    with pytest.raises(InputError, match=words) as caught:
        rows(accelsim.read(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.data())
@settings(max_examples=300)
def test_flipped_bytes_are_read_or_refused(folder, data):
    content = bytearray(tracez(HEAD % (5, 0), BODY, TRAINED))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(content.index(0), len(content) - 1))
        content[place] = data.draw(st.sampled_from([0, 1, 255]) | st.integers(0, 255))
    path = put(folder / "flip.tracez", bytes(content))
    try:
        rows(accelsim.read(path))
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017
        assert len(str(error)) < 1000  # noqa: PT017


@pytest.mark.parametrize(
    ("dictionary", "size", "words"),
    [(TRAINED, 2**32 - 1, "its dictionary has 4294967295 bytes"), (b"\x37\xa4\x30\xec" + bytes(40), None, "is none")],
)
def test_a_dictionary_that_is_none(folder, dictionary, size, words):
    trained = tracez(HEAD % (5, 0), BODY, TRAINED)
    sizes = struct.pack("<II", len(dictionary) if size is None else size, 2048)
    at = trained.index(0) + 1
    path = put(folder / "dict.tracez", trained[:at] + sizes + dictionary + trained[at + 8 + len(TRAINED) :])
    with pytest.raises(InputError, match=words):
        rows(accelsim.read(path))


def test_pieces_of_another_dictionary_are_refused(folder):
    data = tracez(HEAD % (5, 0), BODY, TRAINED)
    at = data.index(0) + 9
    path = put(folder / "other.tracez", data[: at + 4] + b"\1\2\3\4" + data[at + 8 :])  # its number
    with pytest.raises(InputError, match="block 0,0,0 warp 0"):
        rows(accelsim.read(path))


@pytest.mark.parametrize("letter", [b"\n", b" ", b"f"])
def test_a_piece_that_never_ends_takes_no_memory(folder, letter):
    bomb = letter * (1 << 27)
    data = bytearray(tracez(HEAD % (5, 0), body(1, 1, 1).replace(b"0x0 4 0\n", b"0x0 4 0" + b"\n")))
    at = data.index(0) + 9
    piece = zstd.compress(bomb)
    text = data[:at] + struct.pack("<III", 1, 1, len(piece)) + piece
    index = struct.pack("<I11IIIQI", 1, *[0] * 10, 1, 1, 1, at, 1) + struct.pack("<Q", len(text))
    with pytest.raises(InputError, match=r"block 0,0,0 warp 0 (holds more than the 1|instruction 1 is longer than)"):
        rows(accelsim.read(put(folder / "bomb.tracez", bytes(text + index))))


@pytest.mark.parametrize("packed", [".xz", ".gz", ".zst"])
def test_one_compressed_once_more_is_refused(folder, packed):
    path = put(folder / "twice.tracez", tracez(HEAD % (5, 0), BODY), packed)
    with pytest.raises(InputError, match="decompress it first"):
        rows(open_trace(path))
