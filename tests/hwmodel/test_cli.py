"""The command line as its user meets it: commands of installed packages, JSON, errors of one line, exit codes."""

import csv
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
from decimal import Decimal
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.commands import cache
from hwmodel import __version__
from hwmodel.cli import jsonable, main
from hwmodel.latency.commands import latency
from hwmodel.latency.fit_commands import fit

PYTHON = (sys.executable, "-P", "-c")  # -P: packages in the current folder are not found before installed ones
START = "from hwmodel.cli import main; main()"

# A package that somebody else might install: commands that work, fail in every way, and one that cannot be loaded.
COMMANDS = '''
import logging, sys, time
import click

class InputError(ValueError):
    is_input_error = True

@click.command()
@click.option("--factor", type=float, default=1.0)
def good(factor):
    """Work."""
    print("a warning", file=sys.stderr)
    return {"time_s": 2e-9 * factor, "ratio": float("nan")}

@click.command()
def viewed():
    return {"time_s": 1.0}

viewed.view = lambda document: print("seen:", document["time_s"])

@click.group()
def group():
    """Hold others."""

@group.command()
def inner():
    return [{"ways": 16}]

@click.command()
def mistaken():
    raise InputError("cell 'x':\\n  unknown; give one of sram, stt, sot")

@click.command()
def buggy():
    raise ValueError("a bug of ours")

@click.command()
@click.argument("path")
def opens(path):
    open(path)

@click.command()
def full():
    raise OSError(28, "No space left on device")

@click.command()
def logs():
    logging.getLogger("hwmodel").info("a pause of %s", "seconds")
    return {}

@click.command()
def sleeps():
    print("ready", flush=True)
    time.sleep(60)
'''
NAMES = ("good", "viewed", "group", "mistaken", "buggy", "opens", "full", "logs", "sleeps")
BROKEN = ("absent", "nameless", "nocommand", "raises", "typo")


def environment(*folders):
    kept = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "FORCE_COLOR"}}
    return kept | {"PYTHONPATH": os.pathsep.join(map(str, folders)), "NO_COLOR": "1"}


def hwmodel(*arguments, folder=None, code=START):
    command = [*PYTHON, code, *arguments]
    folders = [folder] if folder else []
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", env=environment(*folders), timeout=60, check=False
    )


def assert_one_line(result, *pieces, code=2):
    assert result.returncode == code
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    for piece in ("hwmodel: ", *pieces):
        assert piece in line


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (folder / "elsewhere.py").write_text(COMMANDS)
    info = folder / "elsewhere-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    entries = [f"{name} = elsewhere:{name}" for name in NAMES]
    (folder / "elsewhere_typo.py").write_text("def f(:\n")
    (folder / "elsewhere_raises.py").write_text("raise ValueError('two\\nlines')\n")
    entries += ["typo = elsewhere_typo:f", "raises = elsewhere_raises:f"]
    entries += ["absent = elsewhere_absent:command", "nameless = elsewhere:missing", "nocommand = elsewhere:sys"]
    (info / "entry_points.txt").write_text("\n".join(["[hwmodel.commands]", *entries, ""]))
    return folder


@pytest.mark.skipif(os.name == "nt", reason="a terminal of Unix")
def test_people_see_what_is_logged_and_pipes_do_not(package):
    """A terminal shows why there is a pause; a program that reads standard error finds its one line of error there."""
    assert hwmodel("logs", folder=package).stderr == ""
    ours, theirs = os.openpty()
    command = [*PYTHON, START, "logs"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment(package)) as process:
        os.close(theirs)
        assert os.read(ours, 1000).decode().splitlines() == ["hwmodel: a pause of seconds"]
        assert process.wait(timeout=60) == 0
    os.close(ours)


def test_help_lists_every_command():
    result = hwmodel("--help")
    assert result.returncode == 0
    assert result.stderr == ""
    listed = {line.split()[0] for line in result.stdout.split("Commands:")[1].splitlines() if line.strip()}
    assert {entry.name for entry in entry_points(group="hwmodel.commands")} <= listed


def test_no_argument_is_a_call_for_help():
    assert hwmodel().stdout == hwmodel("-h").stdout == hwmodel("--help").stdout


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom hwmodel.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numba', 'numpy', 'pandas', 'matplotlib', 'scipy', 'pyarrow', 'pydantic', 'yaml', 'typst'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    assert hwmodel("--help", code=code).stderr == "[]\n"


def test_version():
    assert hwmodel("--version").stdout == f"{__version__}\n"


def test_an_unknown_command_is_refused_in_one_line():
    assert_one_line(hwmodel("flurb"), "command 'flurb': unknown; give one of ", "cache", "study")
    assert_one_line(hwmodel("flurb", "--json"), "flurb")


def test_an_unknown_option_is_refused_in_one_line(package):
    assert_one_line(hwmodel("--flurb"), "--flurb")
    assert_one_line(hwmodel("good", "--flurb", folder=package), "--flurb")
    assert_one_line(hwmodel("good", "--factor", "x", folder=package), "--factor", "'x'")


def test_another_package_adds_commands_and_its_faults_take_none_away(package):
    result = hwmodel("--help", folder=package)
    assert result.returncode == 0
    for name in (*NAMES, *BROKEN, "cache"):
        assert re.search(rf"^  {name}\b", result.stdout, re.MULTILINE)
    assert hwmodel("good", "--help", folder=package).returncode == 0


