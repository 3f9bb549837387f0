"""Sessions on a fake machine: who is visited when, what is kept, what is corrected, and what is refused."""

import errno
import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from circuits.errors import InputError
from hwmodel.latency.profile import conditions, results
from hwmodel.latency.profile.cores import allowed, chosen, kept_on
from hwmodel.latency.profile.energy import Counter, Energy
from hwmodel.latency.profile.items import anchors
from hwmodel.latency.profile.log import FILE
from hwmodel.latency.profile.session import ITEMS_BETWEEN_ANCHORS, Plan, run_session
from tests.hwmodel.latency.fakes import FakeRuntime, Machine, cost_s, item

ITEMS = [item(number) for number in range(7)]
NONE = Energy(None, reason="not asked")


def quiet(done: float, total: float, what: str = "") -> None:
    pass


def session(folder: Path, machine: Machine | None = None, items=ITEMS, energy=NONE, advance=quiet, version="1.0",
            **plan):  # fmt: skip
    machine = machine or Machine()
    runtime = FakeRuntime(machine)
    runtime.version = version
    return run_session(
        runtime, items, anchors(), folder, Plan(**({"rounds": 3} | plan)), energy, advance, machine.clock
    )


def rows(items, visits, energy):
    return results.rows(items, visits, results.courses(visits), energy)


def lines(folder: Path) -> list[str]:
    return (folder / FILE).read_text().splitlines()


def test_each_round_visits_all_in_another_order_with_anchors_between(tmp_path: Path):
    visits, _ = session(tmp_path)
    rounds = [
        [one["item"] for one in visits if one["round"] == round_ and one["role"] == "block"] for round_ in range(3)
    ]
    assert all(sorted(one) == sorted(thing.name for thing in ITEMS) for one in rounds)
    assert len({tuple(one) for one in rounds}) == 3
    roles = [one["role"] for one in visits if one["round"] == 0]
    assert roles[0] == roles[-1] == "anchor"
    between = "".join("a" if role == "anchor" else "i" for role in roles).strip("a").split("a")
    assert max(map(len, between)) <= ITEMS_BETWEEN_ANCHORS
    assert {one["item"] for one in visits if one["role"] == "anchor"} == {one.name for one in anchors()}


def test_the_order_is_the_same_every_time(tmp_path: Path):
    first, second = (session(tmp_path / name)[0] for name in "ab")
    assert [one["item"] for one in first] == [one["item"] for one in second]


@pytest.mark.parametrize("slowness", [
    lambda t: 1 + 0.3 * math.sin(t / 3) ** 2,
    lambda t: 1.0 if t < 11 else 1.25,
    lambda t: 1 + t / 100,
], ids=["waves", "a step", "a slope"])  # fmt: skip
def test_a_known_drift_is_corrected(slowness, tmp_path: Path):
    items = [item(number) for number in range(20)]
    visits, _ = session(tmp_path, Machine(slowness, noise=0.02), items, rounds=6)
    table = rows(items, visits, NONE)
    right = np.array([cost_s(one.graph) for one in items])
    off = {name: np.array([row[name] for row in table]) / right for name in ("wall_corrected_s", "wall_uncorrected_s")}
    spread = {name: float(np.std(ratio / np.median(ratio))) for name, ratio in off.items()}
    assert spread["wall_corrected_s"] < 0.015
    assert spread["wall_corrected_s"] < 0.6 * spread["wall_uncorrected_s"]
    quickest = min(slowness(t) for t in np.linspace(0, 60, 600))
    assert np.median(off["wall_corrected_s"]) == pytest.approx(quickest, rel=0.04)


def test_a_steady_machine_is_hardly_corrected(tmp_path: Path):
    visits, _ = session(tmp_path, Machine(noise=0.02), rounds=6)
    for row in rows(ITEMS, visits, NONE):
        assert row["wall_corrected_s"] == pytest.approx(row["wall_uncorrected_s"], rel=0.01)


