"""Full-size networks, virtually pooled round by round, as recipes."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from circuits.yaml_file import read_yaml
from workloads.recipes import Recipe
from workloads.vip.settings import ShapesSettings

ROUNDS = Path(str(files("workloads.vip") / "rounds.yaml"))


def published() -> dict[str, Any]:
    """Return what is published: the network, the layers pooled after each round, the speedup, the source."""
    return read_yaml(ROUNDS)


def shapes(settings: ShapesSettings) -> dict[str, Recipe]:
    """Return the network as it is, and after each round with interpolations as kernels and fused.

    Raises:
        InputError: for a network that cannot be made, and layers that cannot be pooled.
    """
    known = published()
    if settings.layers:
        rounds = [list(settings.layers)]
    elif settings.network == known["network"]:
        rounds = known["rounds"]
    else:
        rounds = [eligible(settings.network)]
    kinds = {"both": (False, True), "kernel": (False,), "fused": (True,)}[settings.interpolation]
    recipes = {"base": Recipe(network=settings.network, about={"round": 0, "pooled": 0, "fused": False})}
    for number, layers in enumerate(rounds, start=1):
        for fused in kinds:
            about = {"round": number, "pooled": len(layers), "fused": fused}
            name = f"round{number}-fused" if fused else f"round{number}"
            recipes[name] = Recipe(network=settings.network, virtual_pooling=layers, fused=fused, about=about)
    return recipes


def eligible(network: str) -> list[str]:
    """Return the convolutions of a known network that can be pooled.

    Raises:
        InputError: where there is none.
    """
    from traces.networks import make_network
    from workloads.vip.pool import LEAST_SIDE, map_sizes, refusal

    module, inputs = make_network(network, 1)
    sizes, found = map_sizes(module, inputs), dict(module.named_modules())
    names = [name for name, side in sizes.items() if side >= LEAST_SIDE and not refusal(found[name])]
    if not names:
        raise InputError(f"{network}: nothing to pool: no convolution in two dimensions has a map of "
                         f"{LEAST_SIDE} x {LEAST_SIDE} pixels or more")  # fmt: skip
    return names
