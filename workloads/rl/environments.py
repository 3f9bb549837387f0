"""Environments as actors step them: observations are written where they are wanted, episodes begin anew by themselves.

Any Gymnasium id serves whose observations are one array and whose actions are numbered; ids of Atari games go to
`workloads.rl.atari`. Imports neither torch nor cv2.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from circuits.errors import InputError

RUNNING, TERMINATED, TRUNCATED = 0, 1, 2  # an episode goes on, is over, was cut short by a limit of time
PIP = 'pip install "hwmodel[rl]"'


class Environment(Protocol):
    """One environment. Episodes that end begin anew in `step`, whose observation is then the new one's first."""

    episode_return: float  # of the episode that ended last, not clipped
    episode_length: int  # its steps

    def begin(self, out: np.ndarray) -> None:
        """Begin the first episode and write its first observation to `out`."""
        ...

    def step(self, action: int, out: np.ndarray) -> tuple[float, int]:
        """Act, write the next observation to `out`, and return the reward to learn from and how the episode is."""
        ...


@dataclass(frozen=True)
class Shape:
    """What an environment gives and takes. `frames_per_step`: frames that an action lasts."""

    observation: tuple[int, ...]
    dtype: str
    actions: int
    frames_per_step: int


class Gym:
    """An environment of Gymnasium."""

    def __init__(self, name: str, seed: int) -> None:
        import gymnasium

        self._env, self._seed = gymnasium.make(name, disable_env_checker=True), seed
        self.shape = Shape(*_spaces(name, self._env), frames_per_step=1)
        self.episode_return, self.episode_length = 0.0, 0
        self._return, self._length = 0.0, 0

    def begin(self, out: np.ndarray) -> None:
        out[...], _ = self._env.reset(seed=self._seed)

    def step(self, action: int, out: np.ndarray) -> tuple[float, int]:
        observation, reward, terminated, truncated, _ = self._env.step(action)
        reward = float(reward)
        self._return += reward
        self._length += 1
        if not (terminated or truncated):
            out[...] = observation
            return reward, RUNNING
        self.episode_return, self.episode_length = self._return, self._length
        self._return, self._length = 0.0, 0
        out[...], _ = self._env.reset()
        return reward, TERMINATED if terminated else TRUNCATED


def _spaces(name: str, env: Any) -> tuple[tuple[int, ...], str, int]:
    from gymnasium.spaces import Box, Discrete

    seen, done = env.observation_space, env.action_space
    if not isinstance(seen, Box) or seen.dtype not in (np.float32, np.float64, np.uint8):
        raise InputError(f"--env {name}: its observations are {seen}; give an environment with one array of numbers")
    if not isinstance(done, Discrete) or done.start != 0:
        raise InputError(f"--env {name}: its actions are {done}; give an environment with numbered actions")
    return seen.shape, "uint8" if seen.dtype == np.uint8 else "float32", int(done.n)


def make(name: str, seed: int = 0) -> Any:
    """Return an environment, with its `shape`.

    Args:
        name: a Gymnasium id.
        seed: of all that is random in it.

    Raises:
        InputError: Gymnasium is not installed, does not know the name, or its spaces are others than we can serve.
    """
    try:
        import gymnasium
    except ImportError as error:
        raise InputError(f"--env {name}: {error}; install Gymnasium: {PIP}") from error
    try:
        import ale_py  # noqa: F401  (registers its games)
    except ImportError:
        if name.startswith("ALE/"):
            raise InputError(f"--env {name}: needs ale-py; install it: {PIP}") from None
    try:
        spec = gymnasium.spec(name)
        if spec.entry_point == "ale_py.env:AtariEnv":
            from workloads.rl.atari import Atari

            return Atari(seed=seed, **spec.kwargs)
        return Gym(name, seed)
    except gymnasium.error.Error as error:
        text = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"--env {name}: {text}; give a Gymnasium id, such as CartPole-v1 or PongNoFrameskip-v4"
        ) from error
