"""What a search for widths costs at full size: training MACs of the search, of a cheaper one, of one training.

An image costs its forward pass three times in training: once forward, twice backward.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from circuits.yaml_file import read_yaml
from traces.networks import make_network
from workloads.channels import Channels, find_channels
from workloads.training import generator
from workloads.width_transfer.extrapolate import match
from workloads.width_transfer.project import PROJECTIONS, shallow
from workloads.width_transfer.sandwich import bins_of, drawn
from workloads.width_transfer.search import TRAINING

DRAWS = 100  # networks whose mean cost stands for one of widths drawn at random
BINS = 10  # widths of a unit
SIDE = 224  # pixels


@cache
def schedules() -> dict[str, Any]:
    """Return how long published trainings and searches are: schedules.yaml."""
    return dict(read_yaml(Path(__file__).with_name("schedules.yaml")))


@dataclass(frozen=True)
class Size:
    """What a search is made on.

    Attributes:
        channels: of the network, before its width is projected.
        width: share of all channels. images: of an epoch.
    """

    channels: Channels
    width: float
    images: float

    def macs(self, widths: Mapping[str, int] | None = None) -> float:
        """Return the MACs of an image, of widths that are those of the network before its width is projected."""
        whole = widths or self.channels.widths()
        return self.channels.macs({name: max(1, round(count * self.width)) for name, count in whole.items()})

    def between(self) -> float:
        """Return the mean MACs of networks whose widths are drawn unit by unit."""
        bins, chance = bins_of(self.channels, BINS), generator(0, "widths")
        return sum(self.macs(drawn(bins, chance)) for _ in range(DRAWS)) / DRAWS

    def sandwich(self) -> float:
        """Return the MACs of an image in the whole network, the narrowest and two between them."""
        return self.macs() + self.macs(self.channels.widths(1 / BINS)) + 2 * self.between()


def search_macs(optimiser: str, size: Size, training_epochs: float) -> float:
    """Return the multiply-accumulates of a search for widths.

    Args:
        optimiser: `morphnet`, `dmcp` or `autoslim`.
        size: what it is made on.
        training_epochs: of one training of the network.
    """
    plan = schedules()["optimisers"][optimiser]
    if optimiser == "morphnet":
        return TRAINING * size.images * training_epochs * plan["epochs_of_training"] * size.macs()
    if optimiser == "dmcp":
        first, second = plan["first_epochs"], plan["second_epochs"]
        return TRAINING * size.images * ((first + second) * size.sandwich() + second * size.macs())
    trained = TRAINING * size.images * training_epochs * plan["epochs_of_training"] * size.sandwich()
    return trained + plan["validated"] * _tries(size)


def _tries(size: Size) -> float:
    """Return the MACs of an image in all networks that a greedy search tries, as if all units narrowed alike."""
    whole, budget = size.channels.macs(), schedules()["budget"] * size.channels.macs()
    end = match(size.channels, {}, budget).scale
    steps = round((1 - end) * BINS * len(size.channels.units))
    return steps * len(size.channels.units) * (size.macs() * (1 + budget / whole) / 2)


def table(
    networks: Mapping[str, Mapping[str, Any]] | None = None, optimisers: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Return what searches cost: a row a network, optimiser and projection.

    Columns: `macs` of an image in what is searched on, `search_macs`, `overhead` (in trainings of the network),
    `saving` (times less than the direct search).

    Args:
        networks: name -> its entry in schedules.yaml; None: all there are.
        optimisers: by name; none given: all.
    """
    plan = schedules()
    strength, images = plan["projections"], plan["images"]["train"]
    rows = []
    for name, entry in (networks or plan["networks"]).items():
        found = {
            (deep, fine): _channels(name, strength, deep, fine) for deep in (True, False) for fine in (True, False)
        }
        training = TRAINING * images * entry["epochs"] * found[True, True].macs()
        for optimiser in optimisers or tuple(plan["optimisers"]):
            direct = 0.0
            for kinds in ((), *((one,) for one in PROJECTIONS), PROJECTIONS):
                channels = found["depth" not in kinds, "resolution" not in kinds]
                size = Size(channels, strength["width"] if "width" in kinds else 1.0,
                            images * (strength["data"] if "data" in kinds else 1.0))  # fmt: skip
                spent = search_macs(optimiser, size, entry["epochs"])
                direct = direct or spent
                label = "direct" if not kinds else "all" if len(kinds) > 1 else kinds[0]
                rows.append({"network": name, "optimiser": optimiser, "projection": label, "macs": size.macs(),
                             "search_macs": spent, "overhead": spent / training, "saving": direct / spent})  # fmt: skip
    return rows


def _channels(network: str, strength: Mapping[str, Any], deep: bool, fine: bool) -> Channels:
    arguments = {} if deep else shallow(network, {}, strength["depth"], lambda: make_network(network, 1)[0])
    if not fine:
        arguments = arguments | {"image": round(SIDE * strength["resolution"])}
    module, inputs = make_network(network, 2, arguments=arguments)
    with torch.no_grad():
        return find_channels(module, inputs)


def told(rows: list[dict[str, Any]]) -> list[str]:
    """Return in sentences whether the published saving comes out, and what would bring it."""
    plan = schedules()
    wanted, strength = plan["published"]["saving"], plan["projections"]
    told = []
    for row in rows:
        if row["projection"] == "all" and row["optimiser"] == "morphnet":
            needed = strength["data"] * row["saving"] / wanted
            cheaper = (
                f"{strength['width']:g} of the channels, {strength['depth']} block a stage, "
                f"{strength['resolution']:g} of the side and {100 * strength['data']:g} % of the images"
            )
            told.append(
                f"{row['network']} at full size: a search at {cheaper} costs {row['saving']:.0f} times less "
                f"(published: up to {wanted}, with projections that are not at hand here); {wanted} would take "
                f"{100 * needed:.1f} % of the images"
            )
    return told
