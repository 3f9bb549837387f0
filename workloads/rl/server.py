"""The server: one batch of inference after another, for all actors."""

import time
from collections import deque
from collections.abc import Callable

import numpy as np

from hwmodel.balance import Meter
from workloads.rl.actors import Actors
from workloads.rl.environments import Shape
from workloads.rl.feeds import Feed
from workloads.rl.policy import Policy
from workloads.rl.settings import Settings
from workloads.rl.unrolls import Unrolls

RECENT = 100  # episodes, over which returns are averaged
TICK_S = 1.0


class Server:
    """Serves actors until the run is over.

    Args:
        settings: of the run.
        shape: of the environment.
        actors: that run.
        policy: chooses actions.
        feed: of the learner, where there is one.
        unrolls: where the learner wants them.
        steps: of the run that this one goes on from.

    Attributes:
        steps: of environments, so far, with those of the run before; stepped: without.
        batches, observations, largest: of inference: how many, what was in them, in the largest.
        episodes: that ended. returns, lengths: of the last `RECENT`. seconds: since all actors were there.
    """

    def __init__(
        self,
        settings: Settings,
        shape: Shape,
        actors: Actors,
        policy: Policy,
        feed: Feed | None = None,
        unrolls: Unrolls | None = None,
        steps: int = 0,
    ) -> None:
        self.settings, self.actors = settings, actors
        self.steps, self.stepped = steps, 0
        self.batches = self.observations = self.largest = self.episodes = 0
        self.returns: deque[float] = deque(maxlen=RECENT)
        self.lengths: deque[int] = deque(maxlen=RECENT)
        self.stall_s = 0.0
        self._policy, self._feed, self._unrolls = policy, feed, unrolls
        self._meter = Meter()
        self._each = settings.envs_per_actor
        self._places = np.arange(self._each)
        self._batch = np.empty((settings.most // self._each, self._each, *shape.observation), shape.dtype)
        self._new = np.ones(settings.actors, bool)  # actors whose environments were not stepped yet
        self._begin = self._end = 0.0

    @property
    def return_mean(self) -> float | None:
        """The mean return of the last episodes, None before the first."""
        return sum(self.returns) / len(self.returns) if self.returns else None

    @property
    def seconds(self) -> float:
        return (self._end or time.perf_counter()) - self._begin

    def run(self, tick: Callable[[], None]) -> None:
        """Serve; call `tick` every second.

        Raises:
            ActorError: an actor failed.
            BaseException: what the learner failed by.
        """
        told, most = self.settings, len(self._batch)
        least = told.actors if told.lockstep else -(-told.min_batch // self._each)
        patience_s = float("inf") if told.lockstep else told.patience_s
        waiting = self.actors.take(told.actors, told.actors, float("inf"), float("inf"))
        self._begin = time.perf_counter()
        next_tick = self._begin + TICK_S
        try:
            for start in range(0, len(waiting), most):
                self._serve(waiting[start : start + most])
            while not self._over():
                until = next_tick if told.seconds is None else min(next_tick, self._begin + told.seconds)
                numbers = self.actors.take(most, least, patience_s, until)
                if len(numbers):
                    self._serve(numbers)
                if time.perf_counter() >= next_tick:
                    next_tick += TICK_S * (1 + (time.perf_counter() - next_tick) // TICK_S)
                    tick()
        finally:
            self._end = time.perf_counter()

    def _over(self) -> bool:
        told = self.settings
        return (told.steps is not None and self.steps >= told.steps) or (
            told.seconds is not None and self.seconds >= told.seconds
        )

    def _serve(self, numbers: np.ndarray) -> None:
        count = len(numbers)
        size = count * self._each
        board = self.actors.layout.board
        with self._meter.phase("gather", size):
            batch = self._batch[:count]
            np.take(self.actors.layout.observation, numbers, axis=0, out=batch, mode="clip")
            rows = (numbers[:, None].astype(np.int64) * self._each + self._places).ravel()
            reward, ended = board["reward"][numbers].ravel(), board["ended"][numbers].ravel()
            new = self._new[numbers]
            began = (ended > 0) | np.repeat(new, self._each)
        observation = batch.reshape(size, *batch.shape[2:])
        with self._meter.phase("inference", size):
            action, records = self._policy.act(observation, rows, began)
        if ended.any():
            over = ended > 0
            self.returns.extend(board["episode_return"][numbers].ravel()[over].tolist())
            self.lengths.extend(board["episode_length"][numbers].ravel()[over].tolist())
            self.episodes += int(over.sum())
        with self._meter.phase("reply", size):
            board["action"][numbers] = action.reshape(count, self._each)
            self.actors.ring(numbers)
        stepped = size - self._each * int(new.sum())
        self._new[numbers] = False
        self.steps += stepped
        self.stepped += stepped
        self.batches += 1
        self.observations += size
        self.largest = max(self.largest, size)
        if self._feed is not None:
            complete = (
                [] if self._unrolls is None else self._unrolls.add(rows, observation, reward, ended, action, records)
            )
            self._feed.add(complete, stepped)
            self._wait_for_room(self._feed)

    def _wait_for_room(self, feed: Feed) -> None:
        """Wait while the learner is behind."""
        if feed.wait_room(0):
            return
        begin = time.perf_counter()
        while not feed.wait_room(0.1) and not self._over():
            self.actors.check()
        waited = time.perf_counter() - begin
        self.stall_s += waited
        self._meter.add("stall", 1.0, waited)
