"""Sectors lowered a second for the layers of a VGG-16 training step: `python benchmarks/traces/lower.py --json`.

Each distinct layer's kernels are lowered once and weighed by how often the network has the layer. Needs no capture: the
operators' calls are built here. Nothing but the lowering is timed; the first layer is lowered once before, to compile.
"""

import argparse
import json
import time
from collections.abc import Iterator
from math import prod

import numpy as np

from traces.gpus import Gpu, load_gpu
from traces.lowering import plan
from traces.operation import Operation, View
from traces.stream import SECTOR_BYTES, Intervals

# Channels in, image side, channels out, times in the network: configuration D of Simonyan and Zisserman,
# arXiv:1409.1556.
LAYERS = [(3, 224, 64, 1), (64, 224, 64, 1), (64, 112, 128, 1), (128, 112, 128, 1), (128, 56, 256, 1),
          (256, 56, 256, 2), (256, 28, 512, 1), (512, 28, 512, 2), (512, 14, 512, 3)]  # fmt: skip
PRODUCTS = [(25088, 4096), (4096, 4096), (4096, 1000)]


class Memory:
    """Hands out addresses one after another."""

    def __init__(self) -> None:
        self.top, self.count = 1 << 32, 0

    def allocate(self, size: int, _: str = "") -> tuple[int, int]:
        self.top += -(-size // 512) * 512
        self.count += 1
        return self.count - 1, self.top - -(-size // 512) * 512

    def tensor(self, *shape: int) -> View:
        index, address = self.allocate(4 * prod(shape))
        return View(index, address, shape, tuple(prod(shape[d + 1 :]) for d in range(len(shape))), 4, "float32")


def convolution(c: int, side: int, k: int, batch: int, memory: Memory) -> list[Operation]:
    """Return a 3 x 3 convolution and its gradients, that of the image only where it is not the network's input."""
    x, w, y = memory.tensor(batch, c, side, side), memory.tensor(k, c, 3, 3), memory.tensor(batch, k, side, side)
    rest = ([1, 1], [1, 1], [1, 1], False, [0, 0], 1)
    dx = memory.tensor(*x.shape) if c > 3 else None
    gradients = (dx, memory.tensor(*w.shape), memory.tensor(k))
    forward, backward = (x, w, memory.tensor(k), *rest), (y, x, w, [k], *rest, [c > 3, True, True])
    return [
        Operation("aten.convolution.default", forward, {}, (y,), "conv", "forward"),
        Operation("aten.convolution_backward.default", backward, {}, gradients, "conv", "backward"),
    ]


def product(k: int, n: int, batch: int, memory: Memory) -> list[Operation]:
    """Return a linear layer and its gradients."""
    x, w, y, b = memory.tensor(batch, k), memory.tensor(n, k), memory.tensor(batch, n), memory.tensor(n)
    across = View(w.tensor, w.address, (k, n), (1, k), 4, "float32")
    turned = View(y.tensor, y.address, (n, batch), (1, n), 4, "float32")
    return [
        Operation("aten.addmm.default", (b, x, across), {}, (y,), "fc", "forward"),
        Operation("aten.mm.default", (y, w), {}, (memory.tensor(batch, k),), "fc", "backward"),
        Operation("aten.mm.default", (turned, x), {}, (memory.tensor(n, k),), "fc", "backward"),
    ]


def count(batch: Intervals) -> int:
    """Return the sectors of a batch; rows keep in step with sectors here, as every stride is a multiple of 32 B."""
    base = batch.base.astype(np.int64) % SECTOR_BYTES
    return int(((base + batch.width + SECTOR_BYTES - 1) // SECTOR_BYTES * batch.rows).sum())


def measure(operations: list[Operation], gpu: Gpu, memory: Memory) -> Iterator[tuple[str, int, int, float]]:
    """Yield (kernel, sectors, intervals, seconds) of each launch."""
    for operation in operations:
        for launch in plan(operation, gpu, memory.allocate):
            sectors = intervals = 0
            seconds, stream = 0.0, launch.emit(0)
            while True:
                start = time.perf_counter()
                batch = next(stream, None)
                seconds += time.perf_counter() - start
                if batch is None:
                    break
                sectors += count(batch)
                intervals += len(batch.base)
            yield launch.kernel.name, sectors, intervals, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--gpu", default="gtx1080ti")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args()
    gpu, memory = load_gpu(chosen.gpu), Memory()
    list(measure(convolution(64, 7, 64, 1, memory) + product(64, 64, 4, memory), gpu, memory))
    work = [
        (f"conv {c}x{s}x{s} -> {k}", convolution(c, s, k, chosen.batch, memory), times) for c, s, k, times in LAYERS
    ]
    work += [(f"linear {k} -> {n}", product(k, n, chosen.batch, memory), 1) for k, n in PRODUCTS]
    rows = [
        {
            "layer": layer,
            "kernel": kernel,
            "times": times,
            "sectors": sectors,
            "intervals": intervals,
            "time_s": seconds,
        }
        for layer, operations, times in work
        for kernel, sectors, intervals, seconds in measure(operations, gpu, memory)
    ]
    total = {key: sum(row[key] * row["times"] for row in rows) for key in ("sectors", "intervals", "time_s")}
    document = {"network": "vgg16 layers", "batch": chosen.batch, "gpu": gpu.name, **total,
                "sectors_per_s": total["sectors"] / total["time_s"], "kernels": rows}  # fmt: skip
    if chosen.json:
        print(json.dumps(document, indent=2))
        return
    for row in rows:
        rate = row["sectors"] / row["time_s"] / 1e6
        print(f"{row['layer']:24}{row['kernel']:32}{row['sectors']:>14,} sectors{rate:>8.0f} M/s")
    print(f"all, weighed: {total['sectors']:,} sectors, {total['intervals']:,} intervals in {total['time_s']:.1f} s: "
          f"{document['sectors_per_s'] / 1e6:.0f} M sectors/s")  # fmt: skip


if __name__ == "__main__":
    main()
