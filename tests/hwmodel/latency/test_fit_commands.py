"""`hwmodel latency fit` and `next`: a device of one's own, end to end, and one line for mistakes."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hwmodel.latency.fit_commands import fit, next_
from hwmodel.latency.predict_commands import predict
from tests.hwmodel.latency.commanded import run
from tests.hwmodel.latency.fit.made import devices

HWMODEL = Path(sys.executable).parent / "hwmodel"
SPACE = "name: made\nlayers:\n" + "".join(f"  - {{name: l{n}, choices: [a, b, c, d]}}\n" for n in range(10))


@pytest.fixture(scope="module")
def made():
    return devices(20, networks=150, of_family=1)


@pytest.fixture
def folder(tmp_path, made):
    columns = {f"{name}_1": times * 1e3 for name, times in zip("abc", made.sources, strict=True)}
    names = [str(row.tolist()) for row in made.codes]
    pd.DataFrame({"arch": names} | columns).to_csv(tmp_path / "table.csv", index=False)
    samples(tmp_path / "mine.csv", zip(names[:12], made.target * 1e3, strict=False))
    (tmp_path / "space.yaml").write_text(SPACE)
    return tmp_path


def samples(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("arch", "ms"), *rows])


def asked(folder, *more, **replaced):
    given = {"--samples": folder / "mine.csv", "--device": "phone", "-o": folder / "phone.safetensors"} | replaced
    return (folder / "table.csv", *(part for pair in given.items() for part in pair), *more)


def test_a_list_of_the_tables_networks(folder, made):
    said, error = run(fit, *asked(folder), "--conditions", "governor=performance")
    assert not error
    assert (said["kind"], said["networks"], said["samples"], said["sources"]) == ("listed", 150, 12, 3)
    assert (said["quantity"], said["file"]) == ("latency_s", str(folder / "phone.safetensors"))
    assert 0 <= said["without_sources"] <= 1
    assert said["left_out_median_error"] > 0
    assert 1.1 < said["reach_90"] < 2.5
    archs = [str(row.tolist()) for row in made.codes[12:]]
    pd.DataFrame({"arch": archs}).to_csv(folder / "archs.csv", index=False)
    rows = run(predict, "--device", folder / "phone.safetensors", "--archs", folder / "archs.csv")[0]["networks"]
    found = np.array([row["latency_s"] for row in rows])
    assert np.abs(found / made.target[12:] - 1).mean() < 0.08
    inside = [row["low_s"] <= time <= row["high_s"] for row, time in zip(rows, made.target[12:], strict=True)]
    assert np.mean(inside) > 0.75


def test_a_whole_space(folder, made):
    said, error = run(fit, *asked(folder, "--space", folder / "space.yaml"), "--sources", "*_1,a_1")
    assert not error
    assert (said["kind"], said["space"], said["sources"]) == ("space", "made", 3)
    other = np.random.default_rng(0).integers(0, 4, 10)
    row = run(predict, "--device", folder / "phone.safetensors", "--arch", str(other.tolist()))[0]["networks"][0]
    assert made.target.min() / 2 < row["latency_s"] < 2 * made.target.max()


def test_without_sources_and_as_energy(folder):
    said, error = run(fit, *asked(folder, "--sources", "none", "--unit", "mJ", "--space", folder / "space.yaml"))
    assert not error
    assert (said["sources"], said["quantity"], said["without_sources"]) == (0, "energy_J", pytest.approx(1))


@pytest.mark.parametrize("count", [1, 2])
def test_one_sample_or_two(folder, made, count):
    samples(folder / "few.csv", zip([str(row.tolist()) for row in made.codes[:count]], [5.0, 6.0], strict=False))
    said, error = run(fit, *asked(folder, **{"--samples": folder / "few.csv"}))
    assert not error
    assert (said["left_out_median_error"] is None) == (count == 1)


def test_what_to_measure_next(folder, made):
    first, error = run(next_, folder / "table.csv")
    assert not error
    assert [row["order"] for row in first] == [1]
    said, error = run(next_, folder / "table.csv", "--samples", folder / "mine.csv", "--count", 4)
    assert not error
    names = [row["architecture"] for row in said]
    known = [str(row.tolist()) for row in made.codes]
    assert len(set(names)) == 4
    assert set(names) <= set(known) - set(known[:12])
    assert len(run(next_, folder / "table.csv", "--count", 3, "--sources", "none")[0]) == 3


def test_nothing_is_left_to_measure(folder):
    small = pd.DataFrame({"arch": ["[0, 1]", "[1, 0]", "[1, 1]"], "a": [1.0, 2, 3], "b": [1.0, 3, 3]})
    small.to_csv(folder / "small.csv", index=False)
    assert len(run(next_, folder / "small.csv", "--count", 50)[0]) == 3
    samples(folder / "all.csv", [("[0, 1]", 1), ("1 0", 2), ("(1, 1)", 3)])
    assert "every architecture is measured: 3" in run(next_, folder / "small.csv", "--samples", folder / "all.csv")[1]


def test_a_device_in_names_alone(folder):
    frame = pd.DataFrame(
        {"model": ["vgg", "resnet", "mobile"], "a": [9.0, 4, 1], "b": [8.0, 4, 1.5], "note": ["x", "y", "z"]}
    )
    frame.to_parquet(folder / "named.parquet")
    samples(folder / "two.csv", [("vgg", 18), ("mobile", 2)])
    given = ("--samples", folder / "two.csv", "--device", "d", "-o", folder / "d.safetensors")
    assert not run(fit, folder / "named.parquet", *given)[1]
    found = run(predict, "--device", folder / "d.safetensors", "--arch", "resnet")[0]["networks"][0]
    assert found["latency_s"] == pytest.approx(8e-3, rel=0.3)
    assert (
        "nothing describes its architectures, so give --sources"
        in run(fit, folder / "named.parquet", *given, "--force", "--sources", "none")[1]
    )
    assert (
        "are no choices of layers; leave out --space"
        in run(fit, folder / "named.parquet", *given, "--force", "--space", "fbnet")[1]
    )


MISTAKES = [
    (("--sources", "z_*"), "no column of numbers 'z_*'"),
    (("--sources", "arch"), "no column of numbers 'arch'"),
    (("--unit", "hours"), "unit 'hours'"),
    (("--conditions", "x"), "give NAME=TEXT"),
    (("--conditions", "=x"), "give NAME=TEXT"),
    (("--features", "heads"), "no column 'heads' of features"),
    (("--space", "nowhere"), "space 'nowhere': unknown"),
    (("--space", "nasbench201"), "nasbench201 has 6 layers"),
    (("--device", ""), "device: String"),
    (("--device", "a\nb"), "device: String"),
    (("-o", "x.pkl"), "ends in .safetensors"),
    (("-o", "no/where/x.safetensors"), "no/where"),
    (("--samples", "none.csv"), "none.csv: No such file"),
]


@pytest.mark.parametrize(("more", "said"), MISTAKES)
def test_mistakes(folder, monkeypatch, more, said):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    _, error = run(fit, *asked(folder, *more))
    assert said in error
    assert "\n" not in error
    assert sorted(folder.iterdir()) == before


def test_a_file_that_is_there_stays(folder):
    (folder / "phone.safetensors").write_text("mine")
    assert "is there already; give --force" in run(fit, *asked(folder))[1]
    assert (folder / "phone.safetensors").read_text() == "mine"
    samples(folder / "other.csv", [("[9, 9]", 1)])
    assert (
        "architecture '[9, 9]': not in" in run(fit, *asked(folder, "--force", **{"--samples": folder / "other.csv"}))[1]
    )
    assert (folder / "phone.safetensors").read_text() == "mine"
    assert not run(fit, *asked(folder, "--force"))[1]


def test_as_a_program(folder):
    line = [HWMODEL, "latency", "fit", *asked(folder), "--json"]
    done = subprocess.run(list(map(str, line)), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["device"] == "phone"
    done = subprocess.run(list(map(str, line)), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"hwmodel: {folder / 'phone.safetensors'}: is there already; give --force to replace it\n"
    line = [HWMODEL, "latency", "next", folder / "mine.csv", "--sources", "b", "--json"]
    done = subprocess.run(list(map(str, line)), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"hwmodel: {folder / 'mine.csv'}: no column of numbers 'b'; devices are ms\n"


def test_gradient_boosting(folder, made):
    pytest.importorskip("lightgbm")
    samples(folder / "many.csv", zip([str(row.tolist()) for row in made.codes[:80]], made.target * 1e3, strict=False))
    said, error = run(fit, *asked(folder, "--model", "boosting", **{"--samples": folder / "many.csv"}))
    assert not error
    assert (said["model"], said["kind"], said["samples"]) == ("boosting", "listed", 80)
    found = run(predict, "--device", folder / "phone.safetensors", "--arch", str(made.codes[90].tolist()))[0][
        "networks"
    ][0]
    assert found["latency_s"] == pytest.approx(made.target[90], rel=0.3)
    assert "it needs 20" in run(fit, *asked(folder, "--model", "boosting", "--force"))[1]
    space = ("--space", folder / "space.yaml")
    assert (
        "knows the table's architectures alone" in run(fit, *asked(folder, "--model", "boosting", "--force", *space))[1]
    )
