"""`hwmodel latency profile`."""

from pathlib import Path
from typing import Any

import click

from hwmodel import console


@click.command()
@click.option("--runtime", required=True, metavar="NAME", help="litert, onnxruntime, executorch, torch, or another's.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder for what is measured; what it holds already is not measured again.",
)
@click.option(
    "--blocks",
    default="default",
    show_default=True,
    metavar="default|none|FILE.yaml",
    help="Blocks to measure: those that come along, none, or a file's.",
)
@click.option("--networks", metavar="NAME,NAME", help="Networks to measure, by name or package.module:factory.")
@click.option(
    "--count",
    type=click.IntRange(0, 10000),
    default=0,
    metavar="N",
    help="Random networks to measure, of three families in turn.",
)
@click.option("--seed", type=click.IntRange(0, 1 << 31), default=0, show_default=True, help="Of random networks.")
@click.option(
    "--rounds",
    type=click.IntRange(1, 10000),
    default=10,
    show_default=True,
    help="Visits to each; more may be added later.",
)
@click.option("--core", type=click.IntRange(0, 1 << 16), metavar="K", help="Core to run on. [default: the last]")
@click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="On as many cores.")
@click.option("--core-power", type=float, metavar="W",
              help="Watts of a core at work, for an estimate of energy where the machine counts none.")  # fmt: skip
def profile(
    runtime: str,
    output: Path,
    blocks: str,
    networks: str | None,
    count: int,
    seed: int,
    rounds: int,
    core: int | None,
    threads: int,
    core_power: float | None,
) -> dict[str, Any]:
    """Measure blocks and networks on this machine, one image at a time.

    Each round visits all of them in another order, with anchor networks between, which tell how the machine's speed
    drifts; times are corrected by that. What is measured is on disk at once: after Ctrl-C the same command goes on. The
    folder ends with measurements.parquet, a row a block or network, and device.yaml, the conditions.

    \b
    Examples:
      hwmodel latency profile --runtime litert -o desk
      hwmodel latency profile --runtime onnxruntime --blocks none --networks mobilenet_v2,resnet18 --core 1 -o desk_ort
    """
    from hwmodel.latency.profile import items
    from hwmodel.latency.profile.run import profile as run
    from hwmodel.latency.profile.session import Plan
    from hwmodel.latency.runtimes import find_runtime

    find_runtime(runtime)  # a name that there is not is told before networks are read
    wanted = [] if blocks == "none" else items.blocks(None if blocks == "default" else Path(blocks))
    wanted += items.named_networks([name.strip() for name in networks.split(",")]) if networks else []
    wanted += items.random_networks(count, seed)
    with console.progress("profile") as advance:
        plan = Plan(rounds, threads, core)
        return run(runtime, items.checked(wanted), output, plan, core_power, advance)
