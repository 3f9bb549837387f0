"""Virtual pooling as `hwmodel method vip`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workloads.methods.method import Found, Method, Progress
from workloads.vip.settings import RunSettings, ShapesSettings

if TYPE_CHECKING:
    from workloads.recipes import Recipe

WORKS = {
    "chen2020": "Z. Chen, J. Zhang, R. Ding, D. Marculescu. ViP: Virtual Pooling for Accelerating CNN-based Image "
    "Classification and Object Detection. IEEE Winter Conference on Applications of Computer Vision (WACV), 2020. "
    "arXiv:1906.07912.",
}


def _shapes(settings: Any) -> "dict[str, Recipe]":
    from workloads.vip.rounds import shapes

    return shapes(settings)


def _run(settings: Any, folder: Path, seeds: Sequence[int], jobs: int, progress: Progress | None) -> Found:
    from workloads.vip.run import run

    return run(settings, folder, seeds, jobs, progress)


METHOD = Method(
    name="vip",
    title="Virtual pooling: convolutions that leave out three pixels of four, and interpolate",
    works=WORKS,
    shapes_settings=ShapesSettings,
    run_settings=RunSettings,
    shapes=_shapes,
    run=_run,
    axis="round",
    series="fused",
)
