"""Networks that methods make of other networks, as data: no weights, built again from a few lines of YAML."""

from workloads.recipes.build import build
from workloads.recipes.files import network_of, read_recipes, write_recipes
from workloads.recipes.recipe import Recipe

__all__ = ["Recipe", "build", "network_of", "read_recipes", "write_recipes"]