def test_what_was_measured_before_an_interruption_is_kept_and_the_rest_follows(tmp_path: Path):
    whole = [one["item"] for one in session(tmp_path / "whole")[0]]

    def stop(done: float, total: float, what: str = "") -> None:
        if done == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session(tmp_path / "cut", advance=stop)
    kept = lines(tmp_path / "cut")
    assert sum('"item"' in line for line in kept) == 11
    visits, _ = session(tmp_path / "cut")
    assert lines(tmp_path / "cut")[: len(kept)] == kept
    blocks = [(one["round"], one["item"]) for one in visits if one["role"] == "block"]
    assert len(set(blocks)) == len(blocks) == 3 * len(ITEMS)
    assert [one["item"] for one in visits[:11]] == whole[:11]


def test_nothing_is_measured_twice_and_rounds_can_be_added(tmp_path: Path):
    session(tmp_path)
    machine = Machine()
    visits, _ = session(tmp_path, machine)
    assert machine.runs == 0
    more, _ = session(tmp_path, machine, rounds=4)
    assert more[: len(visits)] == visits
    assert {one["round"] for one in more[len(visits) :]} == {3}


def test_half_a_line_at_the_end_is_dropped(tmp_path: Path):
    visits, _ = session(tmp_path)
    path = tmp_path / FILE
    whole = path.read_bytes()
    blocks = [n for n, line in enumerate(lines(tmp_path)) if '"role":"block"' in line]
    cut = b"".join(line + b"\n" for line in whole.splitlines()[: blocks[-1]])
    path.write_bytes(cut + whole.splitlines()[blocks[-1]][:40])
    again, _ = session(tmp_path)
    assert path.read_bytes().startswith(cut)
    assert {(one["round"], one["item"]) for one in again} >= {(one["round"], one["item"]) for one in visits}
    for line in lines(tmp_path):
        json.loads(line)


def test_a_damaged_line_is_named(tmp_path: Path):
    session(tmp_path)
    text = lines(tmp_path)
    text[4] = text[4][:30]
    (tmp_path / FILE).write_text("\n".join(text) + "\n")
    with pytest.raises(InputError, match=r"visits.jsonl: line 5: damaged"):
        session(tmp_path)


def test_another_runtime_or_other_threads_do_not_go_into_the_same_folder(tmp_path: Path):
    session(tmp_path)
    before = lines(tmp_path)
    with pytest.raises(InputError, match=r"another version of it: 1.0 there, 2.0 here; give another --output"):
        session(tmp_path, version="2.0")
    if len(allowed()) > 1:
        with pytest.raises(InputError, match=r"another number of threads: 1 there, 2 here"):
            session(tmp_path, threads=2)
    assert lines(tmp_path) == before


def test_another_machine_does_not_go_into_the_same_folder(tmp_path: Path, monkeypatch):
    session(tmp_path)
    monkeypatch.setattr(conditions, "processor", lambda: "Pi")
    with pytest.raises(InputError, match=r"another machine: .* there, processor Pi"):
        session(tmp_path)


def test_another_network_under_the_same_name_is_refused(tmp_path: Path):
    session(tmp_path)
    with pytest.raises(InputError, match=r"item_2: measured in this folder as another network"):
        session(tmp_path, items=[*ITEMS[:2], item(9, "item_2")])


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch):
    sync, count = os.fsync, 0

    def full(file: int) -> None:
        nonlocal count
        count += 1
        if count == 9:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(file)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"visits.jsonl: cannot be written: No space left on device"):
        session(tmp_path)
    assert len(lines(tmp_path)) == 8
    visits, _ = session(tmp_path)
    assert sum(one["role"] == "block" for one in visits) == 3 * len(ITEMS)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/sub: cannot be written to: Not a directory; give another --output"):
        session(tmp_path / "file" / "sub")


def test_a_runtime_that_cannot_run_a_network_says_which(tmp_path: Path, monkeypatch):
    prepare = FakeRuntime.prepare

    def refuse(self, graph, folder, threads):
        if graph == ITEMS[5].graph:
            raise InputError("conv: no way to run it")
        return prepare(self, graph, folder, threads)

    monkeypatch.setattr(FakeRuntime, "prepare", refuse)
    machine = Machine()
    with pytest.raises(InputError, match=r"^item_5: conv: no way to run it$"):
        session(tmp_path, machine)
    assert machine.runs == 0


