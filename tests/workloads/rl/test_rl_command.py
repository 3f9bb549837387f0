"""`hwmodel rl train`: one document; a mistake ends in one line and exit code 2."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hwmodel.cli import main


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["rl", "train", *arguments])
    return int(ended.value.code or 0)


def test_it_prints_one_document(capsys: pytest.CaptureFixture[str]):
    assert run("--env", "CartPole-v1", "--actors", "2", "--no-learn", "--seconds", "1.2", "--json") == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["steps"] == document["frames"] > 0
    assert document["algorithm"] is None
    assert document["batch_max"] in {1, 2}
    assert err.startswith("1.0 s, ")
    assert " frames/s" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--env CartPole-v1", "say when to end"),
        ("--env Nope-v1 --steps 5", "--env Nope-v1"),
        ("--env CartPole-v1 --steps 0", "--steps 0: give a number above 0"),
        ("--env CartPole-v1 --seconds nan", "--seconds nan: give a number above 0"),
        ("--env CartPole-v1 --steps 5 --actors 0", "--actors 0: give a whole number from 1"),
        ("--env CartPole-v1 --steps 5 --envs-per-actor 65536", "in all; give up to"),
        ("--env CartPole-v1 --steps 5 --device emulated", "--service: times the emulated device"),
        ("--env CartPole-v1 --steps 5 --service 2ms", "--service: times the emulated device"),
        ("--env CartPole-v1 --steps 5 --device emulated --service soon", "--service 'soon': not a time"),
        ("--env CartPole-v1 --steps 5 --learner-service 2ms", "--learner-service: times a learner on the emulated"),
        ("--env CartPole-v1 --steps 5 --envs-per-actor 4 --max-batch 3", "--max-batch 3: an actor brings 4"),
        ("--env CartPole-v1 --steps 5 --min-batch 5", "--min-batch 5: a batch has up to 4"),
        ("--env CartPole-v1 --steps 5 --patience -1", "--patience -1.0: give 0 or more"),
        ("--env CartPole-v1 --steps 5 --seed -1", "--seed -1: give a whole number"),
        ("--env CartPole-v1 --steps 5 --set speed=3", "--set speed=3: impala has no such figure"),
        ("--env CartPole-v1 --steps 5 --set batch=0.5", "--set batch=0.5: give a whole number above 0"),
        ("--env CartPole-v1 --steps 5 --set clip=nan", "--set clip=nan: give a number above 0"),
        ("--env CartPole-v1 --steps 5 --set clip", "no `=`"),
        ("--env CartPole-v1 --steps 5 --resume", "--resume: no folder is given"),
        ("--env CartPole-v1 --steps 5 --sm-share 0.5", "--sm-share: shares a GPU"),
        ("--env CartPole-v1 --steps 5 --device cuda --sm-share 2", "--sm-share 2.0: give more than 0, up to 1"),
    ],
)
def test_mistakes_are_one_line(arguments: str, told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert run(*arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


def test_a_gpu_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert run("--env", "CartPole-v1", "--steps", "5", "--device", "cuda") == 2
    assert "--device cuda: torch" in capsys.readouterr().err


def test_neither_actors_nor_an_emulated_run_import_torch():
    program = (
        "import sys; from workloads.rl import actor, train, settings, commands; "
        "from workloads.rl.environments import make; make('PongNoFrameskip-v4'); make('CartPole-v1'); "
        "print(sorted({'torch', 'cv2', 'pandas', 'numba'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
