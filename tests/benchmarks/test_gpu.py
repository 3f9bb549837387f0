"""The comparison with GPUs' counters: its errors, its items, and its run beside a stand-in for the profiler."""

import json
import math
from pathlib import Path

import pytest
import yaml

from benchmarks.gpu import items, validate
from benchmarks.gpu.errors import RATE, coverage, errors
from tests import program
from tests.traces.counters.machine import install
from traces import capture_network
from traces.counters import machine as machines
from traces.counters.join import NONE, Row
from traces.counters.metrics import QUANTITIES
from traces.counters.table import read_table, write_counters
from traces.counters.target import Job

ABOUT = {"gpu": "NVIDIA H100 80GB HBM3", "date": "2026-01-01", "modelled gpu": "h100"}


def row(call, measured, modelled, kernel="gemm", item="net", mode="cold", hits=(0.0, 0.0)):
    def counts(value, hit):
        return NONE if value is None else {**dict.fromkeys(QUANTITIES, float(value)), "l2_read_hits": hit}

    return Row(item, mode, call, "aten.mm.default", "", "forward", "" if measured is None else "sgemm",
               "" if modelled is None else kernel, counts(measured, hits[0]), counts(modelled, hits[1]))  # fmt: skip


def of(found, kind, quantity, mode="cold"):
    return next(one for one in found if (one["mode"], one["class"], one["quantity"]) == (mode, kind, quantity))


def test_errors_are_those_of_calls_by_class_and_of_runs():
    rows = [row(1, 100, 110), row(2, 300, 270), row(3, 50, 60, "copy"), row(4, None, 10), row(5, 40, None)]
    found = errors(rows)
    gemm = of(found, "gemm", "l2_reads")
    assert gemm["pairs"] == 2
    assert gemm["nrmse"] == pytest.approx(math.sqrt((10**2 + 30**2) / 2) / 200)
    assert gemm["correlation"] == pytest.approx(1.0)
    assert gemm["median_error"] == pytest.approx(0.1)
    assert gemm["ratio"] == pytest.approx(380 / 400)
    assert of(found, "copy", "dram_writes")["median_error"] == pytest.approx(0.2)
    assert of(found, "copy", "l2_reads")["correlation"] is None  # of a single pair
    assert of(found, "all calls", "l2_reads")["pairs"] == 3
    whole = of(found, "whole runs", "l2_reads")
    assert (whole["pairs"], whole["ratio"]) == (1, pytest.approx(450 / 490))


def test_a_calls_kernels_are_summed_and_named_by_the_heaviest():
    rows = [row(1, 100, 10, "convert"), row(1, 50, 140, "gemm"), row(1, None, 10, "reduction")]
    gemm = of(errors(rows), "gemm", "l2_writes")
    assert (gemm["pairs"], gemm["ratio"]) == (1, pytest.approx(160 / 150))
    served = [row(1, 100, 10, "implicit_gemm_forward"), row(1, 50, 140, "nchw_to_nhwc")]
    assert of(errors(served), "implicit_gemm_forward", "l2_writes")["pairs"] == 1
    assert of(errors(served[1:]), "nchw_to_nhwc", "l2_writes")["pairs"] == 1


def test_hit_rates_are_compared_as_rates():
    rate = of(errors([row(1, 100, 200, hits=(50.0, 120.0))]), "gemm", RATE)
    assert rate["median_error"] == pytest.approx(0.1)


def test_what_was_not_counted_is_not_compared():
    rows = [row(1, 100, 110)]
    rows[0].measured["dram_reads"] = None  # type: ignore[index]
    assert {one["quantity"] for one in errors(rows)} >= {"l2_reads", "dram_writes"}
    assert not any(one["quantity"] == "dram_reads" for one in errors(rows))


def test_modes_and_items_stay_apart():
    rows = [row(1, 100, 100, mode=mode, item=item) for mode in ("cold", "warm") for item in ("a", "b")]
    found = errors(rows)
    for mode in ("cold", "warm"):
        assert of(found, "whole runs", "l2_reads", mode)["pairs"] == 2
        assert of(found, "gemm", "l2_reads", mode)["pairs"] == 2


def test_coverage_is_the_share_of_traffic_with_a_partner():
    (found,) = coverage([row(1, 300, 100), row(2, 100, None), row(3, None, 100)])
    assert (found["measured_share"], found["modelled_share"]) == (pytest.approx(0.75), pytest.approx(0.5))


def test_published_errors_have_their_source():
    published = yaml.safe_load((validate.HERE / "published.yaml").read_text())
    assert "ISCA 2020" in published["source"]
    known = {(one["model"], one["quantity"]): one["nrmse"] for one in published["rows"]}
    assert known["Accel-Sim", "l2_reads"] == 0.03
    assert known["GPGPU-Sim 3.x", "dram_reads"] == 5.69


