"""What a run is made of beside its actors and its server."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwmodel.balance import Meter
from workloads.rl.environments import Shape
from workloads.rl.feeds import Counted
from workloads.rl.learner import Learner
from workloads.rl.policy import Policy, Timed
from workloads.rl.recipe import Recipe
from workloads.rl.settings import Settings
from workloads.rl.timed import TimedDevice
from workloads.rl.unrolls import Unrolls

if TYPE_CHECKING:
    from workloads.rl.checkpoint import State  # imports torch


@dataclass
class Parts:
    """Attributes:
    policy: chooses actions.
    learner: where there is one. unrolls: where it wants them.
    figures: what to tell of the device at the end.
    state: what a checkpoint holds.
    """

    policy: Policy
    learner: Learner | None = None
    unrolls: Unrolls | None = None
    figures: Callable[[], dict[str, Any]] = dict
    state: "State | None" = None


def emulated(settings: Settings, shape: Shape, told: Recipe) -> Parts:
    """Return a device that takes its time, on which a learner may take its own."""
    device, service, learning = TimedDevice(), settings.service, settings.learner_service
    assert service is not None
    learner = None
    if settings.learns and learning is not None:
        steps, meter = told.batch * told.unroll, Meter()  # of the learner's thread

        def learn(size: int) -> dict[str, float]:
            meter.add("learner_device", size, device.serve(learning, size))
            return {}

        feed = Counted(steps, getattr(told, "replay_ratio", 1.0), settings.lockstep)
        learner = Learner(feed, learn, steps * shape.frames_per_step)
    policy = Timed(device, service, shape.actions, settings.seed)
    return Parts(policy, learner, figures=lambda: {"device_busy_s": device.busy_s, "service_error": device.errors()})
