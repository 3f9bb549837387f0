"""The commands, through the command line's own entry."""

import json
import subprocess
import sys

import pytest

from hwmodel.cli import main


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out = capsys.readouterr()
    return int(ended.value.code or 0), out.out, out.err


def test_cache_prints_one_document(capsys):
    code, out, err = run(capsys, "cache", "--cell", "sot", "--node", "16nm", "--capacity", "3MiB", "--ways", "16",
                         "--line", "128", "--target", "edap", "--json")  # fmt: skip
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["capacity_bytes"] == 3 << 20
    assert document["cell"] == "sot"


def test_cell_prints_one_document_and_a_table_for_people(capsys):
    code, out, _ = run(capsys, "cell", "--cell", "stt", "--node", "16nm", "--json")
    assert code == 0
    assert json.loads(out)["fins"] == {"access": 4}
    code, out, _ = run(capsys, "cell", "--cell", "sram", "--temperature", "300", "--leakage", "ptm-lstp")
    assert code == 0
    assert "sense latency" in out


@pytest.mark.parametrize(
    "arguments",
    [("cell", "--cell", "flash"), ("cell", "--node", "8nm"), ("cache",), ("cache", "--capacity", "0"),
     ("cache", "--capacity", "-1"), ("cache", "--capacity", "3.5B"), ("cache", "--capacity", "1e30"),
     ("cache", "--capacity", "1MiB", "--ways", "0"), ("cache", "--capacity", "1MiB", "--line", "100"),
     ("cache", "--capacity", "1MiB", "--mode", "slow"), ("cache", "--capacity", "1MiB", "--temperature", "nan"),
     ("cell", "--leakage", ""), ("cell", "--ports", "2", "--cell", "stt"), ("cell", "--cell", "folder.yaml"),
     ("cell", "--set", "sram.finfet.widths.access=1e20"), ("cell", "--set", "16nm.wires.local.pitch_m=1e300"),
     ("cache", "--capacity", "64KiB", "--cell-leakage", ""), ("cache", "--capacity", "64KiB", "--assumptions", ""),
     ("cache", "--capacity", "64KiB", "--set", "default.figures.activity=1e30"),
     ("cache", "--config", "folder.yaml"), ("sensitivity", "--capacity", "64KiB", "--node", "folder.yaml"),
     ("sensitivity", "--capacity", "64KiB", "--swing", "nan"), ("variation", "--capacity", "3mm"),
     ("variation", "--capacity", "64KiB", "--dies", "99999999"), ("calibrate", "folder.yaml", "--vary", "a.b")],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_2(capsys, tmp_path, monkeypatch, arguments):
    (tmp_path / "folder.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1


def test_importing_the_package_is_light():
    script = (
        "import sys, circuits, circuits.commands; print([m for m in ('numpy', 'yaml', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
