"""What a learner is told, beside the run's settings: figures of `recipes.yaml`, some replaced."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from circuits.errors import InputError

FILE = Path(__file__).with_name("recipes.yaml")


@dataclass(frozen=True)
class Recipe:
    """Of any algorithm.

    Attributes:
        unroll: steps of an unroll; the learned part of a sequence in r2d2. batch: unrolls a batch.
        learning_rate: Adam's. discount: of what follows, a step. clip: the largest norm of a gradient.
    """

    unroll: int
    batch: int
    learning_rate: float
    discount: float
    clip: float


@dataclass(frozen=True)
class ImpalaRecipe(Recipe):
    """Attributes:
    entropy: weight of the policy's entropy. value_weight: weight of the value's squared error.
    """

    entropy: float
    value_weight: float


@dataclass(frozen=True)
class R2d2Recipe(Recipe):
    """Attributes:
    burn_in: steps that only warm the recurrent state up. stride: steps from a sequence's begin to the next one's.
    n_step: rewards of a target. target_period: batches from one copy to the target network to the next.
    epsilon, epsilon_power: environment i of N acts at random in epsilon ** (1 + epsilon_power * i / (N - 1)) of steps.
    priority_power: of a sequence's priority. importance_power: of the weights that correct for it.
    priority_largest: share of a sequence's largest error in its priority; the rest is of the mean.
    replay: sequences kept. least: sequences kept before learning begins.
    replay_ratio: steps learned from, a step acted.
    """

    burn_in: int
    stride: int
    n_step: int
    target_period: int
    epsilon: float
    epsilon_power: float
    priority_power: float
    importance_power: float
    priority_largest: float
    replay: int
    least: int
    replay_ratio: float


KINDS: dict[str, type[Recipe]] = {"impala": ImpalaRecipe, "r2d2": R2d2Recipe}


def recipe(algorithm: str, dimensions: int, replaced: dict[str, str]) -> Any:
    """Return the figures of an algorithm for what is seen, of one dimension (numbers) or more (pictures).

    Args:
        algorithm: one of `KINDS`.
        dimensions: of an observation.
        replaced: name -> text of a figure.

    Raises:
        InputError: there is no such name, or no number is given for it.
    """
    import yaml

    kind = KINDS[algorithm]
    found = yaml.safe_load(FILE.read_text(encoding="utf-8"))[algorithm]["numbers" if dimensions < 2 else "pictures"]
    kinds = {field.name: field.type for field in fields(kind)}
    for name, text in replaced.items():
        if name not in kinds:
            raise InputError(f"--set {name}={text}: {algorithm} has no such figure; it has {', '.join(kinds)}")
        try:
            number = int(text) if kinds[name] is int else float(text)
        except ValueError:
            number = -1
        if not number >= (0 if name in _MAY_BE_NONE else 1e-12):
            what = "a whole number" if kinds[name] is int else "a number"
            raise InputError(
                f"--set {name}={text}: give {what} {'of 0 or more' if name in _MAY_BE_NONE else 'above 0'}"
            )
        found[name] = number
    return kind(**found)


_MAY_BE_NONE = ("entropy", "value_weight", "epsilon", "epsilon_power", "burn_in", "priority_power", "importance_power",
                "priority_largest")  # fmt: skip
