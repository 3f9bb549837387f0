"""`hwmodel capture --counters`, end to end: the profiled program is real, on the CPU, the profiler a stand-in."""

import json
from pathlib import Path

import pytest

from hwmodel.cli import main
from hwmodel.gpu.replayed import by_kernel
from tests.traces.counters.fake_ncu import NAMES, count
from tests.traces.counters.machine import install
from traces.container import read_trace
from traces.counters import machine as machines
from traces.counters.metrics import QUANTITIES
from traces.counters.table import read_table
from traces.gpus import load_gpu

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


@pytest.fixture
def gpu(tmp_path, monkeypatch):
    install(tmp_path / "bin", monkeypatch)


def test_a_training_step_is_counted_beside_its_model(run, gpu):
    code, out, err = run(
        "capture", FACTORY, "--batch", 2, "--phase", "training", "--counters", "-o", "a.trace", "--json"
    )
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["gpu"] == "h100"  # what nvidia-smi named
    about, rows = read_table(Path("a.counters.csv"))
    assert about["gpu"] == "NVIDIA H100 80GB HBM3"
    assert (about["driver"], about["ncu"], about["modelled gpu"]) == ("580.65.06", "2025.4.1.0", "h100")
    assert "1980 MHz" in about["clock"]
    assert "2.13.0+cu130" in about["torch"]

    trace = read_trace("a.trace")
    for mode, share in (("cold", 1), ("warm", 2)):
        of = [row for row in rows if row.mode == mode]
        # Every modelled kernel stands there once, in order, beside a kernel that was counted for the same operator.
        assert [row.modelled_kernel for row in of if row.modelled_kernel] == [kernel.name for kernel in trace.kernels]
        both = [row for row in of if row.modelled_kernel and row.measured_kernel]
        assert len(both) > 0.9 * len(trace.kernels)
        modelled = by_kernel(trace, load_gpu("h100"), mode)
        assert [row.modelled for row in of if row.modelled_kernel] == modelled
        for call in {row.operation for row in both}:
            mine = [row for row in of if row.operation == call and row.measured_kernel]
            assert [row.measured_kernel for row in mine] == list(NAMES)
            for number, row in enumerate(mine):
                made = (count("read.sum", call, number, share), count("_lookup_hit.sum", call, number, share))
                assert row.measured["l2_reads"] == made[0]
                assert row.measured["l2_read_hits"] == 2 * made[1]  # in the near partition and in the far one
                assert row.measured["dram_reads"] == count("dram__bytes_read", call, number, share) / 32
                assert row.time_s == pytest.approx(2000e-9 * call * (number + 1))
        totals = next(one for one in document["counters"]["totals"] if one["mode"] == mode)
        for quantity in QUANTITIES:
            assert totals[f"modelled_{quantity}"] == sum(row[quantity] for row in modelled)
            assert totals[f"measured_{quantity}"] == sum(row.measured[quantity] for row in of if row.measured_kernel)


def test_a_described_gpu_may_be_named(run, gpu):
    assert run("capture", FACTORY, "--counters", "--gpu", "a100_40gb", "-o", "a.trace")[0] == 0
    assert read_trace("a.trace").header.gpu == "a100_40gb"
    assert read_table(Path("a.counters.csv"))[0]["modelled gpu"] == "a100_40gb"


def test_newer_names_are_asked_for_where_the_chip_has_them(run, gpu, monkeypatch):
    monkeypatch.setenv("FAKE_NCU", "newer")
    assert run("capture", FACTORY, "--counters", "-o", "a.trace")[0] == 0
    about, rows = read_table(Path("a.counters.csv"))
    assert "dram__bytes_op_read.sum" in about["metrics"]
    assert "dram__bytes_read.sum" not in about["metrics"]
    assert all(row.measured["dram_reads"] for row in rows if row.measured_kernel)


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("denied", ["ERR_NVGPUCTRPERM", "NVreg_RestrictProfilingToAdminUsers=0", "SYS_ADMIN"]),
        ("busy", ["another tool", "DCGM"]),
        ("crash", ["ncu ended with 139", "error code (139)"]),
        ("killed", ["SIGKILL"]),
        ("hang", ["not done in 1 s"]),
        ("cpu", ["is built without CUDA"]),
        ("nothing", ["counted no kernel"]),
        ("unnamed", ["names no operator"]),
        ("bare", ["NVIDIA H100", "sectors that SMs read", "lts__t_sectors_srcunit_tex_op_read.sum"]),
    ],
)
def test_what_goes_wrong_under_the_profiler_is_one_line(run, gpu, monkeypatch, tmp_path, mood, words):
    monkeypatch.setenv("FAKE_NCU", mood)
    limit = ("--limit", 1) if mood == "hang" else ()
    refused(run("capture", FACTORY, "--counters", "-o", "a.trace", *limit), words, tmp_path, {"bin"})


def refused(done, words, folder, left):
    code, out, err = done
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    for word in words:
        assert word in err
    assert {path.name for path in folder.iterdir()} == left


@pytest.mark.parametrize(
    ("smi", "ncu", "words"),
    [
        ("", True, ["no NVIDIA GPU", "no driver"]),
        ("NVIDIA H100 80GB HBM3, 580.65.06, 1980 MHz, 2619 MHz", False, ["no ncu", "Nsight Compute"]),
        ("NVIDIA GeForce GT 710, 470.1, 954 MHz, 900 MHz", True, ["'NVIDIA GeForce GT 710'", "--gpu"]),
    ],
)
def test_what_is_missing_shows_before_anything_runs(run, monkeypatch, tmp_path, smi, ncu, words):
    monkeypatch.setattr(machines, "PLACES", (str(tmp_path / "cuda*" / "bin" / "ncu"),))
    install(tmp_path / "bin", monkeypatch, smi, ncu)
    refused(run("capture", FACTORY, "--counters", "-o", "a.trace"), words, tmp_path, {"bin"})


def test_without_a_driver_there_is_no_gpu(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    refused(run("capture", FACTORY, "--counters", "-o", "a.trace"), ["no NVIDIA GPU", "nvidia-smi"], tmp_path, set())


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--dtype", "int8"], ["'int8'", "bf16"]), (["--steps", 2], ["one run, not 2", "--steps"])],
)
def test_runs_that_cannot_be_counted(run, gpu, tmp_path, options, words):
    refused(run("capture", FACTORY, "--counters", "-o", "a.trace", *options), words, tmp_path, {"bin"})


def test_a_file_of_counters_is_replaced_only_when_told(run, gpu, tmp_path):
    (tmp_path / "a.counters.csv").write_text("mine")
    done = run("capture", FACTORY, "--counters", "-o", "a.trace")
    refused(done, ["a.counters.csv", "--force"], tmp_path, {"bin", "a.counters.csv"})
    assert (tmp_path / "a.counters.csv").read_text() == "mine"


def test_the_newest_profiler_is_taken_where_none_is_on_path(monkeypatch, tmp_path):
    for version in ("12.9", "12.10"):
        place = tmp_path / f"cuda-{version}" / "bin" / "ncu"
        place.parent.mkdir(parents=True)
        place.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(machines, "PLACES", (str(tmp_path / "cuda-*" / "bin" / "ncu"),))
    assert machines.find_ncu() == tmp_path / "cuda-12.10" / "bin" / "ncu"
