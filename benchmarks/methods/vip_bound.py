"""The bound on virtual pooling's errors, checked position by position, in 64-bit arithmetic, and how near errors come.

Convolutions of drawn kernel, stride, padding, dilation and groups, over noise, smooth surfaces, stripes, single pixels,
constants, inputs of one sign, tiny and huge numbers, real images; filters at random and such as turn the bound into an
equality. An error above its bound, and above what rounding may add, is a violation.

    python -m benchmarks.methods.vip_bound [--checks 1000000] [--images mnist5k] [--seed 0] [--json]
"""

import argparse
import json
import math
import random

import torch
from torch import nn
from torch.nn import functional

from workloads.vip.bound import PLACES, error_bounds, errors, rounding

KINDS = ("noise", "smooth", "stripes", "pixels", "constant", "positive", "tiny", "huge", "image")


def inputs(kind: str, channels: int, draw: random.Random, pool: torch.Tensor | None) -> torch.Tensor:
    """Return (2, channels, h, w) of one kind, float64."""
    height, width = draw.randint(9, 20), draw.randint(9, 20)
    noise = torch.randn(2, channels, height, width, dtype=torch.float64)
    if kind == "image" and pool is not None:
        chosen = pool[torch.randint(len(pool), (2 * channels,)), :1]
        return functional.interpolate(chosen, (height, width), mode="area").view(2, channels, height, width).double()
    line = torch.arange(width, dtype=torch.float64)
    return {
        "smooth": functional.avg_pool2d(noise, 5, 1, 2),
        "stripes": torch.where(line % 2 == 0, 1.0, -1.0) * noise[..., :1],
        "pixels": torch.where(noise > 2, noise, 0.0),
        "constant": torch.full_like(noise, float(noise[0, 0, 0, 0])),
        "positive": noise.abs(),
        "tiny": noise * 1e-140,
        "huge": noise * 1e100,
    }.get(kind, noise)


def convolution(draw: random.Random, channels: int, groups: int) -> nn.Conv2d:
    """Return a convolution, float64."""

    def pair(least: int, most: int) -> tuple[int, int]:
        return draw.randint(least, most), draw.randint(least, most)

    made = nn.Conv2d(channels, 2 * groups, pair(1, 3), pair(1, 2), pair(0, 2), pair(1, 2), groups, draw.random() < 0.5)
    return made.double()


def aligned(layer: nn.Conv2d, x: torch.Tensor) -> None:
    """Turn a layer of one group to where the bound is reached: each filter along a patch less its neighbours' mean."""
    columns = functional.unfold(x, layer.kernel_size, layer.dilation, layer.padding, layer.stride)  # type: ignore[arg-type]
    first, second = columns[0, :, :2].T
    with torch.no_grad():
        layer.weight.copy_((first - second).view(1, *layer.weight.shape[1:]).expand_as(layer.weight))


def main() -> None:
    """Print how many positions were checked, how many violated the bound, and how near the nearest came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=1_000_000)
    parser.add_argument("--images", default="mnist5k")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    draw = random.Random(args.seed)
    pool = None
    if args.images != "none":
        from workloads.images import load_images

        pool = load_images(args.images).test.images
    found = {
        kind: {"checks": 0, "violations": 0, "nearest": 0.0} for kind in KINDS if kind != "image" or pool is not None
    }
    while sum(row["checks"] for row in found.values()) < args.checks:
        for kind, row in found.items():
            groups = draw.choice([1, 1, 2])
            x = inputs(kind, 3 * groups, draw, pool)
            layer = convolution(draw, 3 * groups, groups)
            if groups == 1 and draw.random() < 0.3:
                aligned(layer, x)
            for place in PLACES:
                bounds, off = error_bounds(layer, x, place), errors(layer, x, place)
                checked = torch.ones_like(bounds, dtype=torch.bool)
                checked[..., ::2, ::2] = False  # kept positions have neither error nor bound
                row["checks"] += int(checked.sum())
                row["violations"] += int((off > bounds + rounding(layer, x)).sum())
                inside = checked & (bounds > 1e6 * rounding(layer, x))
                if inside.any():
                    row["nearest"] = max(row["nearest"], float((off[inside] / bounds[inside]).max()))
    total = {"checks": sum(row["checks"] for row in found.values()),
             "violations": sum(row["violations"] for row in found.values()),
             "nearest": max(row["nearest"] for row in found.values())}  # fmt: skip
    if args.json:
        print(json.dumps(total | {"kinds": found}))
        return
    print(f"{'input':10s}{'checks':>10s}{'violations':>12s}{'error / bound at most':>24s}")
    for kind, row in [*found.items(), ("all", total)]:
        print(f"{kind:10s}{row['checks']:10d}{row['violations']:12d}{row['nearest']:24.15f}")
    assert math.isfinite(total["nearest"])


if __name__ == "__main__":
    main()
