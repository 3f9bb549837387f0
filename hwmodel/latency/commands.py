"""`hwmodel latency`: what a network's layers cost on a device. Subcommands stand in light modules of their own."""

import click

from hwmodel.latency.device_commands import devices
from hwmodel.latency.fit_commands import fit, next_
from hwmodel.latency.graph_commands import graph
from hwmodel.latency.predict_commands import predict, table
from hwmodel.latency.profile_commands import profile
from hwmodel.latency.serve_commands import serve


@click.group()
def latency() -> None:
    """Learn what networks cost on a device, and ask.

    \b
    Example:
      hwmodel latency graph mobilenet_v2
    """


latency.add_command(devices)
latency.add_command(fit)
latency.add_command(graph)
latency.add_command(next_)
latency.add_command(predict)
latency.add_command(profile)
latency.add_command(serve)
latency.add_command(table)
