"""The actors' processes: `python -m workloads.rl.actor JSON`, started by `workloads.rl.actors`.

The first process imports what environments need, once, and forks an actor each; so they start within milliseconds and
share the memory of what was imported. It ends when its actors did, and reports one that fails: a line of JSON in the
status pipe. Whichever way the server ends, the kernel ends these processes with it.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from hwmodel.balance.meter import FOLDER, Meter
from workloads.rl.environments import Environment, make
from workloads.rl.layout import Layout

_PDEATHSIG = 1  # prctl's


def end_with(parent: int) -> None:
    """Have the kernel end this process when the one that started it, number `parent`, ends."""
    ctypes.CDLL(None, use_errno=True).prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before
        os._exit(1)


def act(number: int, told: dict[str, Any], layout: Layout, meter: Meter) -> None:
    """Step environments until the server says stop: leave what is seen, ring, wait for actions, act."""
    environments: list[Environment] = [
        make(told["env"], _seed(told["seed"], number, place)) for place in range(told["environments"])
    ]
    ring, bell, name = told["request"], told["bells"][number], number.to_bytes(2, sys.byteorder)
    seen, mine, stop = layout.observation[number], layout.board[number], layout.stop
    action, reward, ended = mine["action"], mine["reward"], mine["ended"]
    frames = told["frames_per_step"] * len(environments)
    for place, environment in enumerate(environments):
        environment.begin(seen[place])
    steps = layout.board["steps"]
    counts = FOLDER in os.environ
    wall = cpu = 0.0  # the first wait is for the other actors, and counts for nothing
    while True:
        os.write(ring, name)
        os.eventfd_read(bell)
        if stop[0]:
            return
        if counts:
            now, cpu = time.perf_counter(), time.thread_time()
            if wall:
                meter.add("queue", 1.0, now - wall)
            wall = now
        for place, environment in enumerate(environments):
            reward[place], ended[place] = environment.step(int(action[place]), seen[place])
            if ended[place]:
                mine["episode_return"][place] = environment.episode_return
                mine["episode_length"][place] = environment.episode_length
        steps[number] += len(environments)
        if counts:
            now = time.perf_counter()
            meter.add("environment", len(environments), now - wall, time.thread_time() - cpu)
            meter.frames(frames)
            wall = now


def _seed(seed: list[int], actor: int, place: int) -> int:
    return int(np.random.SeedSequence([*seed, actor, place]).generate_state(1)[0])


def _child(number: int, told: dict[str, Any], layout: Layout) -> int:
    """Be an actor; return its exit status."""
    try:
        Path("/proc/self/comm").write_text(f"actor-{number}", encoding="ascii")  # its name in `top` and `ps`
        meter = Meter()
        act(number, told, layout, meter)
    except BrokenPipeError:
        return 0  # the server closed its end: it is over
    except BaseException as error:  # told in the status pipe
        _report(told["status"], number, f"{type(error).__name__}: {error}")
        return 1
    return 0


def _report(descriptor: int, number: int, reason: str) -> None:
    text = " ".join(reason.split())[:2000]
    with contextlib.suppress(OSError):  # nobody listens any more
        os.write(descriptor, json.dumps({"actor": number, "process": os.getpid(), "reason": text}).encode() + b"\n")


def main(text: str) -> None:
    told = json.loads(text)
    end_with(told["parent"])
    make(told["env"])  # imports what it takes, here, once
    layout = Layout(told["actors"], told["environments"], tuple(told["shape"]), told["dtype"], told["memory"])
    here, numbers = os.getpid(), {}
    for number in range(told["actors"]):
        child = os.fork()
        if not child:
            end_with(here)
            os._exit(_child(number, told, layout))
        numbers[child] = number
    while numbers:
        child, status = os.wait()
        number, code = numbers.pop(child), os.waitstatus_to_exitcode(status)
        if code < 0:
            with contextlib.suppress(OSError):
                reason = f"ended by signal {signal.Signals(-code).name}"
                line = {"actor": number, "process": child, "reason": reason}
                os.write(told["status"], json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
