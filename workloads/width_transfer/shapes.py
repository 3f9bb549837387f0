"""Full-size networks at equal MACs: uniform, and with the relative widths of a run or of random profiles."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from traces.networks import make_network
from workloads.channels import Channels, find_channels
from workloads.recipes import Recipe
from workloads.width_transfer.extrapolate import match, stack
from workloads.width_transfer.method import DIRECT, UNIFORM, ShapesSettings

NARROWEST = 0.25  # share of a unit's channels in a random profile


def made(settings: ShapesSettings) -> dict[str, Recipe]:
    """Return recipes by name; see `method.shapes`."""
    rows, optimiser = read_run(settings.from_run) if settings.from_run else ([], "")
    module, inputs = make_network(settings.network, 2)
    channels = find_channels(module, inputs)
    target = settings.budget * channels.macs()
    found: dict[str, Recipe] = {}

    def add(name: str, shares: dict[str, float], about: dict[str, Any]) -> None:
        matched = match(channels, shares, target)
        found[name] = Recipe(network=settings.network, widths=matched.widths,
                             about={"projection": name, **about, "scale": round(matched.scale, 4)})  # fmt: skip

    add(UNIFORM, {}, {"search_share": 0.0, "widths_of": "one share for all"})
    if settings.from_run is None:
        for seed in range(settings.profiles):
            add(f"profile-{seed}", profile(channels, seed), {"search_share": 0.0, "widths_of": f"random, seed {seed}"})
        return found
    for name in dict.fromkeys(row["variant"] for row in rows if row["variant"] != UNIFORM):
        own = [row for row in rows if row["variant"] == name]
        about = {"search_share": float(np.mean([row["search_share"] for row in own])),
                 "widths_of": f"{optimiser}, mean of {len(own)} seeds of {settings.from_run.name}"}  # fmt: skip
        add("direct" if name == DIRECT else f"by-{name}", carried(mean_units(own), channels), about)
    return found


def profile(channels: Channels, seed: int) -> dict[str, float]:
    """Return a share for each unit, drawn evenly between a quarter and the whole."""
    draw = np.random.default_rng(seed)
    return {name: float(draw.uniform(NARROWEST, 1.0)) for name in channels.units}


def read_run(folder: Path) -> tuple[list[dict[str, Any]], str]:
    """Return the rows of the seeds that a run's folder holds, and its optimiser.

    Raises:
        InputError: the folder is of no such run.
    """
    try:
        settings = json.loads((folder / "seeds" / "settings.json").read_text(encoding="utf-8"))
        files = sorted((folder / "seeds" / "seeds").glob("seed-*.json"))
        rows = [row for path in files for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]
        for row in rows:
            if not all(set(unit) >= {"unit", "layers", "share"} for unit in row["units"]):
                raise KeyError("units")
        optimiser = str(settings["optimiser"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"--from-run {folder}: holds no run of width-transfer: {error}") from error
    if not rows:
        raise InputError(f"--from-run {folder}: no seed of it is done yet")
    return rows, optimiser


def mean_units(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return units with their mean share over rows of one variant."""
    shares = np.mean([[unit["share"] for unit in row["units"]] for row in rows], axis=0)
    return [unit | {"share": float(share)} for unit, share in zip(rows[0]["units"], shares, strict=True)]


def carried(units: list[dict[str, Any]], channels: Channels) -> dict[str, float]:
    """Return the shares of another network's units.

    Where their names say stage and block alike, new blocks copy their stage's last. Otherwise a unit takes what lies at
    its place between the first and the last one, and units that a shortcut adds up are kept apart from the rest.

    Args:
        units: of the searched network, in order: `unit`, `layers` (that make it), `share`.
        channels: of the other network.
    """
    shares = {unit["unit"]: unit["share"] for unit in units}
    try:
        if set(shares) <= set(channels.units):
            return stack(shares, channels.units)
    except InputError:
        pass
    at = np.linspace(0.0, 1.0, len(units))
    kinds = np.array([unit["layers"] > 1 for unit in units])
    values = np.array([unit["share"] for unit in units])
    found = {}
    for place, unit in zip(np.linspace(0.0, 1.0, len(channels.units)), channels.units.values(), strict=True):
        kind = kinds == (len(unit.layers) > 1)
        kind = kind if kind.any() else np.ones_like(kind)
        found[unit.name] = float(np.interp(place, at[kind], values[kind]))
    return found
