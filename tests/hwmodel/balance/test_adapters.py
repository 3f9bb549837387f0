"""Adapters: each counts what its framework did, by the framework's own classes where they are installed here.

TorchRL and Sample Factory are not: their hooks are called as their documentation says; docs/rl.md tells what was run.
"""

import importlib
import sys
import types
from pathlib import Path

import gymnasium
import pytest

from hwmodel.balance.adapters.gym import MeteredEnv, MeteredVectorEnv, metered
from hwmodel.balance.meter import SUMS
from hwmodel.balance.meters import Meters


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HWMODEL_METER", str(tmp_path / "meters"))
    return tmp_path / "meters"


def sums(folder: Path) -> dict[str, dict[str, float]]:
    return {phase: dict(zip(SUMS, values, strict=True)) for (_, phase), values in Meters(folder).read().items()}


def test_gymnasium_steps_are_counted(folder: Path):
    env = metered(gymnasium.make("CartPole-v1"), frames_per_step=4)
    assert isinstance(env, MeteredEnv)
    env.reset(seed=0)
    expected = gymnasium.make("CartPole-v1")
    expected.reset(seed=0)
    for _ in range(5):
        assert env.step(1)[1:3] == expected.step(1)[1:3]
    found = sums(folder)
    assert found["frames"]["size"] == 20
    assert found["environment"]["count"] == found["environment"]["size"] == 5
    assert found["environment"]["wall_s"] > 0
    assert "inference" not in found
    assert env.spec is not None  # an environment that can be made again, wrapper and all
    assert isinstance(gymnasium.make(env.spec), MeteredEnv)


def test_gymnasium_vectors_are_counted(folder: Path):
    env = metered(gymnasium.make_vec("CartPole-v1", num_envs=3, vectorization_mode="sync"))
    assert isinstance(env, MeteredVectorEnv)
    env.reset(seed=0)
    for _ in range(4):
        env.step(env.action_space.sample())
    found = sums(folder)
    assert found["frames"]["size"] == found["environment"]["size"] == 12
    assert found["environment"]["count"] == 4


@pytest.mark.parametrize(("algorithm", "told"), [("PPO", {"n_steps": 32}), ("DQN", {"learning_starts": 8})])
def test_stable_baselines_is_counted(algorithm: str, told: dict, folder: Path):
    import stable_baselines3
    from stable_baselines3.common.env_util import make_vec_env

    from hwmodel.balance.adapters.sb3 import MeterCallback

    env = make_vec_env("CartPole-v1", 2)
    model = getattr(stable_baselines3, algorithm)("MlpPolicy", env, device="cpu", seed=0, **told)
    model.learn(128, callback=MeterCallback(frames_per_step=2))
    found = sums(folder)
    steps = model.num_timesteps
    assert found["frames"]["size"] == 2 * steps
    assert found["environment"]["size"] == steps == 2 * found["environment"]["count"]
    assert found["learner"]["size"] == 2 * steps
    assert found["learner"]["count"] == {"PPO": 2, "DQN": 16}[algorithm]  # DQN: after each 4 steps of each
    assert found["inference"]["count"] == found["environment"]["count"] - found["learner"]["count"]
    assert "step" not in vars(env)  # as it was


def test_rllib_is_counted(folder: Path):
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

    from hwmodel.balance.adapters.rllib import MeterCallbacks
    from hwmodel.balance.adapters.rllib import metered as with_meter

    config = PPOConfig().environment("CartPole-v1").env_runners(num_env_runners=0, num_envs_per_env_runner=2)
    config.training(num_epochs=1, minibatch_size=10)
    assert with_meter(config, frames_per_step=3) is config
    assert any(issubclass(kind, MeterCallbacks) for kind in config.callbacks_class)
    runner = SingleAgentEnvRunner(config=config)
    steps = sum(map(len, runner.sample(num_timesteps=50, random_actions=True)))
    steps += sum(map(len, runner.sample(num_timesteps=50, random_actions=True)))
    found = sums(folder)
    assert found["frames"]["size"] == 3 * steps
    assert found["environment"]["size"] == 2 * found["environment"]["count"] >= steps
    assert found["inference"]["count"] == found["environment"]["count"] - 2  # not before each sample's first step


def test_rllibs_learner_is_counted(folder: Path):
    from hwmodel.balance.adapters.rllib import metered_learner

    class Learner:  # as `ray.rllib.core.learner.Learner` calls what may be overridden
        def before_gradient_based_update(self, *, timesteps): ...
        def after_gradient_based_update(self, *, timesteps): ...
        def _update(self, batch, **_):
            return batch

        def update(self):
            self.before_gradient_based_update(timesteps={})
            for rows in (8, 8, 4):
                assert self._update({"default_policy": range(rows)})
            self.after_gradient_based_update(timesteps={})

    learner = metered_learner(Learner, frames_per_step=2)()
    learner.update()
    learner.update()
    found = sums(folder)["learner"]
    assert (found["count"], found["size"]) == (2, 80)
    assert type(learner).__name__ == "MeteredLearner"


