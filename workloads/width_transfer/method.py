"""Width Transfer as `hwmodel method width-transfer` knows it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from workloads.methods.method import Found, Method, Progress, Settings

if TYPE_CHECKING:
    from workloads.recipes import Recipe

NETWORK = "workloads.networks.small:resnet_cifar"
DIRECT, UNIFORM = "direct", "uniform"  # searched on the network itself; one share for all
Projection = Literal["width", "depth", "resolution", "data", "all"]
WORKS = {
    "chin2021": "T.-W. Chin, D. Marculescu, A. S. Morcos. Width Transfer: On the (In)variance of Width Optimization. "
    "IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops, pp. 2990-2999, 2021. "
    "doi:10.1109/CVPRW53098.2021.00334. arXiv:2104.13255.",
    "gordon2018": "A. Gordon, E. Eban, O. Nachum, B. Chen, H. Wu, T.-J. Yang, E. Choi. MorphNet: Fast & Simple "
    "Resource-Constrained Structure Learning of Deep Networks. IEEE/CVF Conference on Computer Vision and Pattern "
    "Recognition (CVPR), pp. 1586-1595, 2018. arXiv:1711.06798.",
    "guo2020": "S. Guo, Y. Wang, Q. Li, J. Yan. DMCP: Differentiable Markov Channel Pruning for Neural Networks. "
    "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR), 2020. arXiv:2005.03354.",
    "yu2019": "J. Yu, T. Huang. AutoSlim: Towards One-Shot Architecture Search for Channel Numbers. arXiv:1903.11728, "
    "2019.",
}
Share = Annotated[float, Field(gt=0, lt=1)]


class ShapesSettings(Settings):
    """Which full-size networks are made."""

    network: str = Field("resnet18", description="Network whose widths change: a known one or package.module:factory.")
    from_run: Path | None = Field(
        None, description="Folder of a run: its networks' mean relative widths are carried over."
    )
    budget: Share = Field(0.5, description="MACs of each, as a share of the network's own.")
    profiles: int = Field(
        3, ge=0, le=1000, description="Networks of random widths, where no run says any; seeds from 0."
    )


class RunSettings(Settings):
    """What is searched, and on what."""

    images: str = Field("mnist5k", description="Images: digits, mnist5k, textures, a .npz or a folder.")
    side: int | None = Field(14, ge=1, description="Pixels of a side that images are brought to.")
    limit: int | None = Field(None, ge=1, description="Images at most.")
    network: str = Field(
        NETWORK,
        description="Network whose widths are wanted: a known one or package.module:factory.",
    )
    arguments: list[str] | None = Field(
        None,
        description="Of its factory: NAME=NUMBER, or NAME=2x2x2 for a list.  "
        "[default: depth_per_stage=2,width=16 of the default network]",
    )
    optimiser: Literal["morphnet", "dmcp", "autoslim"] = Field("morphnet", description="What searches widths.")
    budget: Share = Field(0.25, description="MACs that widths are wanted for, as a share of the network's.")
    projections: list[Projection] = Field(
        ["width", "depth", "resolution", "data", "all"],
        min_length=1,
        description="Cheaper versions to search on; `all`: those named, together.",
    )
    proxy_width: Share = Field(0.5, description="Share of the channels, with projection width.")
    proxy_depth: int = Field(1, ge=1, description="Blocks a stage, with projection depth.")
    proxy_resolution: Share = Field(0.5, description="Share of the images' side, with projection resolution.")
    proxy_data: Share = Field(0.25, description="Share of the training images, with projection data.")
    stacking: Literal["last", "average"] = Field("last", description="What new blocks of a stage copy.")
    search_epochs: float = Field(10, gt=0, description="Epochs of a search.")
    epochs: float = Field(10, gt=0, description="Epochs of the training of the networks that are found.")
    batch: int = Field(64, ge=1, description="Images an iteration.")
    lr: float = Field(0.1, gt=0, description="Highest learning rate.")
    margin: float = Field(0.5, gt=0, description="Percentage points of accuracy that count as no loss.")
    agreement: Share = Field(
        0.8, description="Share of two direct searches' agreement that counts as finding the same widths."
    )
    full_size: bool = Field(True, description="Also count what searches cost at full size.")

    @field_validator("projections")
    @classmethod
    def _once(cls, given: list[str]) -> list[str]:
        if len(set(given)) != len(given):
            raise ValueError("each projection only once")
        return given


def shapes(settings: ShapesSettings) -> "dict[str, Recipe]":
    """Return full-size networks of equal MACs: uniform, and with the widths of a run or of random profiles.

    Raises:
        InputError: for a network or run that cannot be used.
    """
    from workloads.width_transfer.shapes import made

    return made(settings)


def run(settings: RunSettings, folder: Path, seeds: Sequence[int], jobs: int, on_progress: Progress | None) -> Found:
    """Return what direct and cheaper searches find, seed by seed, and what that says to the claims.

    Args:
        settings: of the run.
        folder: where seeds that are done are kept.
        seeds: of weights, batches and images that are left out.
        jobs: processes at work.
        on_progress: told of the share that is done.

    Raises:
        InputError: for settings that cannot be used, and a folder of another run.
    """
    from workloads.width_transfer.judge import found

    return found(settings, folder, seeds, jobs, on_progress)


METHOD = Method(
    name="width-transfer",
    title="Width Transfer: widths searched on a cheaper network, fewer and smaller images, and carried over",
    works=WORKS,
    shapes_settings=ShapesSettings,
    run_settings=RunSettings,
    shapes=shapes,
    run=run,
    axis="projection",
)
