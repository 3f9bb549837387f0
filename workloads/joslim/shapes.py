"""Full-size networks whose layers have widths of their own, as recipes."""

import math
from pathlib import Path

import numpy as np

from circuits.errors import InputError
from traces.networks import make_network
from workloads.channels import Channels, find_channels
from workloads.joslim.method import ShapesSettings
from workloads.recipes import Recipe

HALVINGS = 50  # of the common factor's interval


def families(settings: ShapesSettings) -> dict[str, Recipe]:
    """Return networks by name; `about` says which share of the MACs each has, and whether its layers are alike.

    Raises:
        InputError: a network that cannot be made, has no channels that can be fewer, or cannot be that small.
    """
    module, inputs = make_network(settings.network, 2)
    channels = find_channels(module, inputs)
    stem = Path(settings.network.replace(":", "_")).name.replace(".", "_")
    targets = np.geomspace(settings.smallest, 1.0, settings.targets + 1)[:-1] if settings.targets > 1 else [
        settings.smallest
    ]  # fmt: skip
    draw = np.random.default_rng(settings.seed)
    found: dict[str, Recipe] = {}
    for target in targets:
        for number in range(settings.drawn + 1):
            factors = np.exp(settings.spread * draw.standard_normal(len(channels.units))) if number else None
            widths = _widths(channels, factors, float(target), settings.multiple)
            share = channels.macs(widths) / channels.macs()
            kind = f"drawn{number}" if number else "alike"
            about = {
                "share": round(share, 4),
                "layers": "drawn" if number else "alike",
                "macs": channels.macs(widths),
                "parameters": channels.parameters(module, widths),
            }
            narrower = {name: width for name, width in widths.items() if width != channels.units[name].size}
            name = f"{stem}_{round(1000 * target):04d}_{kind}"
            found[name] = Recipe(network=settings.network, widths=narrower, about=about)
    return found


def _widths(channels: Channels, factors: np.ndarray | None, target: float, multiple: int) -> dict[str, int]:
    """Return widths in the proportion of the factors, by one common factor, nearest below the target's MACs."""
    each = dict(zip(channels.units, np.ones(len(channels.units)) if factors is None else factors, strict=True))

    def at(scale: float) -> dict[str, int]:
        found = {}
        for name, unit in channels.units.items():
            wanted = unit.size * min(1.0, scale * each[name])
            found[name] = min(unit.size, max(1, round(wanted / multiple)) * multiple)
        return found

    whole = channels.macs()
    low, high = 0.0, 1.0 / min(each.values())
    if channels.macs(at(low)) > target * whole:
        least = channels.macs(at(low)) / whole
        raise InputError(f"smallest {target:g}: of the MACs; its narrowest network has {least:.3g}; give at least that")
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if channels.macs(at(middle)) <= target * whole else (low, middle)
        if math.isclose(low, high):
            break
    return at(low)
