"""Environments: the pictures are ale-py's own, episodes go on by themselves, mistakes are told."""

import sys

import numpy as np
import pytest
from ale_py import AtariVectorEnv

from circuits.errors import InputError
from workloads.rl import atari
from workloads.rl.environments import RUNNING, TERMINATED, TRUNCATED, make


@pytest.mark.parametrize("game", ["pong", "breakout"])
def test_pictures_and_rewards_are_those_of_ale_pys_own_vector_environment(game: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(atari, "IDLE_FRAMES", 0)
    peer = AtariVectorEnv(game, 1, noop_max=1, use_fire_reset=True, num_threads=1)  # fewer than one: none
    ours, seen = atari.Atari(game, seed=3), np.zeros((4, 84, 84), np.uint8)
    first, _ = peer.reset(seed=3)
    ours.begin(seen)
    assert (seen[-1] == first[0, -1]).all()
    random = np.random.default_rng(0)
    for _ in range(100):
        action = int(random.integers(ours.shape.actions))
        expected, reward, over, cut, _ = peer.step(np.array([action]))
        assert ours.step(action, seen) == (reward[0], RUNNING)
        assert not over[0] | cut[0]
        assert np.abs(expected[0].astype(int) - seen).max() <= 1  # of 255: rounding
    assert ours.episode_return == 0  # none is over


def test_averaging_keeps_what_is_there():
    matrix = atari.averaging(210, 84)
    assert matrix.sum(axis=1) == pytest.approx(np.ones(84), rel=1e-5)
    assert matrix.sum(axis=0) == pytest.approx(np.full(210, 84 / 210), rel=1e-4)
    assert (atari.averaging(3, 3) == np.eye(3)).all()


def test_a_game_that_is_over_begins_anew():
    game, seen = make("PongNoFrameskip-v4", seed=1), np.zeros((4, 84, 84), np.uint8)
    game.begin(seen)
    rewards, how, steps = [], RUNNING, 0
    while how == RUNNING:
        reward, how = game.step(0, seen)
        rewards.append(reward)
        steps += 1
    assert how == TERMINATED
    assert game.episode_return == sum(rewards) == -21
    assert game.episode_length == steps
    assert (seen[:-1] == 0).all()  # one picture of the new game
    assert seen[-1].any()
    assert game.step(0, seen)[1] == RUNNING


def test_seeds_decide_what_happens():
    def story(seed):
        env, seen = make("CartPole-v1", seed), np.zeros(4, np.float32)
        env.begin(seen)
        found = [seen.tolist()]
        for step in range(60):
            env.step(step % 2, seen)
            found.append(seen.tolist())
        return found

    assert story(4) == story(4) != story(5)


def test_a_limit_of_time_is_told_from_an_end():
    env, seen = make("CartPole-v1", seed=0), np.zeros(4, np.float32)
    env.begin(seen)
    endings = set()
    for _ in range(1500):
        angle, spin = seen[2], seen[3]
        _, how = env.step(int(angle + 0.3 * spin + 0.05 * seen[1] + 0.02 * seen[0] > 0), seen)  # balances
        if how:
            endings.add((how, env.episode_length == 500))
    assert (TRUNCATED, True) in endings
    assert endings <= {(TRUNCATED, True), (TERMINATED, False)}


def test_names_of_atari_bring_what_is_registered_with_them():
    assert make("ALE/Pong-v5").ale.getFloat("repeat_action_probability") == 0.25
    assert make("PongNoFrameskip-v4").ale.getFloat("repeat_action_probability") == 0
    assert make("PongNoFrameskip-v4").shape.frames_per_step == 4


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Nope-v0", "CartPole-v1 or PongNoFrameskip-v4"),
        ("Pendulum-v1", "its actions are Box"),
        ("FrozenLake-v1", "its observations are Discrete"),
        ("ALE/Nope-v5", "doesn't exist"),
    ],
)
def test_mistakes_are_told(name: str, told: str):
    with pytest.raises(InputError, match=f"--env {name}") as caught:
        make(name)
    assert told in str(caught.value)


def test_without_gymnasium_the_command_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(InputError, match=r'pip install "hwmodel\[rl\]"'):
        make("CartPole-v1")
