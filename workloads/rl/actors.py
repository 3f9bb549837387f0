"""The server's side of the actors: starts them, takes their requests in batches, rings them, hears of their ends."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from workloads.rl.environments import Shape
from workloads.rl.layout import Layout, create
from workloads.rl.settings import Settings

_ONE = (1).to_bytes(8, sys.byteorder)
_GRACE_S = 10.0  # for actors to end by themselves


class ActorError(OSError):
    """An actor failed: which, and why."""


class Actors:
    """Actors that run, and what they share with the server.

    Attributes:
        layout: the shared memory.
    """

    def __init__(self, settings: Settings, shape: Shape, steps: int = 0) -> None:
        """Start the actors.

        Args:
            settings: of the run.
            shape: of its environment.
            steps: of the run that this one goes on from: its environments are others.

        Raises:
            OSError: no memory, descriptors or processes are left for so many.
        """
        self._wanted, self._sorted = settings.actors, settings.lockstep
        self._ended = ""  # what the status pipe said so far
        with contextlib.ExitStack() as undo:
            memory = create(settings.actors, settings.envs_per_actor, shape.observation, shape.dtype)
            undo.callback(os.close, memory)
            self.layout = Layout(settings.actors, settings.envs_per_actor, shape.observation, shape.dtype, memory)
            self._bells = [os.eventfd(0, 0) for _ in range(settings.actors)]  # closed with this process, or by `stop`
            self._requests, request = os.pipe2(os.O_NONBLOCK)
            undo.callback(os.close, request)
            os.set_blocking(request, True)
            self._status, status = os.pipe2(os.O_NONBLOCK)
            undo.callback(os.close, status)
            told = {
                "env": settings.env, "seed": [settings.seed, steps], "parent": os.getpid(),
                "actors": settings.actors, "environments": settings.envs_per_actor,
                "shape": shape.observation, "dtype": shape.dtype, "frames_per_step": shape.frames_per_step,
                "memory": memory, "request": request, "status": status, "bells": self._bells,
            }  # fmt: skip
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "workloads.rl.actor", json.dumps(told)],
                env=_environment(),
                pass_fds=(memory, request, status, *self._bells),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # ours is a document
                process_group=0,  # Ctrl-C is ours to hear; we end them
            )
        self._poll = select.poll()
        self._poll.register(self._requests, select.POLLIN)
        self._poll.register(self._status, select.POLLIN)

    def take(self, most: int, least: int, patience_s: float, until: float) -> np.ndarray:
        """Return the numbers of the actors that wait for actions, first come first, `most` of them at the most.

        Waits for the first, then up to `patience_s` for `least`; nobody, if nobody rang by `until` (perf_counter).

        Raises:
            ActorError: an actor failed.
        """
        found = self._more(2 * most, until)
        while not found and time.perf_counter() < until:
            found = self._more(2 * most, until)
        end = time.perf_counter() + patience_s
        while 0 < len(found) < 2 * least and time.perf_counter() < end:
            found += self._more(2 * most - len(found), end)
        numbers = np.frombuffer(found, np.uint16)
        return np.sort(numbers) if self._sorted else numbers

    def _more(self, most: int, until: float) -> bytes:
        """Return up to `most` bytes of requests, nothing if there are none by `until`."""
        self._wait(until)
        try:
            return os.read(self._requests, most)
        except BlockingIOError:
            return b""

    def _wait(self, until: float) -> None:
        """Wait until somebody rang or `until`; heed what the status pipe says."""
        left_s = until - time.perf_counter()
        for descriptor, _ in self._poll.poll(max(0.0, min(left_s, 3600.0)) * 1e3):
            if descriptor == self._status:
                self.check()

    def check(self) -> None:
        """See whether all is well.

        Raises:
            ActorError: an actor failed.
        """
        with contextlib.suppress(BlockingIOError):
            told = os.read(self._status, 1 << 16)
            self._ended += told.decode()
            if not told:
                code = self.process.wait(_GRACE_S)
                how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
                raise ActorError(f"the process that holds the actors (process {self.process.pid}): ended {how}")
        line, whole, _ = self._ended.partition("\n")
        if whole:
            raise ActorError("actor {actor} (process {process}): {reason}".format(**json.loads(line)))

    def ring(self, numbers: np.ndarray) -> None:
        """Tell actors that their actions are there."""
        for number in numbers:
            os.write(self._bells[number], _ONE)

    def stop(self) -> None:
        """Have all actors end, and wait until they did; those that do not are killed."""
        self.layout.stop[0] = 1
        self.ring(np.arange(self._wanted))
        try:
            self.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for descriptor in (self._requests, self._status, *self._bells):
            os.close(descriptor)

    @property
    def steps(self) -> int:
        """Steps of environments that actors did so far, by their own count."""
        return int(self.layout.board["steps"].sum())


def _environment() -> dict[str, str]:
    """Return the environment of the actors' processes: one thread of arithmetic, our packages found, meters on."""
    root = str(Path(__file__).resolve().parents[2])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return os.environ | threads | {"PYTHONPATH": path}
