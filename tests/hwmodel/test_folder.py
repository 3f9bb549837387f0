"""A study's folder holds all of its files or none."""

import errno
from pathlib import Path

import pandas as pd
import pytest

from circuits.errors import InputError
from hwmodel.studies.folder import save, study_folder
from hwmodel.studies.questions import Results
from hwmodel.studies.spec import IsoCapacity, read_spec

NAMES = ["caches.csv", "results.csv", "results.parquet", "study.yaml", "summary.csv", "traffic.csv"]


def study(value: int = 1) -> Results:
    table = pd.DataFrame({"network": ["a"], "time_s": [value / 3]})
    return Results(IsoCapacity(), table, table, table, table, {"date": "2026-01-01", "assumptions": ["µ"]})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_files_are_written_and_say_what_was_asked(tmp_path: Path) -> None:
    assert sorted(path.name for path in save(study(), tmp_path)) == NAMES == names(tmp_path)
    assert read_spec(tmp_path / "study.yaml") == IsoCapacity()
    assert pd.read_csv(tmp_path / "results.csv")["time_s"][0] == 1 / 3  # to the bit


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(study(), tmp_path)
    before = (tmp_path / "results.csv").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(InputError, match="results cannot be written: No space left"):
        save(study(2), tmp_path)
    assert names(tmp_path) == NAMES
    assert (tmp_path / "results.csv").read_bytes() == before


def test_a_failure_takes_new_folders_away_and_leaves_old_ones(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), study_folder(tmp_path / "a" / "b"):
        raise KeyboardInterrupt
    assert names(tmp_path) == []
    (tmp_path / "old").mkdir()
    with pytest.raises(KeyboardInterrupt), study_folder(tmp_path / "old"):
        raise KeyboardInterrupt
    assert names(tmp_path) == ["old"]


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="holds other files"), study_folder(tmp_path):
        pass
    assert names(tmp_path) == ["thesis.tex"]
