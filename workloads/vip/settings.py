"""What virtual pooling is asked: of full-size networks, and of runs on real images."""

from typing import Literal

from pydantic import Field

from workloads.methods.method import Settings


class ShapesSettings(Settings):
    """Which networks are pooled where."""

    network: str = Field("vgg16", description="A known network, or package.module:factory.")
    layers: list[str] = Field(
        [], description="Convolutions to pool; none: VGG-16's four published rounds, of others every eligible one."
    )
    interpolation: Literal["both", "kernel", "fused"] = Field(
        "both", description="Whether maps are interpolated by kernels of their own, or by what reads them."
    )


class RunSettings(Settings):
    """What is trained on what, and how much of it is pooled."""

    images: str = Field("mnist5k", description="digits, mnist5k, textures, a .npz file or a folder of images.")
    side: int | None = Field(None, ge=4, le=1024, description="Pixels that images are brought to.")
    limit: int = Field(0, ge=0, description="About so many images in all; 0 takes all.")
    network: str = Field("vgg_small", description="vgg_small, a known network, or package.module:factory.")
    widths: list[int] = Field([8, 16, 32], min_length=1, max_length=5, description="Channels of vgg_small's stages.")
    epochs: float = Field(10.0, gt=0, description="Of the training before pooling.")
    lr: float = Field(0.1, gt=0, description="Its highest learning rate.")
    rounds: int = Field(2, ge=1, le=20, description="Rounds of pooling, each followed by fine-tuning.")
    share: float = Field(0.67, gt=0, le=1, description="Of the eligible convolutions that are pooled in the end.")
    finetune_epochs: float = Field(4.0, ge=0, description="Of each round, and of the control that is not pooled.")
    finetune_lr: float = Field(0.01, gt=0, description="Highest learning rate of each round.")
    batch: int = Field(64, ge=1, description="Images an iteration.")
    margin_points: float = Field(
        1.0, gt=0, description="Percentage points of accuracy that pooling may cost to count as keeping it."
    )
