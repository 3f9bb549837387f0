"""How large networks of recipes are."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from workloads.recipes import Recipe, build


def check_output(path: Path, force: bool) -> None:
    """Refuse a file before the work.

    Raises:
        InputError: where it is there already, or its name or folder cannot be.
    """
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(f"{path}: give a name that ends in .yaml")
    if path.exists() and not force:
        raise InputError(f"{path}: is there already; give --force to replace it")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder")


def sized(recipes: Mapping[str, Recipe], advance: Callable[..., None] | None = None) -> list[dict[str, Any]]:
    """Return a row a network: parameters, MACs of one example, bytes of weights, and what its recipe is about.

    Raises:
        InputError: for a recipe that cannot be built.
    """
    from workloads.networks.counting import count_macs, count_parameters

    rows = []
    for place, (name, recipe) in enumerate(recipes.items()):
        module: Any = build(recipe)
        bits = getattr(module, "weight_bits", {})
        total = sum(value.numel() * bits.get(key, 8 * value.itemsize) for key, value in module.named_parameters())
        rows.append({"network": name, "macs": count_macs(module), "parameters": count_parameters(module),
                     "weight_bytes": -(-total // 8), **recipe.about})  # fmt: skip
        if advance:
            advance(place + 1, len(recipes), name)
    return rows
