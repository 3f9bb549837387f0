"""What calls at any width cost: finding units; slimmable calls beside networks cut out, backward pass and all.

    python -m benchmarks.methods.channels [--json]

Prints a row a network; times are medians of interleaved calls, one thread, as ratios where there is something to hold
them against.
"""

import argparse
import json
import time
from collections.abc import Callable
from statistics import median

import torch

from traces.networks import make_network
from workloads.channels import Slim, find_channels

CASES = (("workloads.networks.small:resnet_cifar", 32), ("resnet18", 4), ("mobilenet_v2", 4))


def main() -> None:
    """Measure each case and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = [measured(name, batch, asked.repeats) for name, batch in CASES]
    if asked.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(", ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
                        for name, value in row.items()))  # fmt: skip


def measured(name: str, batch: int, repeats: int) -> dict[str, object]:
    """Return a network's figures at half of all widths."""
    module, inputs = make_network(name, batch)
    module = module.to_empty(device="cpu")
    inputs = tuple(torch.randn(one.shape) for one in inputs)
    with torch.no_grad():
        for value in module.parameters():
            value.normal_(0, 0.01)
    start = time.process_time()
    channels = find_channels(module, inputs)
    found_s = time.process_time() - start
    slim, widths = Slim(module.train(), channels), channels.widths(0.5)
    cut = slim.extract(widths).train()
    calls: dict[str, Callable[..., torch.Tensor]] = {"slim": slim.at(widths), "cut": cut}
    times: dict[str, list[float]] = {kind: [] for kind in calls}
    for _ in range(repeats + 1):
        for kind, call in calls.items():
            start = time.process_time()
            call(*inputs).sum().backward()
            times[kind].append(time.process_time() - start)
    best = {kind: median(values[1:]) for kind, values in times.items()}  # the first warms up
    return {"network": name, "batch": batch, "units": len(channels.units), "find_s": found_s, "cut_s": best["cut"],
            "slim_over_cut": best["slim"] / best["cut"]}  # fmt: skip


if __name__ == "__main__":
    main()
