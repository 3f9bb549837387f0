"""What a run is told: the numbers of a training run, checked once."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from circuits.errors import InputError
from circuits.quantity import parse_time

ALGORITHMS = ("impala", "r2d2")
DEVICES = ("cpu", "cuda", "emulated")
NETWORKS = ("shallow", "dqn", "deep")  # for pictures; numbers get two small layers
MOST_ACTORS, MOST_ENVIRONMENTS = 4096, 65_536


@dataclass(frozen=True)
class Service:
    """A timed service: a batch of n takes `fixed_s + each_s * n`."""

    fixed_s: float
    each_s: float = 0.0

    def time_s(self, size: float) -> float:
        return self.fixed_s + self.each_s * size


def parse_service(text: str, what: str = "service") -> Service:
    """Return the service that text such as `2ms+0.1ms` (a batch, and each of it) or `2ms` names.

    Raises:
        InputError: for anything else.
    """
    parts = text.split("+")
    if len(parts) > 2:
        raise InputError(f"{what} {text!r}: more than two times; give a time a batch and one each, such as 2ms+0.1ms")
    return Service(*(0.0 if part.strip() in ("0", "0s") else parse_time(part, what) for part in parts))


@dataclass(frozen=True)
class Settings:
    """A run. Steps are of environments (an action each); frames are what emulators show: 4 a step in Atari games.

    Attributes:
        env: a Gymnasium id.
        actors: processes. envs_per_actor: environments that each steps, one after another.
        max_batch, min_batch: observations a batch, None: as many as there are, as many as wait.
        patience_s: the longest wait for `min_batch`; infinite: until there are so many.
        service, learner_service: of the emulated device; the second's n are steps of the learner's batch.
        learn: False for acting alone.
        steps, seconds: when to end, whichever comes first; at least one is given.
        lockstep: all actors in each batch, and acting waits for learning: the same run again for the same seed.
        inference_threads, learner_threads: of torch.
        network: for pictures. replaced: figures of the recipe, name and text (`workloads.rl.recipe`).
        sm_share: share of the GPU's SMs for inference, by a green context. mps_percentage: of its threads, by MPS.
    """

    env: str
    actors: int = 4
    envs_per_actor: int = 1
    algorithm: str = "impala"
    device: str = "cpu"
    service: Service | None = None
    learner_service: Service | None = None
    learn: bool = True
    steps: int | None = None
    seconds: float | None = None
    seed: int = 0
    max_batch: int | None = None
    min_batch: int = 1
    patience_s: float = 0.0
    lockstep: bool = False
    inference_threads: int = 1
    learner_threads: int = 1
    sm_share: float | None = None
    mps_percentage: int | None = None
    network: str = "shallow"
    replaced: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Check.

        Raises:
            InputError: names the option, as the command line spells it.
        """
        for name, most in _COUNTS.items():
            _whole(f"--{name.replace('_', '-')}", getattr(self, name), most)
        environments = self.actors * self.envs_per_actor
        if environments > MOST_ENVIRONMENTS:
            raise InputError(
                f"--envs-per-actor {self.envs_per_actor}: {environments} in all; give up to {MOST_ENVIRONMENTS} in all"
            )
        for name, choices in (("algorithm", ALGORITHMS), ("device", DEVICES), ("network", NETWORKS)):
            if getattr(self, name) not in choices:
                raise InputError(f"--{name} {getattr(self, name)!r}: unknown; give one of {', '.join(choices)}")
        if self.steps is None and self.seconds is None:
            raise InputError("--steps and --seconds: neither is given; say when to end by one or both")
        for name in ("steps", "seconds"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"--{name.replace('_', '-')} {value}: give a number above 0")
        if not 0 <= self.seed < 1 << 32:
            raise InputError(f"--seed {self.seed}: give a whole number from 0 to {(1 << 32) - 1}")
        self._check_batches(environments)
        self._check_device()

    def _check_batches(self, environments: int) -> None:
        if self.max_batch is not None and self.max_batch < self.envs_per_actor:
            raise InputError(
                f"--max-batch {self.max_batch}: an actor brings {self.envs_per_actor}; give as many or more"
            )
        if self.min_batch > min(environments, self.most):
            raise InputError(
                f"--min-batch {self.min_batch}: a batch has up to {min(environments, self.most)}; give no more"
            )
        if self.patience_s < 0:
            raise InputError(f"--patience {self.patience_s}: give 0 or more")

    def _check_device(self) -> None:
        if (self.device == "emulated") != (self.service is not None):
            raise InputError(
                "--service: times the emulated device; give it with --device emulated, such as --service 2ms+0.1ms"
            )
        if self.learner_service is not None and self.service is None:
            raise InputError(
                "--learner-service: times a learner on the emulated device; give --device emulated as well"
            )
        for name, least, most in (("sm_share", 0, 1), ("mps_percentage", 0, 100)):
            value = getattr(self, name)
            if value is None:
                continue
            if self.device != "cuda":
                raise InputError(f"--{name.replace('_', '-')}: shares a GPU; give --device cuda as well")
            if not least < value <= most:
                raise InputError(f"--{name.replace('_', '-')} {value}: give more than {least}, up to {most}")

    @property
    def environments(self) -> int:
        return self.actors * self.envs_per_actor

    @property
    def most(self) -> int:
        """The observations of the largest batch: whole actors, so `max_batch` rounded down to them."""
        wanted = self.environments if self.max_batch is None else min(self.max_batch, self.environments)
        return wanted // self.envs_per_actor * self.envs_per_actor

    @property
    def learns(self) -> bool:
        """Whether there is a learner: a real one, or a timed one on an emulated device."""
        return self.learn and (self.device != "emulated" or self.learner_service is not None)

    def document(self) -> dict[str, Any]:
        """Return the settings as JSON has them."""
        return asdict(self)


_COUNTS = {
    "actors": MOST_ACTORS, "envs_per_actor": MOST_ENVIRONMENTS, "min_batch": MOST_ENVIRONMENTS,
    "inference_threads": 1024, "learner_threads": 1024,
}  # fmt: skip


def _whole(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise InputError(f"{name} {value}: give a whole number from 1 to {most}")