@pytest.mark.parametrize("name", BROKEN)
def test_a_command_that_cannot_be_loaded_says_so_in_one_line(package, name):
    assert_one_line(hwmodel(name, folder=package), name, "cannot be loaded from elsewhere")
    assert_one_line(hwmodel(name, "--capacity", "3MiB", "more", folder=package), name, "cannot be loaded")


def test_json_is_one_document_and_nothing_else(package):
    result = hwmodel("good", "--factor", "2", "--json", folder=package)
    assert result.returncode == 0
    assert json.loads(result.stdout) == {"time_s": 4e-9, "ratio": None}
    assert result.stderr == "a warning\n"


def test_people_read_engineering_units(package):
    result = hwmodel("good", folder=package)
    assert result.stdout.split() == ["time", "2", "ns", "ratio", "-"]


def test_a_command_may_bring_its_own_view(package):
    assert hwmodel("viewed", folder=package).stdout == "seen: 1.0\n"
    assert json.loads(hwmodel("viewed", "--json", folder=package).stdout) == {"time_s": 1.0}


def test_commands_of_a_group_take_json_too(package):
    assert json.loads(hwmodel("group", "inner", "--json", folder=package).stdout) == [{"ways": 16}]


def test_commands_stay_as_their_packages_have_them(capsys):
    before = list(cache.params), list(fit.params), latency.commands["fit"], cache.callback
    for words in (["cache"], ["latency", "fit"]):
        with pytest.raises(SystemExit):
            main([*words, "--help"])
        assert "--json" in capsys.readouterr().out
    assert before == (cache.params, fit.params, latency.commands["fit"], cache.callback)


def test_a_users_mistake_is_one_line_and_exit_2(package):
    assert_one_line(hwmodel("mistaken", "--json", folder=package), "cell 'x': unknown; give one of sram, stt, sot")


def test_a_bug_of_ours_is_no_mistake_of_the_user(package):
    result = hwmodel("buggy", folder=package)
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_a_file_that_cannot_be_opened_is_named(package, tmp_path):
    missing = str(tmp_path / "no such file")
    assert_one_line(hwmodel("opens", missing, folder=package), missing, "No such file or directory")
    assert_one_line(hwmodel("opens", str(tmp_path), folder=package), str(tmp_path))


def test_a_full_disk_is_said_without_a_number(package):
    result = hwmodel("full", folder=package)
    assert_one_line(result, "No space left on device")
    assert "Errno" not in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_exits_with_130(package):
    command = [*PYTHON, START, "sleeps"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment(package)
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.split() == ["hwmodel:", "interrupted"]


def foreign(folder, name, files):
    for file in files:
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


@pytest.mark.parametrize("name", ["circuits", "traces", "workloads", "reports"])
def test_another_distributions_package_in_the_place_of_ours_is_refused(name, tmp_path):
    foreign(tmp_path, name, ["__init__.py"])
    result = hwmodel("--help", folder=tmp_path)
    assert result.returncode != 0
    assert result.stdout == ""
    assert f"another distribution's {name!r}" in result.stderr
    assert str(tmp_path / name / "__init__.py") in result.stderr
    assert "environment of its own" in result.stderr


def test_a_single_file_in_the_place_of_a_package_is_refused(tmp_path):
    (tmp_path / "circuits.py").write_text("")
    assert "another distribution's 'circuits'" in hwmodel("--help", folder=tmp_path).stderr


def test_a_folder_that_merely_has_the_name_is_no_rival(tmp_path):
    foreign(tmp_path, "traces", ["vgg16.trace"])
    assert hwmodel("--version", folder=tmp_path).stdout == f"{__version__}\n"


documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=20,
)


def twin(value):
    """The naive rule: a float that is no finite number is null, everything else stays."""
    if isinstance(value, list):
        return [twin(item) for item in value]
    if isinstance(value, dict):
        return {key: twin(item) for key, item in value.items()}
    return None if isinstance(value, float) and (math.isnan(value) or math.isinf(value)) else value


@settings(deadline=None)
@given(documents)
def test_any_document_survives_json(document):
    text = json.dumps(jsonable(document), allow_nan=False)
    assert json.loads(text) == twin(document)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float32(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.float64("nan"), None),
        (np.float32("-inf"), None),
        (np.bool_(True), True),
        (np.array(7), 7),
        (np.array([[1.0, math.nan], [2.0, 3.0]]), [[1.0, None], [2.0, 3.0]]),
        (np.array([]), []),
        (np.longdouble(0.5), 0.5),
        (np.str_("stt"), "stt"),
        (Path("a") / "b.trace", os.path.join("a", "b.trace")),  # noqa: PTH118
        ((1, np.int8(2)), [1, 2]),
        ({1: (math.inf,)}, {"1": [None]}),
        (Decimal("1.5"), "1.5"),
    ],
)
def test_what_json_does_not_know_is_turned_into_what_it_does(value, expected):
    result = jsonable(value)
    assert result == expected
    assert type(result) is type(expected) or isinstance(value, str)
    json.dumps(result, allow_nan=False)


def test_csv_is_a_row_a_document(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["cache", "--capacity", "64KiB", "--csv"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["capacity_bytes"] == "65536"
    assert float(row["area_m2"]) > 0
    assert int(row["organization.data.rows"]) > 0
    with pytest.raises(SystemExit) as ended:
        main(["cache", "--capacity", "64KiB", "--front", "read_latency_s,area_m2", "--csv"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) > 2
    assert all(float(one["read_latency_s"]) > 0 for one in rows)
    with pytest.raises(SystemExit) as ended:
        main(["cache", "--capacity", "64KiB", "--csv", "--json"])
    assert ended.value.code == 2
    assert "give one of them" in capsys.readouterr().err
