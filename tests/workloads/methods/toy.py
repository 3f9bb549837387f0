"""A method small enough to test what stands around methods: networks of few bits, and runs that count."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from workloads.methods.method import Claim, Found, Method, Progress, Settings
from workloads.recipes import Recipe


class Shapes(Settings):
    """Networks of these bits."""

    bits: list[int] = Field([2, 8], min_length=1, description="Bits of weights.")
    side: int = Field(32, ge=8, description="Of an image.")


class Run(Settings):
    """One of each kind of field."""

    steps: int = Field(3, ge=1, description="How many.")
    share: float | None = Field(None, description="Of something.")
    how: Literal["fast", "slow"] = Field("fast", description="How.")
    flip: bool = Field(True, description="Whether.")


def shapes(asked: Shapes) -> dict[str, Recipe]:
    return {
        f"of-{bits}": Recipe(network="workloads.networks.small:resnet_cifar", input=[3, asked.side, asked.side],
                             weight_bits=bits, about={"bits": bits})
        for bits in asked.bits
    }  # fmt: skip


def run(asked: Run, folder: Path, seeds: Sequence[int], jobs: int, on_progress: Progress | None) -> Found:
    assert jobs >= 1
    rows = []
    for seed in seeds:
        kept = folder / "seeds" / f"seed-{seed}.json"
        kept.parent.mkdir(exist_ok=True)
        rows += [{"seed": seed, "variant": name, "accuracy": asked.steps + gain + 0.1 * seed}
                 for name, gain in (("plain", 0.0), ("better", 1.0))]  # fmt: skip
        kept.write_text("[]")
        if on_progress:
            on_progress((seed + 1) / len(seeds))
    summary = [{"variant": name, "accuracy": value, "accuracy_low": value - 0.5, "accuracy_high": value + 0.5}
               for name, value in (("plain", 3.0), ("better", 4.0))]  # fmt: skip
    claims = [
        Claim.above("Better is above plain", (1.0, 0.5, 1.5), "percentage points", "Differences of pairs.", 3),
        Claim.above("Plain is above better", (-1.0, -1.5, -0.5), "percentage points", "Differences of pairs.", 3),
        Claim.above("Seeds differ", (0.1, -0.1, 0.3), "percentage points", "Differences of pairs.", 3),
    ]
    return Found(rows, summary, claims, 1.5, ["Nothing was trained."], {"front": [{"share": 0.5, "error": 0.25}]})


METHOD = Method("toy", "A method that does little", {"toy": "Nobody. Nothing. 2026."}, Shapes, Run, shapes, run, "bits",
                study={"dtype": "int8"})  # fmt: skip