@pytest.mark.parametrize("reaches", [True, False])
def test_rllibs_workers_must_count_where_the_driver_does(reaches: bool, folder: Path):
    from hwmodel.balance.adapters.rllib import MeterCallbacks, runtime_env

    class Group:  # of env runners in two processes
        def foreach_env_runner(self, function, *, local_env_runner: bool):
            assert not local_env_runner
            return [function(None), function(None) if reaches else None]

    algorithm = types.SimpleNamespace(env_runner_group=Group())
    assert runtime_env() == {"env_vars": {"HWMODEL_METER": str(folder)}}
    if reaches:
        MeterCallbacks().on_algorithm_init(algorithm=algorithm)
    else:
        with pytest.raises(RuntimeError, match=r"does not reach 1 of 2 env runners.*ray\.init\(runtime_env="):
            MeterCallbacks().on_algorithm_init(algorithm=algorithm)


def test_sample_factorys_runner_is_followed(folder: Path, monkeypatch: pytest.MonkeyPatch):
    stand_in = types.ModuleType("sample_factory.algo.runners.runner")
    stand_in.AlgoObserver = object  # type: ignore[attr-defined]
    for name in ("sample_factory", "sample_factory.algo", "sample_factory.algo.runners"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    monkeypatch.delitem(sys.modules, "hwmodel.balance.adapters.sample_factory", raising=False)
    observer = importlib.import_module("hwmodel.balance.adapters.sample_factory").MeterObserver()
    for total in (None, 0, 512, 512, 2048):
        observer.on_training_step(types.SimpleNamespace(total_env_steps_since_resume=total), 1)
    assert sums(folder)["frames"]["size"] == 2048
    assert sums(folder)["frames"]["count"] == 2
    monkeypatch.delitem(sys.modules, "hwmodel.balance.adapters.sample_factory")


def test_torchrls_collectors_and_trainers_are_counted(folder: Path, monkeypatch: pytest.MonkeyPatch):
    stand_in = types.ModuleType("torchrl.trainers")
    stand_in.TrainerHookBase = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchrl", types.ModuleType("torchrl"))
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    monkeypatch.delitem(sys.modules, "hwmodel.balance.adapters.torchrl", raising=False)
    adapter = importlib.import_module("hwmodel.balance.adapters.torchrl")
    batches = [types.SimpleNamespace(numel=lambda: 100) for _ in range(3)]
    assert list(adapter.metered(iter(batches), frames_per_step=4)) == batches
    found = sums(folder)
    assert found["frames"]["size"] == found["collection"]["size"] == found["learner"]["size"] == 1200

    hooks = {}
    trainer = types.SimpleNamespace(register_module=lambda *_: None, register_op=hooks.__setitem__)
    adapter.MeterHook().register(trainer)
    assert hooks["batch_process"](batches[0]) is batches[0]
    hooks["post_steps"]()
    assert sums(folder)["learner"]["size"] == 1300
    monkeypatch.delitem(sys.modules, "hwmodel.balance.adapters.torchrl")


@pytest.mark.parametrize(
    ("adapter", "framework", "command"),
    [
        ("gym", "gymnasium", "pip install gymnasium"),
        ("sb3", "stable_baselines3.common.callbacks", "pip install stable-baselines3"),
        ("rllib", "ray.rllib.callbacks.callbacks", 'pip install "ray[rllib]"'),
        ("sample_factory", "sample_factory", "pip install sample-factory"),
        ("torchrl", "torchrl", "pip install torchrl"),
    ],
)
def test_without_its_framework_an_adapter_tells_what_to_install(
    adapter: str, framework: str, command: str, monkeypatch: pytest.MonkeyPatch
):
    name = f"hwmodel.balance.adapters.{adapter}"
    monkeypatch.setitem(sys.modules, framework, None)
    kept = sys.modules.pop(name, None)
    try:
        with pytest.raises(ImportError) as caught:
            importlib.import_module(name)
    finally:
        if kept is not None:
            sys.modules[name] = kept
    assert name in str(caught.value)
    assert command in str(caught.value)


def test_a_folder_that_is_not_told_counts_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("HWMODEL_METER", raising=False)
    monkeypatch.chdir(tmp_path)
    env = metered(gymnasium.make("CartPole-v1"))
    env.reset(seed=0)
    env.step(0)
    assert not list(tmp_path.iterdir())
