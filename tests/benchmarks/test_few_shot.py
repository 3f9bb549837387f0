"""The comparison of few samples: its figures by their names, on a small table."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.latency import few_shot
from tests.hwmodel.latency.fit.made import devices

SHARED = Path(__file__).parents[3] / "shared" / "reference" / "latency"
FIGURES = {"spearman", "mape", "median", "within_5", "within_10", "coverage_90", "without_sources"}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Three families of two devices, one that is an exact sum of choices, and one that is constant."""
    made = devices(30, networks=120)
    columns = {f"{name}_{n}": times for n, (name, times) in enumerate(zip("aabbcc", made.sources, strict=True))}
    exact = 1.0 + made.codes.sum(axis=1)
    names = [str(row.tolist()) for row in made.codes]
    frame = pd.DataFrame({"arch": names} | columns | {"d_0": made.target, "sum_0": exact, "flat_0": 1.0})
    path = tmp_path_factory.mktemp("few") / "table.csv"
    frame.to_csv(path, index=False)
    return path


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["few_shot", *map(str, arguments)])
    few_shot.main()
    return capsys.readouterr().out


def found(*given):
    return json.loads(run(*given, "--json"))


def test_figures_have_names(monkeypatch, capsys, table):
    report = found(
        monkeypatch,
        capsys,
        table,
        "--sources",
        "a_0,b_2,c_*",
        "--targets",
        "d_0,sum_0",
        "--samples",
        "5,20",
        "--repeats",
        2,
    )
    assert (report["file"], report["repeats"], len(report["rows"])) == (str(table), 2, 4)
    for row in report["rows"]:
        assert {"target", "samples", "sources", "table_sum", "scaled_mape", *FIGURES} <= set(row)
        assert row["sources"] == 4
        assert row["table_sum"] == (row["target"] == "sum_0")
        assert 0 <= row["within_5"] <= row["within_10"] <= 1
    few, many = (row for row in report["rows"] if row["target"] == "d_0")
    assert many["mape"] < few["mape"] < 0.1
    assert many["spearman"] > 0.9
    assert many["mape"] < many["scaled_mape"]
    means = {(row["of"], row["samples"]): row for row in report["means"]}
    assert set(means) == {(of, samples) for of in ("all", "table sums", "measured") for samples in (5, 20)}
    both = [row["mape"] for row in report["rows"] if row["samples"] == 20]
    assert means["all", 20]["mape"] == pytest.approx(np.mean(both))
    assert means["measured", 20]["mape"] == pytest.approx(many["mape"])


def test_other_families(monkeypatch, capsys, table):
    given = (
        monkeypatch,
        capsys,
        table,
        "--sources",
        "[abc]_*",
        "--targets",
        "[abc]_*",
        "--repeats",
        1,
        "--other-families",
    )
    rows = found(*given)["rows"]
    assert [row["sources"] for row in rows] == [4] * 6
    alone = found(
        monkeypatch, capsys, table, "--sources", "[abc]_*", "--targets", "b_2", "--repeats", 1, "--other-families"
    )
    same = next(row for row in rows if row["target"] == "b_2")
    assert alone["rows"][0] == same  # each target by itself, whatever stands beside it


def test_without_sources_and_chosen_samples(monkeypatch, capsys, table):
    report = found(monkeypatch, capsys, table, "--targets", "d_0", "--samples", "12", "--repeats", 1, "--next")
    row = report["rows"][0]
    assert (row["sources"], row["without_sources"]) == (0, pytest.approx(1))
    assert "scaled_mape" not in row


def test_a_constant_device_has_no_order(monkeypatch, capsys, table):
    text = run(
        monkeypatch,
        capsys,
        table,
        "--sources",
        "a_*",
        "--targets",
        "flat_0",
        "--samples",
        "8",
        "--repeats",
        1,
        "--json",
    )
    assert json.loads(text, parse_constant=pytest.fail)["rows"][0]["spearman"] == 0


def test_as_text(monkeypatch, capsys, table):
    lines = run(monkeypatch, capsys, table, "--sources", "a_*,b_*", "--targets", "sum_0", "--repeats", 1).splitlines()
    assert lines[0].split()[:3] == ["target", "samples", "spearman"]
    assert lines[1].startswith("sum_0 (sum)")
    assert lines[-1].startswith("mean of 1 (all)")


def test_architectures_of_another_table(monkeypatch, capsys, tmp_path):
    draw = np.random.default_rng(0)
    for name, networks in (("one", 60), ("two", 20)):
        flops, size = np.exp(draw.normal(size=(2, networks)))
        columns = {
            f"{maker}|cpu": (1 + k) * flops + 0.3 * size * draw.uniform(0.9, 1.1, networks)
            for k, maker in enumerate("xyz")
        }
        frame = pd.DataFrame({"model": [f"{name}{n}" for n in range(networks)], "FLOPS": flops, "size": size} | columns)
        frame.to_parquet(tmp_path / f"{name}.parquet")
    report = found(
        monkeypatch,
        capsys,
        tmp_path / "one.parquet",
        "--test",
        tmp_path / "two.parquet",
        "--sources",
        "*",
        "--targets",
        "z|cpu",
        "--samples",
        "10",
        "--repeats",
        "2",
    )
    row = report["rows"][0]
    assert row["sources"] == 2
    assert row["mape"] < row["line_mape"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--samples", "120"), "120 architectures have numbers"),
        (("--samples", "0"), "have numbers; give 1 to fewer"),
        (("--sources", "zz"), "no column of numbers 'zz'"),
    ],
)
def test_mistakes(monkeypatch, table, more, said):
    monkeypatch.setattr("sys.argv", ["few_shot", str(table), "--targets", "d_0", *more])
    with pytest.raises(ValueError, match=said):
        few_shot.main()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the measured tables are not beside this checkout")
def test_nasbench201_from_ten_samples(monkeypatch, capsys):
    sources = "1080ti_1,1080ti_32,1080ti_256,silver_4114,silver_4210r,samsung_a50,pixel3,essential_ph_1,samsung_s7"
    report = found(
        monkeypatch,
        capsys,
        SHARED / "nasbench201_ms.parquet",
        "--sources",
        sources,
        "--targets",
        "titan_rtx_256",
        "--samples",
        "10",
        "--repeats",
        "1",
    )
    row = report["rows"][0]
    assert row["spearman"] > 0.98
    assert row["mape"] < 0.05


def test_gradient_boosting_beside(monkeypatch, capsys, table):
    pytest.importorskip("lightgbm")
    given = (
        "--sources",
        "a_*,b_*",
        "--targets",
        "d_0",
        "--samples",
        "10,60",
        "--repeats",
        "1",
        "--model",
        "gp,boosting",
    )
    few, many = found(monkeypatch, capsys, table, *given)["rows"]
    assert "boosting_mape" not in few
    assert {f"boosting_{name}" for name in FIGURES - {"without_sources"}} <= set(many)
    assert 0 < many["boosting_mape"] < 0.3
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, table, "--targets", "d_0", "--model", "forest")
