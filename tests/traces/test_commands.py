"""The commands a person types, and what they say when it cannot be done."""

import json
from pathlib import Path

import pytest

from hwmodel.cli import main
from traces.container import read_trace

FACTORY = "tests.traces.modules:factory"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return exit_.value.code, captured.out, captured.err

    return call


def test_capture_then_info(run, tmp_path):
    path = tmp_path / "small.trace"
    code, out, err = run("capture", FACTORY, "--batch", 2, "--phase", "training", "-o", path, "--json")
    assert (code, err) == (0, "")
    made = json.loads(out)
    assert run("trace", "info", path, "--json") == (0, out, "")
    assert made["batch"] == 2
    assert made["phase"] == "training"
    assert made["parameters"] == 8 * 27 + 8 + 16 + 330
    assert made["size_bytes"] == path.stat().st_size
    assert made["sectors_read"] == sum(row["sectors_read"] for row in made["by_kernel"])
    assert made["sectors_written"] * 32 == made["written_bytes"]
    assert sum(row["launches"] for row in made["by_kernel"]) == made["kernels"]
    assert sum(row["macs"] for row in made["by_kernel"] if row["phase"] == "forward") == made["macs"]
    intervals = sum(len(batch.base) for batch in read_trace(path).batches())
    assert intervals == made["intervals"]


def test_a_type_and_steps_are_told(run):
    options = ["--dtype", "bf16", "--steps", 2, "--phase", "training", "--checkpoint"]
    code, out, _ = run("capture", FACTORY, "-o", "a.trace", "--json", *options)
    made = json.loads(out)
    assert (code, made["dtype"], made["steps"]) == (0, "bf16", 2)
    assert all(row["launches"] % 2 == 0 for row in made["by_kernel"])
    assert any("checkpointed" in note for note in made["notes"])


def test_arguments_reach_the_factory(run):
    sized = "tests.traces.test_commands:sized"
    assert run("capture", sized, "--set", "widths=6,5", "--set", "bias=0", "--input", 8, "-o", "a.trace")[0] == 0
    header = read_trace("a.trace").header
    assert header.parameters == 8 * 6 + 6 * 5
    assert header.network == f"{sized}(widths=(6, 5), bias=0)"


def sized(widths, bias=True):
    from torch import nn

    return nn.Sequential(nn.Linear(8, widths[0], bias), nn.Linear(*widths, bias))


def test_a_choice_of_the_lowering_is_kept_in_the_notes(run):
    machine = ("--gpu", "v100", "--option", "raster=n", "--option", "l1=lru")
    assert run("capture", FACTORY, *machine, "-o", "a.trace")[0] == 0
    made = json.loads(run("trace", "info", "a.trace", "--json")[1])
    assert made["gpu"] == "v100"
    assert "A grid's tiles are taken along N first." in made["notes"]
    code, out, err = run("capture", FACTORY, "--option", "raster=x", "-o", "b.trace")
    assert (code, out) == (2, "")
    assert "give one of m, n" in err
    assert len(err.strip().splitlines()) == 1


def test_info_for_people(run, tmp_path):
    assert run("capture", FACTORY, "-o", "a.trace")[0] == 0
    code, out, _ = run("trace", "info", "a.trace")
    assert code == 0
    assert "sectors read" in out
    assert "implicit_gemm" in out


def test_a_file_is_replaced_only_when_told(run, tmp_path):
    path = tmp_path / "a.trace"
    path.write_text("mine")
    code, _, err = run("capture", FACTORY, "-o", path)
    assert code == 2
    assert "--force" in err
    assert path.read_text() == "mine"
    assert run("capture", FACTORY, "-o", path, "--force")[0] == 0
    read_trace(path)


def test_a_module_without_example_takes_a_shape(run):
    assert run("capture", "tests.traces.modules:needs_values", "--input", 8, "-o", "a.trace")[0] == 0
    assert run("capture", "torch.nn:ReLU", "--input", "3x8", "--batch", 4)[0] == 0
    assert read_trace("torch.nn_ReLU.trace").header.batch == 4


def test_an_operator_without_lowering_stops_the_run_unless_told(run):
    name = "tests.traces.test_commands:unheard_of"
    code, _, err = run("capture", name, "--input", 8, "-o", "a.trace")
    assert code == 2
    assert "aten.histc.default (1 calls, " in err
    assert "--skip-unknown" in err
    code, out, _ = run("capture", name, "--input", 8, "-o", "a.trace", "--skip-unknown", "--json")
    assert code == 0
    assert any("aten.histc.default" in note for note in json.loads(out)["notes"])


def unheard_of():
    from torch import nn

    class Odd(nn.Module):
        def forward(self, x):
            return x.relu().histc(4)

    return Odd()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["capture", "vgg17"], ["'vgg17'", "vgg16", "alexnet"]),
        (["capture", "no.such.module:f"], ["'no.such.module:f'", "No module named"]),
        (["capture", "tests.traces.modules:absent"], ["no attribute", "absent"]),
        (["capture", "tests.traces.modules:not_callable"], ["not a function", "int"]),
        (["capture", "tests.traces.modules:raises"], ["raised OSError: disk on fire"]),
        (["capture", "tests.traces.modules:no_module"], ["returned a str", "torch.nn.Module"]),
        (["capture", "tests.traces.modules:Raising", "--input", "3"], ["RuntimeError: no such thing"]),
        (["capture", "torch.nn:ReLU"], ["example_inputs", "--input 3x224x224"]),
        (["capture", "torch.nn:ReLU", "--input", "3x0"], ["3x0", "3x224x224"]),
        (["capture", "torch.nn:ReLU", "--input", "3x-1"], ["3x-1"]),
        (["capture", "torch.nn:ReLU", "--input", "x"], ["'x'"]),
        (["capture", "torch.nn:ReLU", "--input", "999999999x999999999"], ["memory", "smaller"]),
        (["capture", "torch.nn:ReLU", "--input", "999999999x999999999x999999999"], ["torch.nn:ReLU"]),
        (["capture", FACTORY, "--batch", "0"], ["--batch"]),
        (["capture", FACTORY, "--batch", "many"], ["--batch"]),
        (["capture", FACTORY, "--phase", "sleep"], ["inference", "training"]),
        (["capture", FACTORY, "--dtype", "fp8"], ["fp8", "bf16"]),
        (["capture", FACTORY, "--dtype", "int8", "--phase", "training"], ["'int8'", "no gradient"]),
        (["capture", FACTORY, "--steps", "0"], ["--steps"]),
        (["capture", FACTORY, "--set", "length"], ["'length'", "length=384"]),
        (["capture", FACTORY, "--set", "length=384"], ["TypeError", "'length'"]),
        (["capture", FACTORY, "--checkpoint"], ["checkpoint", "training"]),
        (["capture", FACTORY, "--gpu", "abacus"], ["abacus", "gtx1080ti"]),
        (["capture", FACTORY, "-o", "absent/a.trace"], ["absent"]),
        (["capture", FACTORY, "-o", "."], ["folder"]),
        (["trace", "info", "absent.trace"], ["absent.trace", "No such file"]),
        (["trace", "info", "."], ["regular file"]),
    ],
)
def test_mistakes_are_one_line(run, tmp_path, arguments, words):
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    for word in words:
        assert word in err
    assert list(tmp_path.iterdir()) == []


def test_help_shows_an_example(run):
    assert "hwmodel capture vgg16" in run("capture", "--help")[1]
    assert "hwmodel trace info" in run("trace", "info", "--help")[1]
