"""The recurrent network: what it learns from is what it acted by, and its errors are those of the definition."""

import dataclasses

import numpy as np
import pytest
import torch

from workloads.rl.environments import RUNNING, TERMINATED, TRUNCATED, Shape
from workloads.rl.placement import Placement
from workloads.rl.r2d2 import R2d2Policy, RecurrentQ, errors
from workloads.rl.recipe import recipe
from workloads.rl.settings import Settings
from workloads.rl.targets import squeeze, stretch
from workloads.rl.unrolls import Unrolls

SHAPE = Shape((3,), "float32", 4, 1)
TOLD = dataclasses.replace(recipe("r2d2", 1, {}), burn_in=3, unroll=6, n_step=2, epsilon=1e-9)


@pytest.fixture
def networks() -> tuple[RecurrentQ, RecurrentQ]:
    torch.manual_seed(0)
    return RecurrentQ(SHAPE, "shallow"), RecurrentQ(SHAPE, "shallow")


def story(network: RecurrentQ, seed: int = 0) -> tuple[dict[str, torch.Tensor], list[np.ndarray]]:
    """A sequence of two environments that the policy acted in, with ends in it, and the worths that it acted by."""
    random = np.random.default_rng(seed)
    policy = R2d2Policy(network, Placement(Settings("x", steps=1)), 2, 4, TOLD, seed)
    unrolls = Unrolls(2, 9, (3,), "float32", policy.records)
    ended, acted = np.zeros(2, np.uint8), []
    done: list[dict[str, np.ndarray]] = []
    while not done:
        seen = random.normal(size=(2, 3)).astype(np.float32)
        began = ended > 0 if acted else np.ones(2, bool)
        action, records = policy.act(seen, np.arange(2), began)
        acted.append(action)
        done = unrolls.add(np.arange(2), seen, random.normal(size=2).astype(np.float32), ended, action, records)
        ended = random.choice([RUNNING, TERMINATED, TRUNCATED], p=[0.7, 0.2, 0.1], size=2).astype(np.uint8)
    return {name: torch.from_numpy(np.stack([u[name] for u in done], 1)) for name in done[0]}, acted


@pytest.mark.parametrize("seed", range(5))
def test_unrolled_it_chooses_what_it_chose_step_by_step(networks, seed: int):
    batch, acted = story(networks[0], seed)
    over = batch["ended"] != RUNNING
    before = torch.cat([torch.zeros_like(over[:1]), over])
    state = batch["state"][0].unbind(1)
    worth, _ = networks[0].unroll(batch["observation"], before, (state[0], state[1]))
    assert worth.argmax(-1)[:9].tolist() == [actions.tolist() for actions in acted[:9]]


@pytest.mark.parametrize("seed", range(5))
def test_errors_are_those_of_double_q_learning(networks, seed: int):
    network, target = networks
    for each in networks:
        each.requires_grad_(False)
    batch, _ = story(network, seed)
    error, known, _ = errors(network, target, batch, TOLD)
    over = batch["ended"] != RUNNING
    before = torch.cat([torch.zeros_like(over[:1]), over])
    state = (batch["state"][0, :, 0], batch["state"][0, :, 1])
    worth, later = (each.unroll(batch["observation"], before, state)[0] for each in (network, target))
    for column in range(2):
        for step in range(TOLD.unroll):
            total, weight, fine = 0.0, 1.0, True
            at = TOLD.burn_in + step
            last = min(at + TOLD.n_step, 9)
            for t in range(at, last):
                total += weight * float(batch["reward"][t, column])
                fine = fine and int(batch["ended"][t, column]) != TRUNCATED
                weight *= TOLD.discount * (int(batch["ended"][t, column]) == RUNNING)
                if not weight:
                    break
            best = int(worth[last, column].argmax())
            total += weight * float(stretch(later[last, column, best]))
            chosen = worth[at, column, int(batch["action"][at, column])]
            assert bool(known[step, column]) == fine
            if fine:
                expected = float(squeeze(torch.tensor(total))) - float(chosen)
                assert float(error[step, column]) == pytest.approx(expected, abs=1e-5)


def test_each_environment_has_its_own_share_of_chance():
    told = dataclasses.replace(TOLD, epsilon=0.4, epsilon_power=7)
    policy = R2d2Policy(RecurrentQ(SHAPE, "shallow"), Placement(Settings("x", steps=1)), 8, 4, told, 0)
    assert policy._epsilon[0] == pytest.approx(0.4)
    assert policy._epsilon[-1] == pytest.approx(0.4**8)
    assert (np.diff(policy._epsilon) < 0).all()
