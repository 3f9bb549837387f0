"""The method, as the command line knows it: what it is asked, its full-size networks, its runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from workloads.methods.method import Found, Method, Progress, Settings

if TYPE_CHECKING:
    from workloads.recipes import Recipe

WORKS = {
    "chin2021": "T.-W. Chin, A. S. Morcos, D. Marculescu. Joslim: Joint Widths and Weights Optimization for Slimmable "
    "Neural Networks. ECML PKDD, 2021. arXiv:2007.11752.",
    "yu2019": "J. Yu, T. Huang. Universally Slimmable Networks and Improved Training Techniques. IEEE/CVF "
    "International Conference on Computer Vision, 2019. arXiv:1903.05134.",
    "deb2002": "K. Deb, A. Pratap, S. Agarwal, T. Meyarivan. A Fast and Elitist Multiobjective Genetic Algorithm: "
    "NSGA-II. IEEE Transactions on Evolutionary Computation 6(2), pp. 182-197, 2002.",
    "balandat2020": "M. Balandat et al. BoTorch: A Framework for Efficient Monte-Carlo Bayesian Optimization. NeurIPS, "
    "2020. arXiv:1910.06403.",
}
Variant = Literal["joslim", "uniform", "random", "nsga"]
Axis = Literal["macs", "parameters", "traffic", "dram", "energy", "latency"]
Share = Annotated[float, Field(gt=0, le=1)]


class ShapesSettings(Settings):
    """A family of full-size networks whose layers have widths of their own."""

    network: str = Field("resnet18", description="A network's name, or package.module:factory.")
    targets: Annotated[int, Field(ge=1, le=200)] = Field(5, description="Shares of the full network's MACs aimed at.")
    smallest: Annotated[float, Field(gt=0, lt=1)] = Field(0.1, description="The smallest of these shares.")
    drawn: Annotated[int, Field(ge=0, le=200)] = Field(
        2, description="Networks drawn at each target, beside the one whose layers are all narrowed alike."
    )
    spread: Annotated[float, Field(gt=0, le=3)] = Field(
        0.5, description="Deviation of the logarithm of a layer's share of its channels."
    )
    multiple: Annotated[int, Field(ge=1, le=256)] = Field(1, description="Channels are rounded to multiples of it.")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Of what is drawn.")


class RunSettings(Settings):
    """Slimmable training on images, and the search for widths."""

    images: str = Field("mnist5k", description="digits, mnist5k, textures, a .npz file, or a folder of images.")
    side: Annotated[int, Field(ge=1, le=4096)] | None = Field(14, description="Pixels that images are brought to.")
    limit: Annotated[int, Field(ge=1)] | None = Field(None, description="At most so many images.")
    augment: Literal["none", "shift", "shift+flip"] = Field("none", description="How images vary in training.")
    network: str = Field("resnet_cifar", description="resnet_cifar, mobile_small, or package.module:factory.")
    width: Annotated[int, Field(ge=1, le=1024)] = Field(8, description="Channels of resnet_cifar's first stage.")
    smallest: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.25, description="Share of each layer's channels that the smallest network has."
    )
    costs: Annotated[list[Axis], Field(min_length=1, max_length=2)] = Field(
        ["macs", "energy"], description="What the search trades accuracy for; a second one is searched by too."
    )
    cache: str = Field("32KiB", description="Capacity of the cache, for dram and energy.")
    device: str = Field("", description="Whose predictor tells latency: a name or a file.")
    variants: Annotated[list[Variant], Field(min_length=1)] = Field(
        ["joslim", "uniform", "random", "nsga"], description="What is trained."
    )
    bound: Literal["optimistic", "pessimistic"] = Field(
        "optimistic", description="Which confidence bound is minimised; the authors' program has the pessimistic one."
    )
    beta: Annotated[float, Field(ge=0, le=100)] = Field(0.1, description="Square of the bound's deviations.")
    base: Annotated[float, Field(ge=-100, lt=0)] = Field(-3, description="Ideal point, in standardised values.")
    every: Annotated[int, Field(ge=1)] = Field(28, description="Steps from one search to the next.")
    proposed: Annotated[int, Field(ge=1, le=64)] = Field(6, description="Widths that a search proposes.")
    sampled: Annotated[int, Field(ge=1, le=64)] = Field(2, description="Widths that a step trains, of these in turn.")
    prior: Annotated[int, Field(ge=2, le=1000)] = Field(9, description="Uniform widths that are visited first.")
    judged: Annotated[int, Field(ge=1)] = Field(48, description="Networks that get batch statistics of their own.")
    epochs: Annotated[float, Field(gt=0, le=10_000)] = Field(5, description="Passes over the training images.")
    batch: Annotated[int, Field(ge=2, le=4096)] = Field(32, description="Images a step.")
    lr: Annotated[float, Field(gt=0, le=10)] = Field(0.05, description="Highest learning rate; it falls as a cosine.")
    smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(0.1, description="Of the labels.")
    at: list[Share] = Field([0.1, 0.2, 0.3, 0.5, 1.0], description="Shares of the cost at which accuracy is told.")


def shapes(settings: ShapesSettings) -> "dict[str, Recipe]":
    """Return networks at several shares of the MACs: all layers narrowed alike, and each by its own share."""
    from workloads.joslim.shapes import families

    return families(settings)


def run(
    settings: RunSettings, folder: Path, seeds: Sequence[int], jobs: int = 1, on_progress: Progress | None = None
) -> Found:
    """Train slimmable networks whose widths are searched, and those they are compared with."""
    from workloads.joslim.run import found

    return found(settings, folder, seeds, jobs, on_progress)


METHOD = Method(
    name="joslim",
    title="Joslim: slimmable weights and the widths of each layer, optimised together",
    works=WORKS,
    shapes_settings=ShapesSettings,
    run_settings=RunSettings,
    shapes=shapes,
    run=run,
    axis="share",
    series="layers",
    study={"staircase": 17},
)
