"""It learns; the same seed learns the same; it goes on from where it was."""

import csv
from pathlib import Path

import pytest

from circuits.errors import InputError
from workloads.rl.checkpoint import NAME, facts
from workloads.rl.settings import Settings
from workloads.rl.train import train


def curve(folder: Path) -> list[dict[str, str]]:
    with (folder / "curve.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def cartpole(**changes) -> Settings:
    return Settings("CartPole-v1", 2, 8, lockstep=True, **{"steps": 25_000, **changes})


def test_impala_improves_and_a_seed_repeats_it():
    once, again = train(cartpole()), train(cartpole())
    assert once["return_mean"] > 45  # some 22 by chance
    for name in ("steps", "episodes", "return_mean", "loss", "entropy", "batches"):
        assert once[name] == again[name]
    assert train(cartpole(seed=1, steps=2000))["episodes"] != train(cartpole(steps=2000))["episodes"]


def test_r2d2_learns_as_often_as_its_ratio_says():
    told = (("replay_ratio", "4"), ("least", "50"))
    done = train(cartpole(algorithm="r2d2", steps=5000, replaced=told))
    before = 16 + 50 * 10  # steps until 50 sequences of a stride of 10 are there, and a little
    assert done["learner_batches"] == pytest.approx((5000 - before) * 4 / 160, rel=0.1)
    assert done["td_error"] >= 0


@pytest.mark.parametrize("algorithm", ["impala", "r2d2"])
def test_it_goes_on_from_a_checkpoint(algorithm: str, tmp_path: Path):
    told = {"algorithm": algorithm, "replaced": (("replay_ratio", "1"),) if algorithm == "r2d2" else ()}
    first = train(cartpole(**told, steps=3000), tmp_path / "run")
    assert facts(tmp_path / "run")["steps"] == first["steps"]
    with pytest.raises(InputError, match="holds a run already"):
        train(cartpole(**told, steps=4000), tmp_path / "run")
    second = train(cartpole(**told, steps=5000), tmp_path / "run", resume=True)
    assert first["steps"] < second["steps"] < 5000 + 16
    rows = curve(tmp_path / "run")
    assert int(rows[0]["steps"]) <= int(rows[-1]["steps"]) == second["steps"]
    assert float(rows[-1]["seconds"]) >= first["seconds"]
    assert sorted(int(row["steps"]) for row in rows) == [int(row["steps"]) for row in rows]
    for name in ("episodes", "learner_batches"):
        assert int(rows[-1][name]) == first[name] + second[name]


def test_weights_come_back_as_they_were(tmp_path: Path):
    from safetensors.torch import load_file

    train(cartpole(steps=1000), tmp_path / "run")
    before = load_file(tmp_path / "run" / NAME)
    train(cartpole(steps=1000), tmp_path / "run", resume=True)  # nothing is left to do
    after = load_file(tmp_path / "run" / NAME)
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no checkpoint"):
        train(cartpole(), tmp_path, resume=True)
    (tmp_path / NAME).write_bytes(b"\x80\x04pickled")
    with pytest.raises(InputError, match="no checkpoint"):
        train(cartpole(), tmp_path, resume=True)
