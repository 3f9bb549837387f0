"""However a command ends, what was seen is kept, nothing of it lives on, and the profile says how it was."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from circuits.errors import InputError
from hwmodel.balance.profile import clocks, read_profile, watch
from hwmodel.balance.profile.folder import JOURNAL

DEAF = "import signal, time\nfor one in (2, 15): signal.signal(one, signal.SIG_IGN)\n"
DEAF += "print('up', flush=True)\ntime.sleep(60)\n"
PROFILE = "from hwmodel.cli import _with_json\nfrom hwmodel.balance.profile_commands import profile\n"
PROFILE += "_with_json(profile).main()"


def python(tmp_path: Path, code: str, **more):
    return watch([sys.executable, "-c", code], tmp_path / "profile", hz=20, **more)


def command_line(folder: Path, code: str, *options: str, **more) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    line = [sys.executable, "-c", PROFILE, "-o", str(folder), *options, "--", sys.executable, "-c", code]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def wait_for(path: Path, text: str) -> None:
    end = time.monotonic() + 30
    while not (path.exists() and text in path.read_text(errors="replace")):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_command_that_does_not_exist_leaves_nothing(tmp_path: Path):
    with pytest.raises(InputError, match="'no such thing': not found"):
        watch(["no such thing"], tmp_path / "profile")
    (tmp_path / "script").write_bytes(b"\x7fELF and nothing")
    (tmp_path / "script").chmod(0o755)
    with pytest.raises(InputError, match="cannot be run: Exec format error"):
        watch([str(tmp_path / "script")], tmp_path / "profile")
    with pytest.raises(InputError, match="no command"):
        watch([], tmp_path / "profile")
    assert {path.name for path in tmp_path.iterdir()} == {"script"}


@pytest.mark.parametrize(
    ("code", "status", "by_signal"),
    [("", 0, None), ("exit(5)", 5, None), ("import os; os.kill(os.getpid(), 9)", None, "SIGKILL")],
)
def test_how_it_ended_is_told(tmp_path: Path, code: str, status: int | None, by_signal: str | None):
    ended = python(tmp_path, code).about["ended"]
    assert (ended["exit_status"], ended["signal"], ended["by"]) == (status, by_signal, None)


def test_after_its_seconds_a_command_is_asked_to_end(tmp_path: Path):
    code = "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: print('saved'); exit(4)\n"
    profile = python(tmp_path, code, seconds=0.5)
    assert profile.about["ended"] == {
        "how": "ended by --seconds (SIGINT): exit status 4", "exit_status": 4, "signal": None, "by": "--seconds",
    }  # fmt: skip
    assert 0.5 <= profile.about["wall_s"] < 20
    assert (tmp_path / "profile" / "output.log").read_text() == "saved\n"


def test_what_does_not_listen_is_killed_with_all_it_detached(tmp_path: Path):
    code = "import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork(): os._exit(0)\n" + DEAF
    profile = python(tmp_path, code, seconds=0.5, grace_s=(0.2, 0.2))
    assert profile.about["ended"]["signal"] == "SIGKILL"
    assert profile.about["ended"]["how"] == "ended by --seconds (SIGKILL): killed by SIGKILL"
    assert len(profile.processes) >= 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in profile.processes["pid"])


def test_what_it_left_running_is_ended_with_it_if_so_wished(tmp_path: Path):
    code = "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(60)\ntime.sleep(.2)"
    profile = python(tmp_path, code, stop_with_first=True)
    assert profile.about["ended"]["exit_status"] == 0
    assert profile.about["ended"]["by"] == "--stop-with-first"
    assert profile.about["wall_s"] < 20


def test_ctrl_c_ends_the_command_and_keeps_the_profile(tmp_path: Path):
    folder = tmp_path / "profile"
    line = command_line(folder, "import time\nprint('up', flush=True)\ntime.sleep(60)", "--json")
    wait_for(folder / "output.log", "up")
    line.send_signal(signal.SIGINT)
    out, said = line.communicate(timeout=60)
    assert line.returncode != 0
    assert out == ""
    assert f"the profile is kept in {folder}" in said
    profile = read_profile(folder)
    assert profile.about["ended"]["by"] == "Ctrl-C"
    assert profile.about["ended"]["signal"] == "SIGINT"
    assert not any(Path(f"/proc/{pid}").exists() for pid in profile.processes["pid"])


def test_ctrl_c_again_shows_less_patience(tmp_path: Path):
    folder = tmp_path / "profile"
    line = command_line(folder, DEAF, "--grace", "100")
    wait_for(folder / "output.log", "up")
    while line.poll() is None:
        line.send_signal(signal.SIGINT)
        time.sleep(0.3)
    line.communicate()
    assert read_profile(folder).about["ended"]["how"] == "ended by Ctrl-C (SIGKILL): killed by SIGKILL"


def test_of_a_watcher_that_was_killed_all_but_the_last_seconds_are_kept(tmp_path: Path):
    folder = tmp_path / "profile"
    code = "import time\nfrom hwmodel.balance import Meter\nmeter = Meter()\nprint('up', flush=True)\n"
    code += "end = time.monotonic() + 60\nwhile time.monotonic() < end: meter.frames(1); time.sleep(.01)"
    line = command_line(folder, code)
    wait_for(folder / "output.log", "up")
    end = time.monotonic() + 30
    while not (folder / JOURNAL / "ticks.arrows").stat().st_size:  # the first batch is written
        assert time.monotonic() < end
        time.sleep(0.05)
    children = Path(f"/proc/{line.pid}/task/{line.pid}/children").read_text().split()
    with pytest.raises(InputError, match="is watched, or whose watcher was killed"):
        watch(["true"], folder)
    line.kill()
    line.communicate()
    for pid in children:
        os.kill(int(pid), signal.SIGKILL)
    with pytest.raises(InputError, match="is watched, or whose watcher was killed"):
        watch(["true"], folder)
    profile = read_profile(folder)
    assert "the watcher was killed" in profile.about["ended"]["how"]
    assert profile.about["command"][0] == sys.executable
    assert len(profile.ticks) >= 2
    assert profile.about["frames"]["total"] > 0
    assert read_profile(folder).about == profile.about
    assert not (folder / JOURNAL).exists()


def test_a_run_that_is_still_watched_is_not_taken_for_a_killed_one(tmp_path: Path):
    folder = tmp_path / "profile"
    line = command_line(folder, "import time\nprint('up', flush=True)\ntime.sleep(60)")
    wait_for(folder / "output.log", "up")
    with pytest.raises(InputError, match="give a folder"):
        read_profile(folder)
    line.send_signal(signal.SIGTERM)
    line.communicate()
    assert read_profile(folder).about["ended"]["by"] == "SIGTERM"


def test_a_full_disk_ends_the_log_and_not_the_command(tmp_path: Path):
    folder = tmp_path / "profile"
    code = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))\n"
    code += "for _ in range(3000): print('x' * 100)\nprint('done')"

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))

    line = command_line(folder, code, "--json", preexec_fn=full)
    out, said = line.communicate(timeout=60)
    assert line.returncode == 0, said
    document = json.loads(out)
    assert document["ended"]["exit_status"] == 0
    assert "done" in said
    assert any("output.log ends after 100000 bytes: File too large" in one for one in document["warnings"])
    assert (folder / "output.log").stat().st_size == 100_000


def test_where_no_table_can_be_written_nothing_is_left(tmp_path: Path):
    folder = tmp_path / "profile"

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))

    line = command_line(folder, "import time; time.sleep(.3)", preexec_fn=full)
    _, said = line.communicate(timeout=60)
    assert line.returncode != 0
    assert "File too large" in said
    assert not folder.exists()


def test_a_machine_that_slept_and_a_clock_that_was_set_are_told(monkeypatch: pytest.MonkeyPatch):
    ahead = {time.CLOCK_BOOTTIME: 0.0, time.CLOCK_REALTIME: 0.0}
    real = time.clock_gettime
    monkeypatch.setattr(clocks.time, "clock_gettime", lambda clock: real(clock) + ahead.get(clock, 0.0))
    watching = clocks.Clocks()
    assert watching.check() == ""
    ahead[time.CLOCK_BOOTTIME] += 30.0
    ahead[time.CLOCK_REALTIME] += 30.0
    assert "suspended for 30.0 s" in watching.check()
    ahead[time.CLOCK_REALTIME] -= 5.0
    assert "the wall's clock was set by -5.0 s" in watching.check()
    assert watching.check() == ""
    assert watching.slept_s == pytest.approx(30, abs=0.1)
    assert watching.set_by_s == pytest.approx(5, abs=0.1)
