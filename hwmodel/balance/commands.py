"""`hwmodel balance`: whether actors, CPU threads or the GPU limit a training job. Commands stand in light modules."""

import click

from hwmodel.balance.profile_commands import profile


@click.group()
def balance() -> None:
    """Find what limits a reinforcement-learning job: actors, CPU threads, or the GPU.

    \b
    Example:
      hwmodel balance profile -- python train.py
    """


balance.add_command(profile)
