"""The parts of a run whose network is real."""

import copy
from functools import partial
from typing import Any

import torch

from workloads.rl import impala, r2d2
from workloads.rl.checkpoint import State
from workloads.rl.environments import Shape
from workloads.rl.feeds import Fifo
from workloads.rl.learner import Learner
from workloads.rl.networks import ActorCritic
from workloads.rl.parts import Parts
from workloads.rl.placement import Placement
from workloads.rl.recipe import ImpalaRecipe, R2d2Recipe, Recipe
from workloads.rl.replay import Replay
from workloads.rl.settings import Settings
from workloads.rl.unrolls import Unrolls


def real(settings: Settings, shape: Shape, told: Recipe) -> Parts:
    """Return a policy and, where the run learns, its learner.

    Raises:
        InputError: there is no such device, or no network for such observations.
    """
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.inference_threads)  # of this thread; the learner's sets its own
    placement = Placement(settings)
    if isinstance(told, R2d2Recipe):
        return _r2d2(settings, shape, told, placement)
    assert isinstance(told, ImpalaRecipe)
    return _impala(settings, shape, told, placement)


def _impala(settings: Settings, shape: Shape, told: ImpalaRecipe, placement: Placement) -> Parts:
    acting = ActorCritic(shape, settings.network).to(placement.device).requires_grad_(False)
    policy = impala.ImpalaPolicy(acting, placement, shape.actions, settings.seed)
    if not settings.learns:
        return Parts(policy, figures=placement.figures)
    network = copy.deepcopy(acting).requires_grad_(True)
    learns = impala.ImpalaLearner(told, network, acting, placement)
    unrolls = Unrolls(settings.environments, told.unroll, shape.observation, shape.dtype, policy.records)
    learner = _learner(settings, shape, told, Fifo(told.batch, settings.lockstep), learns.learn, impala.FIGURES)
    state = State({"network": network}, learns.optimizer, acting)
    return Parts(policy, learner, unrolls, placement.figures, state)


def _r2d2(settings: Settings, shape: Shape, told: R2d2Recipe, placement: Placement) -> Parts:
    acting = r2d2.RecurrentQ(shape, settings.network).to(placement.device).requires_grad_(False)
    policy = r2d2.R2d2Policy(acting, placement, settings.environments, shape.actions, told, settings.seed)
    if not settings.learns:
        return Parts(policy, figures=placement.figures)
    network, target = copy.deepcopy(acting).requires_grad_(True), copy.deepcopy(acting)
    replay = Replay(told, settings.seed, settings.lockstep)
    learns = r2d2.R2d2Learner(told, network, target, acting, placement, replay)
    length = told.burn_in + told.unroll
    overlap = max(0, length - told.stride)
    unrolls = Unrolls(settings.environments, length, shape.observation, shape.dtype, policy.records, overlap)
    learner = _learner(settings, shape, told, replay, learns.learn, r2d2.FIGURES)
    state = State({"network": network, "target": target}, learns.optimizer, acting)
    return Parts(policy, learner, unrolls, placement.figures, state)


def _learner(settings: Settings, shape: Shape, told: Recipe, feed: Any, learn: Any, names: tuple[str, ...]) -> Learner:
    frames = told.batch * told.unroll * shape.frames_per_step
    return Learner(feed, learn, frames, names, partial(torch.set_num_threads, settings.learner_threads))