def test_recorded_counters_make_the_table(tmp_path, capsys):
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for number, path in enumerate(files):
        write_counters(path, ABOUT, [row(1, 100, 110, item=f"net{number}"), row(2, 300, 270, item=f"net{number}")])
    assert validate.main(["--recorded", *map(str, files), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert of(document["errors"], "gemm", "l2_reads")["pairs"] == 4
    assert [one["gpu"] for one in document["files"]] == [ABOUT["gpu"]] * 2
    assert validate.main(["--recorded", str(files[0])]) == 0
    shown = capsys.readouterr().out
    assert "Accel-Sim" in shown
    assert "10.0 %" in shown
    assert "100.0 % of measured" in shown


def refused(capsys, code, *words):
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert all(word in captured.err for word in words)
    return captured.err


def test_without_a_gpu_it_says_so_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert len(refused(capsys, validate.main([]), "validate: counters: no NVIDIA GPU").splitlines()) == 1
    assert len(refused(capsys, validate.main(["--recorded", "absent.csv"]), "absent.csv").splitlines()) == 1


@pytest.fixture
def gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(machines, "PLACES", ())
    install(tmp_path / "bin", monkeypatch)
    jobs = (Job("tests.traces.counters.test_join:plain", 2, "inference", shape=(8,)),
            Job("tests.traces.modules:factory", 2, "training"))  # fmt: skip
    monkeypatch.setattr(validate, "JOBS", jobs)
    monkeypatch.setattr(validate, "get_context", lambda _: program.FORKS)  # of what imported torch already
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(validate.HERE.parents[1])
    return jobs


def test_it_runs_unattended_saves_each_item_leaves_out_what_fails_and_goes_on(gpu, monkeypatch, capsys):
    monkeypatch.setattr(validate, "JOBS", gpu[:1])
    assert validate.main(["--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    path = Path("gpu_counters_h100.csv")
    about, rows = read_table(path)
    assert about["gpu"] == "NVIDIA H100 80GB HBM3"
    assert {one.item for one in rows} == {"tests.traces.counters.test_join:plain inference 2 fp32"}
    assert of(first["errors"], "gemm", "l2_reads", "warm")["pairs"] == 2
    failing = Job("tests.traces.modules:Raising", 1, "inference", shape=(3,))
    monkeypatch.setattr(validate, "JOBS", (failing, *gpu))
    assert validate.main([]) == 0
    captured = capsys.readouterr()
    assert "RuntimeError: no such thing" in captured.err
    assert captured.err.count("counted in") == 1  # the first is there already
    assert read_table(path)[1][: len(rows)] == rows
    assert {one.item for one in read_table(path)[1]} == {validate.name_of(job) for job in gpu}
    assert "whole runs" in captured.out


def test_no_item_is_begun_without_time_for_it(gpu, capsys):
    code = validate.main(["--budget", "10"])
    assert len(refused(capsys, code, "left out, 10 s are left", "no item was counted").splitlines()) == 1 + len(gpu)
    assert not Path("gpu_counters_h100.csv").exists()


def test_without_permission_it_ends_at_once(gpu, monkeypatch, capsys):
    monkeypatch.setenv("FAKE_NCU", "denied")
    assert len(refused(capsys, validate.main([]), "ERR_NVGPUCTRPERM").splitlines()) == 1


def test_counters_of_another_gpu_are_not_mixed(gpu, capsys):
    write_counters(Path("mine.csv"), {"gpu": "Tesla V100-SXM2-16GB"}, [row(1, 1, 1)])
    refused(capsys, validate.main(["--output", "mine.csv"]), "mine.csv", "Tesla V100", "--output")


def test_a_files_items_are_modelled_anew(monkeypatch, capsys, tmp_path):
    job = Job("tests.traces.counters.test_join:plain", 2, "inference", shape=(8,))
    monkeypatch.setattr(validate, "JOBS", (job,))
    path, item = tmp_path / "mine.csv", validate.name_of(job)
    write_counters(path, ABOUT, [row(1, 100, 5, item=item), row(2, 7, 5, item="other inference 1 fp32")])
    refused(capsys, validate.main(["--recorded", str(path), "--again"]), "other inference 1 fp32", "--again")
    write_counters(path, ABOUT | {"gpu": "NVIDIA H200"}, [row(1, 100, 5, item=item)])
    assert validate.main(["--recorded", str(path), "--again", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["files"][0]["modelled gpu"] == "h200"
    _, counts = validate.modelled(job, "h200")
    assert counts["cold"][0]["l2_reads"] != 5
    whole = of(found["errors"], "whole runs", "l2_reads")
    assert whole["ratio"] == pytest.approx(sum(one["l2_reads"] for one in counts["cold"]) / 100)


@pytest.mark.parametrize("name", ["Streams", "Products", "Convolutions", "Attention", "Norms"])
def test_every_item_can_be_modelled(name):
    trace = capture_network(f"{validate.ITEMS}{name}", 1, "inference", "h100")
    assert trace.kernels
    assert hasattr(items, name)


def test_the_streams_move_what_they_say():
    from traces.survey import count

    trace = capture_network(f"{validate.ITEMS}Streams", 1, "inference", "h100")
    totals, mib = count(trace), 1 << 15  # sectors
    sums = {"copy": (64, 64), "elementwise": (192, 128)}  # x * 2 reads one tensor, the sum of both two
    for name, (read, written) in sums.items():
        at = [n for n, kernel in enumerate(trace.kernels) if kernel.name == name]
        assert sum(totals.sectors_read[n] for n in at) == read * mib
        assert sum(totals.sectors_written[n] for n in at) == written * mib
