"""`hwmodel latency`: what a network's layers cost on a device. Subcommands stand in light modules of their own."""

import click

from hwmodel.latency.graph_commands import graph
from hwmodel.latency.profile_commands import profile


@click.group()
def latency() -> None:
    """Learn what networks cost on a device, and ask.

    \b
    Example:
      hwmodel latency graph mobilenet_v2
    """


latency.add_command(graph)
latency.add_command(profile)
