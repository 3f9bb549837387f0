"""Files of recipes: `FILE.yaml:NAME` is a network wherever a network is named."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from torch import nn

from circuits.errors import InputError
from circuits.yaml_file import read_yaml
from workloads.recipes.build import build
from workloads.recipes.recipe import Recipe, make_recipe

HEAD = "# Networks by name: `hwmodel capture FILE.yaml:NAME`, and wherever else a network is named.\n"


def read_recipes(path: Path) -> dict[str, Recipe]:
    """Return a file's recipes by name.

    Raises:
        InputError: for a file that cannot be read or holds something else.
    """
    values = read_yaml(path)
    networks = values.get("networks")
    if not isinstance(networks, dict) or not networks:
        raise InputError(f"{path}: no file of recipes: it must hold `networks`, a mapping from names to recipes")
    return {str(name): make_recipe(value, f"{path}: networks.{name}") for name, value in networks.items()}


def write_recipes(path: Path, recipes: Mapping[str, Recipe]) -> None:
    """Write recipes to a file, whole or not at all."""
    networks = {name: recipe.model_dump(mode="json", exclude_defaults=True) for name, recipe in recipes.items()}
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(HEAD + yaml.safe_dump({"networks": networks}, sort_keys=False, width=120), encoding="utf-8")
    beside.replace(path)


class Made:
    """A factory of a recipe's network.

    Attributes:
        contents: what it depends on, as plain JSON: two that are equal make the same network.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.contents = json.loads(recipe.model_dump_json(exclude={"about"}))

    def __call__(self) -> nn.Module:
        return build(self.recipe)


def network_of(path: Path, name: str) -> Callable[[], Any]:
    """Return the factory of a file's network.

    Raises:
        InputError: for a file that cannot be read, and a name that it does not hold.
    """
    recipes = _read(path, path.stat().st_mtime_ns if path.exists() else 0)
    if name not in recipes:
        raise InputError(f"{path}: network {name!r}: unknown; known are {', '.join(list(recipes)[:8])}")
    return Made(recipes[name])


@cache
def _read(path: Path, _changed: int) -> dict[str, Recipe]:
    return read_recipes(path)
