"""Gymnasium: a wrapper that counts frames and the time of environments.

`metered(gymnasium.make("ALE/Pong-v5"), frames_per_step=4)`; a vector of environments serves as well.
"""

from typing import Any

try:
    import gymnasium
    from gymnasium.vector import VectorEnv
except ImportError as error:
    raise ImportError(f"hwmodel.balance.adapters.gym: {error}; install Gymnasium: pip install gymnasium") from error

from hwmodel.balance.adapters.stepping import Stepping
from hwmodel.balance.meter import Meter

# The second before Gymnasium 1.0, on which Sample Factory 2.1 insists.
_VECTOR: Any = vars(gymnasium.vector).get("VectorWrapper") or vars(gymnasium.vector)["VectorEnvWrapper"]


class MeteredEnv(gymnasium.Wrapper[Any, Any, Any, Any], gymnasium.utils.RecordConstructorArgs):
    """Counts an environment's steps (`environment`) and frames.

    Args:
        env: to count.
        frames_per_step: frames that an action lasts, where the environment repeats it.
    """

    def __init__(self, env: "gymnasium.Env[Any, Any]", frames_per_step: int = 1) -> None:
        gymnasium.utils.RecordConstructorArgs.__init__(self, frames_per_step=frames_per_step)
        gymnasium.Wrapper.__init__(self, env)
        self._meter, self._frames = Meter(), frames_per_step
        self._stepping = Stepping(env.step, self._meter, 1, between=False)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        found = self._stepping(action)
        self._meter.frames(self._frames)
        return found


class MeteredVectorEnv(_VECTOR):
    """Counts the steps (`environment`, of as many as there are) and frames of environments that step at once.

    A step that begins an episode anew counts like any other.
    """

    def __init__(self, env: "VectorEnv[Any, Any, Any]", frames_per_step: int = 1) -> None:
        super().__init__(env)
        self._meter, self._frames = Meter(), frames_per_step * env.num_envs
        self._stepping = Stepping(env.step, self._meter, env.num_envs, between=False)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        found = self._stepping(actions)
        self._meter.frames(self._frames)
        return found


def metered(env: Any, frames_per_step: int = 1) -> Any:
    """Return an environment, or a vector of them, that counts; made in the process in which it will run."""
    kind: Any = MeteredVectorEnv if isinstance(env, VectorEnv) else MeteredEnv
    return kind(env, frames_per_step)
