"""`hwmodel rl`: a real training loop, to measure and to learn with. Imports what is heavy when it runs."""

from pathlib import Path
from typing import Any

import click

from circuits.errors import InputError
from workloads.rl.settings import ALGORITHMS, DEVICES, NETWORKS, Settings, parse_service


@click.group()
def rl() -> None:
    """Train players of games, with actors on the processor and central inference.

    \b
    Example:
      hwmodel rl train --env CartPole-v1 --seconds 20
    """


@rl.command()
@click.option("--env", required=True, help="A Gymnasium id: CartPole-v1, PongNoFrameskip-v4, ALE/Pong-v5...")
@click.option("--actors", default=4, show_default=True, help="Processes that step environments.")
@click.option("--envs-per-actor", default=1, show_default=True, help="Environments that each steps, one after another.")
@click.option("--algorithm", type=click.Choice(ALGORITHMS), default="impala", show_default=True)
@click.option("--device", type=click.Choice(DEVICES), default="cpu", show_default=True, help="Where inference runs.")
@click.option("--service", help="Of the emulated device: time a batch and time each, such as 2ms+0.1ms.")
@click.option("--learner-service", help="Of a learner on the emulated device: time a batch and time a step of it.")
@click.option("--no-learn", is_flag=True, help="Act only: the throughput of actors and inference.")
@click.option("--steps", type=int, help="End after so many steps of environments.")
@click.option("--seconds", type=float, help="End after so long, from when all actors are there.")
@click.option("--seed", default=0, show_default=True)
@click.option("--max-batch", type=int, help="Observations of a batch, at the most; otherwise as many as there are.")
@click.option("--min-batch", default=1, show_default=True, help="Observations to wait for, up to --patience.")
@click.option("--patience", "patience_s", default=0.0, show_default=True, help="Seconds to wait for --min-batch.")
@click.option("--lockstep", is_flag=True, help="All actors in each batch, acting waits for learning: repeatable.")
@click.option("--inference-threads", default=1, show_default=True, help="Of torch, on the processor.")
@click.option("--learner-threads", default=1, show_default=True, help="Of torch, on the processor.")
@click.option("--sm-share", type=float, help="Of the GPU's SMs for inference, by a green context: 0 to 1.")
@click.option("--mps-percentage", type=int, help="Of the GPU's threads, by MPS: 1 to 100.")
@click.option("--network", type=click.Choice(NETWORKS), default="shallow", show_default=True, help="For pictures.")
@click.option("--set", "replaced", multiple=True, metavar="NAME=VALUE", help="Replace a figure of recipes.yaml.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="A folder for curve and checkpoints."
)
@click.option("--resume", is_flag=True, help="Go on from the folder's checkpoint.")
def train(
    service: str | None,
    learner_service: str | None,
    no_learn: bool,
    replaced: tuple[str, ...],
    output: Path | None,
    resume: bool,
    **options: Any,
) -> Any:
    """Train a player, or only act. Steps are actions; frames are what the game shows: 4 a step in Atari games.

    Tells frames and frames/s every second on standard error. With HWMODEL_METER=DIR in the environment, every process
    counts its phases there: environment, queue, inference, learner.

    \b
    Example:
      hwmodel rl train --env CartPole-v1 --actors 4 --steps 300000 --seed 0 -o cartpole
      hwmodel rl train --env PongNoFrameskip-v4 --actors 8 --device emulated --service 2ms+0.1ms --seconds 10 --json
    """
    settings = Settings(
        service=None if service is None else parse_service(service, "--service"),
        learner_service=None if learner_service is None else parse_service(learner_service, "--learner-service"),
        learn=not no_learn,
        replaced=tuple(_pair(text) for text in replaced),
        **options,
    )
    from workloads.rl.train import train as run

    return run(settings, output, resume)


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise InputError(f"--set {text}: no `=`; give a name and a number, such as learning_rate=0.001")
    return name, value


FRAMEWORK = (
    click.option("--env", required=True, help="A Gymnasium id, such as CartPole-v1."),
    click.option("--actors", default=1, show_default=True, help="Processes that step environments."),
    click.option("--envs-per-actor", default=1, show_default=True, help="Environments of each."),
    click.option("--steps", type=int, help="End after so many steps of environments."),
    click.option("--seconds", type=float, help="End after so long."),
    click.option("--seed", default=0, show_default=True),
)


def _framework(command: Any) -> Any:
    for option in reversed(FRAMEWORK):
        command = option(command)
    return command


@rl.command()
@_framework
@click.option("--algorithm", type=click.Choice(["ppo", "a2c", "dqn"]), default="ppo", show_default=True)
def sb3(**options: Any) -> dict[str, Any]:
    """Train with Stable-Baselines3, counted as our own loop is. Needs the extra sb3.

    \b
    Example:
      hwmodel balance profile -- hwmodel rl sb3 --env CartPole-v1 --actors 4 --seconds 60
    """
    from workloads.rl.frameworks import Job, run_sb3

    return run_sb3(Job(**options))


@rl.command()
@_framework
@click.option("--algorithm", type=click.Choice(["ppo", "impala", "appo", "dqn"]), default="impala", show_default=True)
@click.option("--address", metavar="HOST:PORT|auto", help="Of a Ray cluster that runs. [default: one of this machine]")
def rllib(**options: Any) -> dict[str, Any]:
    """Train with RLlib, here or on a Ray cluster, counted as our own loop is. Needs the extra rllib.

    \b
    Example:
      hwmodel balance calibrate -o job -- hwmodel rl rllib --env CartPole-v1 --actors {actors} --seconds 60
    """
    from workloads.rl.frameworks import Job, run_rllib

    return run_rllib(Job(**options))
