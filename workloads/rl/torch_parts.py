"""The parts of a run whose network is real."""

import copy

import torch

from workloads.rl.environments import Shape
from workloads.rl.feeds import Fifo
from workloads.rl.impala import ImpalaLearner, ImpalaPolicy
from workloads.rl.learner import Learner
from workloads.rl.networks import ActorCritic
from workloads.rl.parts import Parts
from workloads.rl.placement import Placement
from workloads.rl.settings import Settings
from workloads.rl.unrolls import Unrolls


def real(settings: Settings, shape: Shape) -> Parts:
    """Return a policy and, where the run learns, its learner.

    Raises:
        InputError: there is no such device, or no network for such observations.
    """
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.inference_threads)  # of this thread; the learner's sets its own
    placement = Placement(settings)
    acting = ActorCritic(shape, settings.network).to(placement.device).requires_grad_(False)
    policy = ImpalaPolicy(acting, placement, shape.actions, settings.seed)
    if not settings.learns:
        return Parts(policy)
    network = copy.deepcopy(acting).requires_grad_(True)
    learns = ImpalaLearner(settings, network, acting, placement)
    unrolls = Unrolls(settings.environments, settings.unroll, shape.observation, shape.dtype, policy.records)
    frames = settings.batch * settings.unroll * shape.frames_per_step
    feed = Fifo(settings.batch, settings.lockstep)
    learner = Learner(feed, learns.learn, frames, lambda: torch.set_num_threads(settings.learner_threads))
    return Parts(policy, learner, unrolls)
