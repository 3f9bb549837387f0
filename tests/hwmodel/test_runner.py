"""Points are answered once, by any engine alike; what a killed worker held is done again."""

import os
import signal
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest

from circuits.errors import InputError
from hwmodel.studies import model
from hwmodel.studies.engines import ENGINES, find_engine
from hwmodel.studies.points import CachePoint, TrafficPoint, entry_of
from hwmodel.studies.runner import PointJob, Runner, balanced
from hwmodel.studies.store import Answer, Store


@dataclass(frozen=True)
class Square:
    """A point whose worker dies the first time, or that is refused, by what its folder says."""

    value: int
    folder: str
    group_of: int = 0

    kind: ClassVar[str] = "cache"
    weight: ClassVar[float] = 1.0

    def inputs(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def group(self) -> Hashable:
        return self.group_of or self

    @property
    def name(self) -> str:
        return str(self.value)

    @classmethod
    def answer(cls, points: "Sequence[Square]", report: Callable[[float], None]) -> list[Answer]:
        folder = Path(points[0].folder)
        for point in points:
            if (folder / f"refuse{point.value}").exists():
                raise InputError(f"{point.value} is refused")
            deadly = folder / f"die{point.value}"
            if deadly.exists():
                deadly.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            with (folder / "asked").open("a") as file:
                file.write(f"{point.value}\n")
        report(1.0)
        return [Answer(pd.DataFrame({"square": [point.value**2]}), {"of": point.value}) for point in points]


def asked(folder: Path) -> list[int]:
    return sorted(map(int, (folder / "asked").read_text().split()))


def squares(answers: list[Answer]) -> list[int]:
    return [int(answer.rows["square"].iloc[0]) for answer in answers]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_point_is_computed_once(tmp_path: Path, workers: int) -> None:
    points = [Square(value, str(tmp_path)) for value in (3, 1, 3, 2)]
    with Store(tmp_path / "store") as store:
        assert squares(Runner(store, workers).answers(points)) == [9, 1, 9, 4]
        assert squares(Runner(store, workers).answers([*points, Square(5, str(tmp_path))])) == [9, 1, 9, 4, 25]
    assert asked(tmp_path) == [1, 2, 3, 5]


def test_points_of_a_group_are_one_job(tmp_path: Path) -> None:
    points = [Square(value, str(tmp_path), 1 + value % 2) for value in range(6)]
    seen: list[float] = []
    with Store(tmp_path / "store") as store:
        run = Runner(store, 1, lambda done, total, what="": seen.append(total))
        assert squares(run.answers(points)) == [value**2 for value in range(6)]
    assert seen


def test_a_heavy_group_is_halved_where_others_would_wait(tmp_path: Path) -> None:
    heavy = PointJob(tuple(Square(value, str(tmp_path), 1) for value in range(8)))
    light = [PointJob((Square(value, str(tmp_path)),)) for value in (10, 11)]
    found = balanced([heavy, *light], 2)
    assert sorted(point.value for job in found for point in job.points) == [*range(8), 10, 11]
    assert max(job.weight for job in found) < heavy.weight
    assert balanced([heavy, *light], 1) == [heavy, *light]
    assert balanced([light[0]], 4) == [light[0]]


def test_what_was_finished_before_an_error_is_kept(tmp_path: Path) -> None:
    (tmp_path / "refuse2").touch()
    points = [Square(value, str(tmp_path)) for value in range(4)]
    with Store(tmp_path / "store") as store, pytest.raises(InputError, match="2 is refused"):
        Runner(store, 1).answers(points)
    (tmp_path / "refuse2").unlink()
    with Store(tmp_path / "store") as store:
        assert squares(Runner(store, 1).answers(points)) == [0, 1, 4, 9]
    assert asked(tmp_path) == [0, 1, 2, 3]


def test_a_lost_workers_points_are_done_again(tmp_path: Path) -> None:
    (tmp_path / "die2").touch()
    points = [Square(value, str(tmp_path)) for value in range(4)]
    with Store(tmp_path / "store") as store:
        assert squares(Runner(store, 2).answers(points)) == [0, 1, 4, 9]


def test_ray_gives_the_same_to_the_bit_and_survives_a_killed_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # its workers import this file
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    (tmp_path / "die2").touch()
    points = [*(Square(value, str(tmp_path)) for value in range(4)), CachePoint("stt", "16nm", 1 << 20)]
    with Store(tmp_path / "here") as store:
        (tmp_path / "die2").unlink()
        here = Runner(store, 1).answers(points)
    (tmp_path / "die2").touch()
    with Store(tmp_path / "there") as store:
        there = Runner(store, 2, engine="ray").answers(points)
    assert not (tmp_path / "die2").exists()
    for one, other in zip(here, there, strict=True):
        pd.testing.assert_frame_equal(one.rows, other.rows, check_exact=True)
        assert one.about == other.about
    (tmp_path / "refuse7").touch()
    with Store(tmp_path / "there") as store, pytest.raises(InputError, match="7 is refused"):
        Runner(store, 2, engine="ray").answers([Square(7, str(tmp_path))])


def test_an_engine_that_is_not_there_is_one_line() -> None:
    with pytest.raises(InputError, match="engine 'slurm': unknown; known are processes, ray"):
        find_engine("slurm")
    assert ENGINES == ("processes", "ray")


def test_a_point_is_named_by_a_files_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = tmp_path / "mine.yaml"
    cell.write_text("a: 1\n")
    first = entry_of(CachePoint(str(cell), "16nm", 1 << 20))
    cell.write_text("a: 2\n")
    second = entry_of(CachePoint(str(cell), "16nm", 1 << 20))
    cell.rename(tmp_path / "moved.yaml")
    (tmp_path / "moved.yaml").rename(cell)
    assert first.key != second.key == entry_of(CachePoint(str(cell), "16nm", 1 << 20)).key
    (tmp_path / "mynet.py").write_text("def net():\n    pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    point = TrafficPoint("mynet:net", "inference", 1, "gtx1080ti", 1 << 20)
    before = entry_of(point)
    (tmp_path / "mynet.py").write_text("def net():\n    return 1\n")
    assert entry_of(point).key != before.key


def test_a_changed_source_is_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_folders", lambda _: [tmp_path])
    (tmp_path / "a.py").write_text("x = 1\n")
    versions = []
    for change in ("x = 1\n", "x = 2\n"):
        (tmp_path / "a.py").write_text(change)
        model.model_version.cache_clear()
        versions.append(model.model_version("cache"))
    (tmp_path / "notes.txt").write_text("no source")
    model.model_version.cache_clear()
    versions.append(model.model_version("cache"))
    model.model_version.cache_clear()
    assert versions[0] != versions[1] == versions[2]
