"""`hwmodel method`: a subcommand a method, each with `shapes`, `run` and `study`; loaded when it is named."""

from importlib.metadata import entry_points

import click

GROUP = "hwmodel.methods"


class Methods(click.Group):
    """The methods that installed packages offer under `hwmodel.methods`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted({entry.name for entry in entry_points(group=GROUP)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return Faces(cmd_name) if cmd_name in self.list_commands(ctx) else None


class Faces(click.Group):
    """What may be asked of a method."""

    def __init__(self, method: str) -> None:
        super().__init__(method, help=HELP.format(method=method), short_help=SHORT.get(method, f"The method {method}."))
        self.method = method

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return ["run", "shapes", "study"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        from workloads.methods.faces import face

        return face(self.method, cmd_name)


HELP = """Networks that {method} makes, its algorithm on real images, and what its networks cost.

\b
Examples:
  hwmodel method {method} shapes -o nets.yaml
  hwmodel method {method} run --seeds 3 -o answer
  hwmodel method {method} study -o cost
"""
SHORT = {
    "bitwidth": "One bitwidth for all weights, at equal size (2008.09916).",
    "joslim": "Slimmable weights and widths optimised together (2007.11752).",
    "vip": "Virtual pooling: strided convolutions, interpolated (1906.07912).",
    "width-transfer": "Widths found on a small proxy, carried over (2104.13255).",
}


@click.group(cls=Methods)
def method() -> None:
    """Published methods as workload generators: their networks, their algorithms, what both cost.

    \b
    Examples:
      hwmodel method bitwidth shapes --network resnet18 -o nets.yaml
      hwmodel method bitwidth study -o cost
      hwmodel method vip run --seeds 12 -o answer
    """
