"""The method, as the command line knows it: what it is asked, its full-size networks, its runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from workloads.methods.method import Found, Method, Progress, Settings

if TYPE_CHECKING:
    from workloads.recipes import Recipe

WORKS = {
    "chin2020": "T.-W. Chin, P. I.-J. Chuang, V. Chandra, D. Marculescu. One Weight Bitwidth to Rule Them All. "
    "Computer Vision - ECCV 2020 Workshops. arXiv:2008.09916.",
    "max1960": "J. Max. Quantizing for Minimum Distortion. IRE Transactions on Information Theory 6(1), 1960.",
}
Bits = Annotated[int, Field(ge=1, le=8)]
Count = Literal["weights", "scales", "all"]
Several = Annotated[list[Bits], Field(min_length=1), AfterValidator(lambda bits: list(dict.fromkeys(bits)))]
ENDS = "Bits of the first and the last layer; none: as the others."
COUNT = "What counts as size: weights (the paper's), scales too (2 bytes a filter), or all (others at 4 bytes each)."


class ShapesSettings(Settings):
    """Full-size networks of one size."""

    network: str = Field(default="resnet18", description="A network's name, or package.module:factory.")
    bits: Several = Field(default=[1, 2, 3, 4, 6, 8], description="Bits of the weights.")
    at: Bits = Field(
        default=8, description="All are as large as the network at its own width with weights of so many bits."
    )
    ends: Bits | None = Field(default=8, description=ENDS)
    multiple: Annotated[int, Field(ge=1, le=256)] = Field(
        default=32,
        description="Channels are rounded to multiples of it, as far as the network's own are: 32 int8 are a sector.",
    )
    count: Count = Field(default="scales", description=COUNT)


class RunSettings(Settings):
    """Training at one size, on images."""

    images: str = Field(default="mnist5k", description="digits, mnist5k, textures, a .npz file, or a folder of images.")
    side: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        default=14, description="Pixels that images are brought to."
    )
    limit: Annotated[int, Field(ge=1)] | None = Field(default=None, description="At most so many images.")
    network: str = Field(default="resnet_cifar", description="resnet_cifar, mobile_small, or package.module:factory.")
    beside: str | None = Field(default="mobile_small", description="A network with another fan-in; none leaves it out.")
    bits: Several = Field(default=[1, 2, 3, 4, 6, 8], description="Bits of the weights.")
    beside_bits: Several = Field(default=[2, 4, 8], description="Bits of the weights of the network beside.")
    at: Bits = Field(
        default=4, description="All are as large as the network at its own width with weights of so many bits."
    )
    mixed_at: Bits = Field(
        default=2, description="The mixed bits of least loss are those of a network as wide as these bits'."
    )
    tolerance: Annotated[float, Field(ge=0, le=100)] = Field(
        default=0.5, description="Percentage points of accuracy on validation images that pass for no loss."
    )
    mixed: bool = Field(default=True, description="Whether to compare with bits chosen layer by layer.")
    ends: Bits | None = Field(default=8, description=ENDS)
    count: Count = Field(default="scales", description=COUNT)
    epochs: Annotated[float, Field(gt=0, le=10_000)] = Field(default=10, description="Passes over the training images.")
    batch: Annotated[int, Field(ge=1, le=4096)] = Field(default=64, description="Images an iteration.")
    lr: Annotated[float, Field(gt=0, le=10)] = Field(
        default=0.1, description="Highest learning rate; it falls as a cosine."
    )


def shapes(settings: ShapesSettings) -> "dict[str, Recipe]":
    """Return networks of one size, wider the fewer bits their weights have."""
    from workloads.bitwidth.shapes import equal_networks

    return equal_networks(settings)


def run(
    settings: RunSettings, folder: Path, seeds: Sequence[int], jobs: int = 1, on_progress: Progress | None = None
) -> Found:
    """Train networks of one size and compare them."""
    from workloads.bitwidth.run import found

    return found(settings, folder, seeds, jobs, on_progress)


METHOD = Method(
    name="bitwidth",
    title="One bitwidth for all weights: fewer bits and more channels, at the same size",
    works=WORKS,
    shapes_settings=ShapesSettings,
    run_settings=RunSettings,
    shapes=shapes,
    run=run,
    axis="bits",
    study={"dtype": "int8"},
)
