"""`hwmodel trace import`, `export` and `info`, and `hwmodel replay`, with other tools' files."""

import json
import os
import re

import pytest

from hwmodel.cli import main
from tests import program
from tests.traces.formats.samples import HEAD, put
from tests.traces.formats.test_text import TWICE
from traces.container import read_trace
from traces.survey import count


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        if (
            arguments[0] == "replay"
        ):  # in a process of its own: other tests want the command as it is before main has it
            done = program.run(["hwmodel", *map(str, arguments)], tmp_path)
            return done.returncode, done.stdout, done.stderr
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return exit_.value.code, captured.out, captured.err

    return call


@pytest.fixture
def app(tmp_path):
    put(tmp_path / "kernel-1.traceg", HEAD % (5, 0) + TWICE, ".xz")
    return put(tmp_path / "kernelslist.g", b"MemcpyHtoD,0x00007f580face400,64\nkernel-1.traceg.xz\n")


def test_import_then_info_and_replay(run, app, tmp_path):
    code, out, err = run("trace", "import", app, "-o", "app.trace", "--json")
    assert (code, err) == (0, "")
    made = json.loads(out)
    assert made["network"] == "kernelslist.g"
    assert made["sectors_read"] == 4
    assert made["by_kernel"][0]["kernel"] == "_Z3addPf"
    assert any("waves" in note for note in made["notes"])
    assert json.loads(run("trace", "info", "app.trace", "--json")[1]) == made
    counted = json.loads(run("trace", "info", app, "--json")[1])
    assert counted["by_kernel"] == made["by_kernel"]
    replays = [
        json.loads(run("replay", path, "--capacity", "1MiB", "--by", "kernel", "--json")[1])
        for path in (app, "app.trace")
    ]
    assert replays[0] == replays[1]
    assert replays[0][0]["layer"] == "kernel 1 grid 2x1x1 block 64x1x1"
    assert replays[0][0]["read_misses"] == 4
    assert sorted(one.name for one in tmp_path.iterdir()) == ["app.trace", "kernel-1.traceg.xz", "kernelslist.g"]


def test_the_order_of_blocks_is_the_users(run, app):
    assert run("trace", "import", app, "--order", "listed", "-o", "app.trace")[0] == 0
    assert "Blocks and warps run one after another, as the file lists them." in read_trace("app.trace").header.notes
    assert run("trace", "import", app, "--resident", 3, "--gpu", "gtx1080ti", "-o", "app.trace", "--force")[0] == 0


def test_export_and_back(run, app, tmp_path):
    assert run("trace", "import", app, "-o", "app.trace")[0] == 0
    code, out, _ = run("trace", "export", "app.trace", "-o", "app.din.gz", "--json")
    assert code == 0
    size = (tmp_path / "app.din.gz").stat().st_size
    assert json.loads(out) == {"file": "app.din.gz", "files": 1, "kernels": 1, "size_bytes": size}
    assert run("trace", "import", "app.din.gz", "-o", "back.trace")[0] == 0
    assert count(read_trace("back.trace")).sectors_read == count(read_trace("app.trace")).sectors_read
    assert (
        json.loads(run("trace", "export", "app.trace", "--format", "accelsim", "-o", "folder", "--json")[1])["files"]
        == 2
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trace", "import", "absent.din", "-o", "a.trace"], "absent.din: cannot be read: No such file"),
        (["trace", "import", "bad.din", "-o", "a.trace"], "bad.din: line 2: found 'zz', not a label; give 0, 1, 2"),
        (
            ["trace", "import", "kernelslist.g", "-o", "bad.din"],
            "is there already; give another name with -o, or --force",
        ),
        (["trace", "import", "kernelslist.g", "-o", "no/a.trace"], "the folder no does not exist"),
        (["trace", "import", "kernelslist.g", "--gpu", "none", "-o", "a.trace"], "gpu 'none': not known"),
        (["trace", "import", "kernelslist.g", "--format", "lackey", "-o", "a.trace"], "line 1: found 'MemcpyHtoD,"),
        (["trace", "export", "bad.din", "-o", "a.xyz"], "a.xyz: of no format that can be written"),
        (["trace", "export", "bad.din", "-o", "a.din"], "bad.din: line 2"),
        (["trace", "info", "bad.din"], "bad.din: line 2"),
        (["replay", "bad.din", "--capacity", "1MiB"], "bad.din: line 2"),
    ],
)
def test_mistakes_are_one_line(run, app, tmp_path, arguments, words):
    put(tmp_path / "bad.din", b"0 1\nzz 2\n")
    before = sorted(tmp_path.iterdir())
    code, out, err = run(*arguments)
    lines = [line for line in err.splitlines() if line.startswith("hwmodel: ")]
    assert (code, out, len(lines)) == (2, "", 1)
    assert words in lines[0]
    assert sorted(tmp_path.iterdir()) == before


HOLES = [
    ("a.traceg", b"", "not a kernel trace"),
    ("a.traceg", HEAD % (5, 0) + TWICE, "line 26: longer than 1048576 bytes"),
    ("a.tracez", HEAD % (5, 0) + b"\0", "its index is cut short|no place of an index|index ends"),
    ("a.memtrace", b"", "line 1: longer than"),
    ("a.din", b"0 10\n", "line 2: longer than"),
    ("a.lackey", b" L 10,8\n", "line 2: longer than"),
    ("a.champsim", b"", "instruction 0: its 64 bytes are all zero"),
    ("a.oracleGeneral", b"", "request 0: its next access is 0"),
    ("a.pt.trace.json", b'{"traceEvents": [', "no object in the 16 MiB after object 0"),
    ("a.et.json", b"", "no JSON"),
    ("a.trace", b"PAR1", "truncated"),
]


@pytest.mark.parametrize(("name", "start", "words"), HOLES)
def test_a_file_of_a_hundred_gibibytes_of_holes(run, tmp_path, name, start, words):
    path = tmp_path / name
    path.write_bytes(start)
    os.truncate(path, 100 << 30)
    for arguments in (("trace", "info", name), ("trace", "import", name, "-o", "b.trace")):
        code, out, err = run(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert re.search(f"^hwmodel: {name}: .*({words})", err)
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
@pytest.mark.parametrize(
    ("name", "piece", "words"),
    [
        ("a.din", b"\n" * (1 << 24), "more than 1048576 bytes of blank lines; give a text trace"),
        ("a.din", b"9" * (1 << 24), "line 1: longer than"),
        ("a.champsim", bytes(1 << 24), "instruction 0: its 64 bytes are all zero"),
        ("a.pt.trace.json", b'{"a":' + b" " * (1 << 24), "no object in the 16 MiB|truncated"),
    ],
)
def test_what_grows_when_decompressed(run, tmp_path, packed, name, piece, words):
    path = put(tmp_path / name, piece, packed)
    path.write_bytes(path.read_bytes() * 64)  # a GiB
    code, out, err = run("trace", "info", path.name)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert re.search(f"^hwmodel: {path.name}: .*({words})", err)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "pipe"])
def test_what_never_ends_is_no_file(run, tmp_path, device):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.traceg").symlink_to(device)
    for arguments in (("trace", "info", "a.traceg"), ("trace", "import", "a.traceg", "-o", "b.trace")):
        assert run(*arguments) == (2, "", "hwmodel: a.traceg: not a regular file; give a trace file\n")