def test_cores_are_those_that_there_are():
    cores = allowed()
    assert chosen(None, 1) == cores[-1:]
    assert chosen(cores[0], 1) == cores[:1]
    with pytest.raises(InputError, match=r"core 9999: not one that this process may run on; those are \d"):
        chosen(9999, 1)
    with pytest.raises(InputError, match=r"threads 999: more than the \d+ cores that"):
        chosen(None, 999)


def test_the_thread_is_kept_on_its_core_and_let_go():
    before = os.sched_getaffinity(0)
    with kept_on(allowed()[:1]):
        assert os.sched_getaffinity(0) == {allowed()[0]}
    assert os.sched_getaffinity(0) == before


def test_a_system_that_forbids_pinning_says_so(monkeypatch):
    def forbidden(pid: int, cores: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    with pytest.raises(InputError, match=r"core \d+: this thread cannot be kept there: Operation not permitted"), \
            kept_on(allowed()):  # fmt: skip
        pass


def test_a_system_without_pinning_measures_on_any_core(tmp_path: Path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    _, about = session(tmp_path)
    assert about["cores"] == []
    with pytest.raises(InputError, match=r"core 1: this system cannot keep a thread on a core"):
        chosen(1, 1)


def test_counted_energy_is_less_what_the_idle_machine_draws(tmp_path: Path):
    machine = Machine()
    counter = Counter("fake", lambda: 5.0 * machine.now_s + 2.0 * machine.cpu_s)  # 5 W idle, 2 W more at work
    energy = Energy("measured", counter, idle_W=5.0, reason="fake")
    visits, _ = session(tmp_path, machine, energy=energy)
    for row, thing in zip(rows(ITEMS, visits, energy), ITEMS, strict=True):
        assert row["energy_J"] == pytest.approx(2.0 * cost_s(thing.graph), rel=1e-6)
        assert row["energy_with_idle_J"] == pytest.approx(7.0 * cost_s(thing.graph), rel=1e-6)
        assert row["energy_basis"] == "measured"


def test_energy_is_estimated_from_an_assumed_power_or_left_out(tmp_path: Path):
    visits, _ = session(tmp_path)
    estimated = rows(ITEMS, visits, Energy("estimated", core_W=3.0))[0]
    assert estimated["energy_J"] == pytest.approx(3.0 * estimated["cpu_corrected_s"])
    assert estimated["energy_basis"] == "estimated"
    none = rows(ITEMS, visits, NONE)[0]
    assert none["energy_J"] is none["energy_with_idle_J"] is none["energy_basis"] is None


def test_visits_need_their_own_files_no_longer_than_the_session(tmp_path: Path):
    folders = []

    class Writing(FakeRuntime):
        def prepare(self, graph, folder, threads):
            folders.append(folder)
            assert folder.is_dir()
            return super().prepare(graph, folder, threads)

    machine = Machine()
    run_session(Writing(machine), ITEMS, anchors(), tmp_path, Plan(rounds=2), NONE, quiet, machine.clock)
    assert len(set(folders)) == len(folders) == len(ITEMS) + len(anchors())
    assert not any(folder.exists() for folder in folders)


def test_two_sessions_do_not_share_a_folder(tmp_path: Path):
    def second(done: float, total: float, what: str = "") -> None:
        if done == 3:
            session(tmp_path)

    with pytest.raises(InputError, match=r"another session measures into it; wait for it, or end it"):
        session(tmp_path, advance=second)
    assert sum('"item"' in line for line in lines(tmp_path)) == 3


def test_what_a_killed_session_left_is_removed(tmp_path: Path):
    (tmp_path / ".networks-old" / "0").mkdir(parents=True)
    session(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_an_item_is_told_from_another_by_its_layers():
    assert item(1).digest == item(1, "other").digest
    assert item(1).digest != item(2).digest
    assert replace(item(1), family="x").digest == item(1).digest
