"""`hwmodel balance`: whether actors, CPU threads or the GPU limit a training job. Commands stand in light modules."""

import click

from hwmodel.balance.model_commands import calibrate, device, machines, predict, recommend, sweep
from hwmodel.balance.profile_commands import profile


@click.group()
def balance() -> None:
    """Find what limits a reinforcement-learning job: actors, CPU threads, or the GPU.

    \b
    Example:
      hwmodel balance profile -- python train.py
    """


balance.add_command(calibrate)
balance.add_command(device)
balance.add_command(machines)
balance.add_command(predict)
balance.add_command(profile)
balance.add_command(recommend)
balance.add_command(sweep)
