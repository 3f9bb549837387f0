"""Ctrl-C that comes up where nobody can catch it ends long work all the same."""

import os
import subprocess
import sys

import pytest

SWALLOWED = """
import os, signal, sys, time
from hwmodel import console, interrupts
interrupts.listen()
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
except BaseException:
    pass  # as a library may do
with console.progress("long") as advance:
    try:
        advance(0.0, 1.0)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_an_interrupt_that_was_swallowed_comes_up_again():
    assert subprocess.run([sys.executable, "-c", SWALLOWED], timeout=60, check=False).returncode == 130


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_a_handler_of_somebody_else_stays():
    program = "import signal; from hwmodel import interrupts; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    program += "interrupts.listen(); assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


IN_A_FINALISER = """
import os, signal
from hwmodel import interrupts
interrupts.listen()

class Held:
    def __del__(self):
        {what}

held = Held()
del held
"""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
@pytest.mark.parametrize(
    ("what", "told"), [("os.kill(os.getpid(), signal.SIGINT)", ""), ("raise ValueError('other')", "ValueError: other")]
)
def test_in_a_finaliser_an_interrupt_is_silent_and_other_errors_are_told(what: str, told: str):
    ran = subprocess.run(
        [sys.executable, "-c", IN_A_FINALISER.format(what=what)],
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0
    assert told in ran.stderr
    assert bool(told) == bool(ran.stderr)
