"""What a method is: full-size networks as shapes, and its algorithm run on real images with a verdict on its claims."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from circuits.errors import InputError

if TYPE_CHECKING:
    from workloads.recipes import Recipe

GROUP = "hwmodel.methods"
Progress = Callable[[float], None]  # told the share that is done
Verdict = Literal["holds", "does not hold", "not shown"]


class Settings(BaseModel):
    """What a method is asked. Every field has a default, and a `description` that the command line shows as help."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper's, or of ours, and what the runs say to it.

    Attributes:
        claim: the sentence.
        verdict: `holds` where the interval lies on the claimed side, `does not hold` where it lies on the other,
            `not shown` where it holds both.
        estimate, low, high: of the figure that decides, and the 95 % interval over seeds.
        unit: of the figure, such as `percentage points`.
        rule: how the figure is made and what would be the claimed side, a sentence.
        seeds: how many.
    """

    claim: str
    verdict: Verdict
    estimate: float
    low: float
    high: float
    unit: str
    rule: str
    seeds: int

    @classmethod
    def above(cls, claim: str, interval: tuple[float, float, float], unit: str, rule: str, seeds: int,
              limit: float = 0.0) -> "Claim":  # fmt: skip
        """Return a claim that a figure (estimate, low, high) lies above a limit, judged by its interval."""
        estimate, low, high = interval
        verdict: Verdict = "holds" if low > limit else "does not hold" if high < limit else "not shown"
        return cls(claim, verdict, estimate, low, high, unit, rule, seeds)


@dataclass(frozen=True)
class Found:
    """What runs of a method came to.

    Attributes:
        rows: a row a seed and variant: `seed`, `variant`, and figures.
        summary: a row a variant: `variant`, and of each figure its mean, `NAME_low` and `NAME_high` over seeds.
        claims: and their verdicts.
        cpu_s: seconds of processors, of all seeds.
        notes: what a reader must know, a sentence each.
        curves: further tables by name, such as fronts or training curves.
        x, y: names of the summary's columns that its figure shows; `x` may be text (variants side by side).
    """

    rows: list[dict[str, Any]]
    summary: list[dict[str, Any]]
    claims: list[Claim]
    cpu_s: float
    notes: list[str] = field(default_factory=list)
    curves: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    x: str = "variant"
    y: str = "accuracy"

    def told_claims(self) -> list[dict[str, Any]]:
        return [asdict(claim) for claim in self.claims]


@dataclass(frozen=True)
class Method:
    """A method, as the command line and the reports know it.

    Attributes:
        name: as on the command line.
        title: one line.
        works: key -> citation of the papers.
        shapes_settings, run_settings: what the two are asked.
        shapes: full-size networks by name, no weights; `about` of each recipe says what a study's axis shows.
        run: the algorithm on real images: settings, folder for what can be resumed, seeds, processes, progress.
        axis: key of `about` that orders the networks of a study: `share`, `bits`, `round`.
        series: key of `about` that tells lines apart in a study's figures; a truth value is one, and its opposite.
        study: fields of a study's settings that are other than the default, such as {"dtype": "int8"}.
    """

    name: str
    title: str
    works: Mapping[str, str]
    shapes_settings: type[Settings]
    run_settings: type[Settings]
    shapes: Callable[[Any], "dict[str, Recipe]"]
    run: Callable[[Any, Path, Sequence[int], int, Progress | None], Found]
    axis: str
    series: str = ""
    study: Mapping[str, Any] = field(default_factory=dict)


def known_methods() -> list[str]:
    """Return the names of the methods that installed packages offer; none of them is imported."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def find_method(name: str) -> Method:
    """Return a method by name.

    Raises:
        InputError: for a name that is unknown, or a package that cannot be imported.
    """
    known = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in known:
        raise InputError(f"method {name!r}: unknown; known are {', '.join(sorted(known)) or 'none'}")
    try:
        return known[name].load()
    except Exception as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(f"method {name!r}: {known[name].value} cannot be loaded: {line}") from error
