"""The store of answers: what is put is found to the bit, whatever is killed, damaged, full or shared."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.studies.store import Answer, Entry, Store

MODEL = "0123456789abcdef"


def entry(number: int, kind: str = "a", model: str = MODEL) -> Entry:
    return Entry.of(kind, {"number": number}, model)


def answer(number: int, rows: int = 2) -> Answer:
    frame = pd.DataFrame(
        {"name": [f"k{number}"] * rows, "count": np.arange(rows) + number, "time_s": [number / 3] * rows}
    )
    return Answer(frame, {"works": {"µ": "a work"}, "number": number})


def assert_same(found: Answer, wanted: Answer) -> None:
    pd.testing.assert_frame_equal(found.rows, wanted.rows, check_exact=True)
    assert found.about == wanted.about


@pytest.mark.parametrize("sealed", [False, True])
def test_what_is_put_is_found_to_the_bit(tmp_path: Path, sealed: bool) -> None:
    with Store(tmp_path) as store:
        for number in range(5):
            assert_same(store.put(entry(number), answer(number, number + 1)), answer(number, number + 1))
        if sealed:
            store.seal()
        found = store.get([entry(number) for number in range(7)])
    assert list(found) == [entry(number).key for number in range(5)]
    for number in range(5):
        assert_same(found[entry(number).key], answer(number, number + 1))


def test_another_model_or_other_inputs_are_other_answers(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.put(entry(1), answer(1))
        assert not store.get([entry(1, model="changed"), entry(2), entry(1, kind="b")])
        store.put(entry(1, model="changed"), answer(9))
        assert_same(store.get([entry(1)])[entry(1).key], answer(1))
        assert [(row["kind"], row["model"], row["points"]) for row in store.summary()] == [
            ("a", MODEL, 1),
            ("a", "changed", 1),
        ]
        assert store.prune([("a", MODEL)]) == 1
        assert not store.get([entry(1, model="changed")])
    with Store(tmp_path) as store:
        assert_same(store.get([entry(1)])[entry(1).key], answer(1))


@given(
    rows=st.lists(
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=5)), min_size=1, max_size=6
    ),
    about=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list, about: object) -> None:
    frame = pd.DataFrame(rows, columns=["whole", "real", "text"]).astype({"real": float})
    frame["text"] = [text.encode("utf-8", "replace").decode() for text in frame["text"]]
    with Store(tmp_path_factory.mktemp("store")) as store:
        put = store.put(entry(0), Answer(frame, {"about": about}))
        store.seal()
        found = store.get([entry(0)])[entry(0).key]
    pd.testing.assert_frame_equal(found.rows, put.rows, check_exact=True)
    same = frame["real"].fillna(np.nan)  # there is one NaN
    assert found.rows["real"].to_numpy().tobytes() == same.to_numpy().tobytes()
    assert found.rows["whole"].tolist() == frame["whole"].tolist()
    assert found.about == {"about": about}


def test_points_of_several_shapes_are_sealed_apart(tmp_path: Path) -> None:
    other = Answer(pd.DataFrame({"x": [1.5]}), {})
    with Store(tmp_path) as store:
        store.put(entry(1), answer(1))
        store.put(entry(2), other)
    assert len(list((tmp_path / "rows").glob("*.parquet"))) == 2
    with Store(tmp_path) as store:
        assert_same(store.get([entry(2)])[entry(2).key], other)


def test_a_killed_process_loses_nothing_that_it_put(tmp_path: Path) -> None:
    code = """
        import os, signal, sys
        from pathlib import Path
        from tests.hwmodel.test_store import answer, entry
        from hwmodel.studies.store import Store
        store = Store(Path(sys.argv[1]))
        for number in range(3):
            store.put(entry(number), answer(number))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    with Store(tmp_path) as store:
        found = store.get([entry(number) for number in range(4)])
    assert len(found) == 3
    for number in range(3):
        assert_same(found[entry(number).key], answer(number))


def test_several_processes_write_one_store(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from tests.hwmodel.test_store import answer, entry
        from hwmodel.studies.store import Store
        for number in range(20):
            with Store(Path(sys.argv[1])) as store:
                store.put(entry(number), answer(number))
                store.put(entry(100 * int(sys.argv[2]) + number), answer(number))
    """
    root = Path(__file__).parents[2]
    each = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(tmp_path), str(number)], cwd=root)
        for number in (1, 2, 3)
    ]
    assert [process.wait(120) for process in each] == [0, 0, 0]
    with Store(tmp_path) as store:
        numbers = [*range(20), *(100 * one + number for one in (1, 2, 3) for number in range(20))]
        found = store.get([entry(number) for number in numbers])
        assert len(found) == 80
        for number in numbers:
            assert_same(found[entry(number).key], answer(number % 100))


@pytest.mark.parametrize("damage", [b"", b"not a database at all", None])
def test_a_damaged_index_is_made_anew_of_the_files(tmp_path: Path, damage: bytes | None) -> None:
    with Store(tmp_path) as store:
        for number in range(3):
            store.put(entry(number), answer(number))
    path = tmp_path / "index.sqlite"
    data = path.read_bytes()
    for rest in tmp_path.glob("index.sqlite-*"):
        rest.unlink()
    path.write_bytes(data[: len(data) // 2] if damage is None else damage * 500)
    with Store(tmp_path) as store:
        found = store.get([entry(number) for number in range(3)])
    if damage != b"":  # an empty file is a new database to SQLite; nothing wrong is told then
        assert len(found) == 3
        for number in range(3):
            assert_same(found[entry(number).key], answer(number))


@pytest.mark.parametrize("cut", [0, 4, 0.5, 0.9, "flip"])
def test_a_damaged_file_of_rows_is_no_answer(tmp_path: Path, cut: float | str) -> None:
    with Store(tmp_path) as store:
        store.put(entry(1), answer(1, 1000))
    (path,) = (tmp_path / "rows").glob("*.parquet")
    data = bytearray(path.read_bytes())
    if cut == "flip":
        data[len(data) // 8] ^= 0xFF
    else:
        data = data[: int(cut if isinstance(cut, int) else float(cut) * len(data))]
    path.write_bytes(data)
    with Store(tmp_path) as store:
        assert store.get([entry(1)]) == {}
        assert_same(store.put(entry(1), answer(1, 1000)), answer(1, 1000))
    with Store(tmp_path) as store:
        assert_same(store.get([entry(1)])[entry(1).key], answer(1, 1000))


def test_a_missing_file_of_rows_is_no_answer(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.put(entry(1), answer(1))
    for path in (tmp_path / "rows").glob("*.parquet"):
        path.unlink()
    with Store(tmp_path) as store:
        assert store.get([entry(1)]) == {}


def test_another_layout_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "index.sqlite") as base:
        base.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="of layout 99; this hwmodel reads layout 1"):
        Store(tmp_path)


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(entry(1), answer(1))
    store._base.execute("PRAGMA max_page_count = 8")

    def fill() -> None:
        for number in range(2, 200):
            store.put(entry(number), answer(number, 200))

    with pytest.raises(InputError, match="full; what was finished before is kept; free some room"):
        fill()
    store._base.close()
    with Store(tmp_path) as store:
        assert_same(store.get([entry(1)])[entry(1).key], answer(1))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="name another folder with --store"):
        Store(tmp_path / "store")


def test_a_file_in_the_stores_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("x")
    with pytest.raises(InputError, match="store"):
        Store(tmp_path / "store")


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Entry.of("a", {"x": float("nan")}, MODEL)
    assert json.loads(Entry.of("a", {"b": 1, "a": 2}, MODEL).inputs) == {"a": 2, "b": 1}
