import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from circuits.errors import InputError
from hwmodel.cli import main
from reports.results import read_study


def cut(name: str, keep: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(keep((folder / name).read_bytes()))


def swap(name: str, old: str, new: str) -> Callable[[Path], object]:
    return cut(name, lambda content: content.replace(old.encode(), new.encode(), 1))


def foreign_parquet(folder: Path) -> None:
    parquet.write_table(pa.table({"x": [1]}), folder / "results.parquet")


def other_parquet(folder: Path) -> None:
    table = arrow_csv.read_csv(folder / "results.csv")
    parquet.write_table(table.slice(1), folder / "results.parquet")


SPOILT = {
    "no results": (lambda f: (f / "results.csv").unlink(), "results.csv: no such file"),
    "no caches": (lambda f: (f / "caches.csv").unlink(), "caches.csv: no such file"),
    "no traffic": (lambda f: (f / "traffic.csv").unlink(), "traffic.csv: no such file"),
    "no study": (lambda f: (f / "study.yaml").unlink(), "study.yaml: no such file"),
    "empty": (cut("results.csv", lambda _: b""), "results.csv: empty"),
    "blank": (cut("traffic.csv", lambda _: b"\n\n"), "traffic.csv: empty"),
    "header only": (cut("results.csv", lambda c: c.splitlines(keepends=True)[0]), "no rows"),
    "cut in a line": (cut("results.csv", lambda c: c[:-20]), "cut short"),
    "cut between lines": (cut("results.csv", lambda c: b"".join(c.splitlines(keepends=True)[:-1])), "no row for"),
    "traffic cut": (cut("traffic.csv", lambda c: b"".join(c.splitlines(keepends=True)[:-1])), "add up to"),
    "cache cut": (cut("caches.csv", lambda c: b"".join(c.splitlines(keepends=True)[:-1])), "no row for cell sot"),
    "doubled": (cut("results.csv", lambda c: c + c.splitlines(keepends=True)[-1]), "two rows for"),
    "ragged": (swap("results.csv", "alexnet,", "alexnet,,"), "values for"),
    "binary": (cut("results.csv", lambda _: bytes(range(256)) * 9), "not UTF-8"),
    "nul": (cut("results.csv", lambda c: c + b"\x00\n"), "results.csv"),
    "open quote": (cut("caches.csv", lambda c: c + b'"open\n'), "caches.csv"),
    "another table": (cut("results.csv", lambda _: b"a,b\n1,2\n"), "columns named 'network'"),
    "words for numbers": (swap("caches.csv", "2.91e-09", "fast"), "not a number"),
    "not finite": (swap("caches.csv", "2.91e-09", "nan"), "not a positive number"),
    "negative": (swap("caches.csv", "2.91e-09", "-2.91e-09"), "not a positive number"),
    "no name": (swap("results.csv", "\nalexnet", "\n "), "no network"),
    "not yaml": (cut("study.yaml", lambda _: b"{ ["), "not YAML"),
    "yaml list": (cut("study.yaml", lambda _: b"- 1\n"), "study.yaml"),
    "unfinished": (cut("study.yaml", lambda c: c[: c.index(b"made:")]), "did not finish"),
    "other yaml": (cut("study.yaml", lambda _: b"a: 1\n"), "no key `study`"),
    "no date": (swap("study.yaml", "2026-01-31", "soon"), "made/date"),
    "broken parquet": (lambda f: (f / "results.parquet").write_bytes(b"PAR1 no"), "not readable as Parquet"),
    "foreign parquet": (foreign_parquet, "results.parquet"),
    "another study's parquet": (other_parquet, "different studies"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_folder_is_one_line(folder: Path, what: str) -> None:
    spoil, says = SPOILT[what]
    spoil(folder)
    with pytest.raises(InputError) as caught:
        read_study(folder)
    message = str(caught.value)
    assert says in message
    assert str(folder) in message
    assert "\n" not in message
    assert len(message) < 600


def test_a_yaml_bomb_is_refused(folder: Path) -> None:
    (folder / "study.yaml").write_text("study: " + "[" * 50_000)
    with pytest.raises(InputError):
        read_study(folder)


def test_its_own_parquet_is_welcome(folder: Path) -> None:
    parquet.write_table(arrow_csv.read_csv(folder / "results.csv"), folder / "results.parquet")
    assert read_study(folder).cells == ["sram", "stt", "sot"]


def test_no_folder_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_study(tmp_path / "absent")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="not a folder"):
        read_study(tmp_path / "file")


def test_the_command_line_says_one_line_and_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["report", str(tmp_path)])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "study.yaml" in error


def test_the_command_returns_paths_and_pages(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["report", str(folder), "--json"])
    assert caught.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["report"] == str(folder / "report.pdf")
    assert found["pages"] >= 3
    assert all(Path(path).is_file() for path in found["figures"])
