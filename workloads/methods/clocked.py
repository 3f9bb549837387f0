"""How long networks take: as a device's predictor has it, as this machine's runtimes measure it, and width by width."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circuits.errors import InputError

if TYPE_CHECKING:
    from hwmodel.latency.graph import Graph
    from workloads.recipes import Recipe

NONE = "none"
ROUND_TO = 8  # channels: what vectors of most processors hold, of 32 bits or more of 8


def check_devices(devices: Sequence[str], live: Sequence[str]) -> None:
    """Refuse devices of which nothing is known, before the long work.

    Raises:
        InputError: for the first of them, and for one that knows no layers.
    """
    from hwmodel.latency.query.predictor import load
    from hwmodel.latency.runtimes import find_runtime

    for device in () if list(devices) == [NONE] else devices:
        if load(device).kind != "layers":
            raise InputError(f"--devices {device}: knows the networks of a space or a list alone, not layers")
    for text in live:
        find_runtime(live_plan(text)[0])


def live_plan(text: str) -> tuple[str, int]:
    """Return the runtime and the threads that `litert:2` names.

    Raises:
        InputError: for a text that says something else.
    """
    runtime, _, threads = text.partition(":")
    if not runtime or not (threads or "1").isdecimal() or not int(threads or "1"):
        raise InputError(f"--live {text}: give a runtime and its threads such as litert:1")
    return runtime, int(threads or "1")


def predicted(graphs: "dict[str, Graph]", devices: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row a network and device: what one input takes there, and its interval.

    Args:
        graphs: networks by name.
        devices: predictors that know layers; `none` alone for none.

    Raises:
        InputError: for a device that cannot be loaded, or a layer that it does not know.
    """
    from hwmodel.latency.query.predictor import load

    rows = []
    for device in () if list(devices) == [NONE] else devices:
        predictor: Any = load(device)
        found = predictor.predict(list(graphs.values()), None)
        unit = predictor.quantity.rpartition("_")[2]
        for place, name in enumerate(graphs):
            row = {"network": name, "device": predictor.device, predictor.quantity: float(found.mean[place])}
            if found.low is not None and found.high is not None:
                row |= {f"low_{unit}": float(found.low[place]), f"high_{unit}": float(found.high[place])}
            rows.append(row | {"basis": "modelled"})
    return rows


def measured(
    graphs: "dict[str, Graph]", live: Sequence[str], folder: Path, rounds: int, advance: Callable[..., None]
) -> list[dict[str, Any]]:
    """Return a row a network and runtime of this machine: its time, corrected for how the machine drifted meanwhile.

    Args:
        graphs: networks by name.
        live: runtimes and their threads: `litert:1`.
        folder: each runtime's measurements are kept in a folder of it, and gone on with.
        rounds: visits to each network.
        advance: told of each visit.

    Raises:
        InputError: for a runtime that is not there or cannot run a network.
    """
    from hwmodel.latency.profile.items import Item
    from hwmodel.latency.profile.run import profile
    from hwmodel.latency.profile.session import Plan

    items = [Item(name, "named", "network", graph) for name, graph in graphs.items()]
    rows = []
    for text in live:
        runtime, threads = live_plan(text)
        plan: Plan = Plan(rounds, threads)
        found = profile(runtime, items, folder / live_folder(text), plan, None, advance)
        device = f"this machine, {runtime}, {threads} thread{'s' * (threads > 1)}"
        times = {row["name"]: row for row in found["measurements"]}
        rows += [{"network": name, "device": device, "latency_s": float(times[name]["wall_corrected_s"]),
                  "basis": "measured"} for name in graphs]  # fmt: skip
    return rows


def live_folder(text: str) -> str:
    """Return the name of the folder of a runtime's measurements."""
    return "live-{}-{}".format(*live_plan(text))


def staircase(
    recipe: "Recipe", devices: Sequence[str], steps: int, advance: Callable[..., None]
) -> list[dict[str, Any]]:
    """Return what a network takes as it grows by a channel of its first layer at a time, and rounded to whole vectors.

    Args:
        recipe: whose network it is; its own widths are left aside.
        devices: predictors that know layers; `none` alone for none.
        steps: how many widths, from the whole network downwards.
        advance: told of each width.

    Raises:
        InputError: where the network cannot be read.
    """
    from hwmodel.latency.graph.canonical import canonical
    from hwmodel.latency.graph.from_torch import from_torch
    from traces.networks import make_network
    from workloads.channels import find_channels

    shape = tuple(recipe.input) if recipe.input else None
    module, inputs = make_network(recipe.network, 1, shape, recipe.arguments)
    channels = find_channels(module, inputs)
    first = next(iter(channels.units.values())).size
    module = module.to("meta")
    inputs = tuple(one.to("meta") for one in inputs)
    graphs, about = {}, {}
    counts = range(max(1, first - steps + 1), first + 1)
    for place, count in enumerate(counts):
        exact = channels.widths(count / first)
        for kind, widths in (("exact", exact), ("rounded", _rounded(exact, channels))):
            name = f"{kind} {count}"
            graphs[name] = canonical(from_torch(channels.resized(module, widths), inputs))
            about[name] = {"widths": kind, "first_channels": count, "macs": channels.macs(widths)}
        advance(place + 1, len(counts), f"{count} channels")
    return [about[row["network"]] | {name: value for name, value in row.items() if name != "network"}
            for row in predicted(graphs, devices)]  # fmt: skip


def _rounded(widths: dict[str, int], channels: Any) -> dict[str, int]:
    """Return widths as the next multiples, or as wide as the network is."""
    return {name: min(-(-width // ROUND_TO) * ROUND_TO, channels.units[name].size) for name, width in widths.items()}
