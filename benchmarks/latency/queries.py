"""How many networks a predictor answers for in a CPU second of one thread, and how long one answer takes.

    python benchmarks/latency/queries.py [--json] [--networks 1000000] [--rounds 5] [--rank 64] [--device FILE ...]
        [--nn-meter PYTHON --model NETWORK.onnx]

Without --device: predictors with drawn numbers over FBNet's space (22 layers x 9 choices) and NAS-Bench-201's (6 x 5);
what they take does not depend on the numbers. `table` has layers alone, `pairs` all pairs of layers too, as a Gaussian
process over layers and their pairs has, `whole` tells every network; intervals have --rank features. Gradients are of
float32 chances. Codes are checked in every call. Rounds are interleaved; medians. `single_us` is a call for one network
given as codes, `text_us` as text.

--nn-meter names a Python that has nn-Meter installed; its pipeline answers for an ONNX file, which it reads each time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from hwmodel.latency.query.closed import closed_of, value_and_gradient
from hwmodel.latency.query.form import Form, read_form
from hwmodel.latency.query.lookup import Lookup
from hwmodel.latency.query.predictor import SpacePredictor
from hwmodel.latency.spaces import encode, load_space

SHARE = 20  # of the networks, how many fewer gradients are timed
BATCH = 2048  # of torch
KINDS = {"fbnet": ("table", "pairs"), "nasbench201": ("table", "pairs", "whole")}
NN_METER = """
import sys, time
from nn_meter import load_latency_predictor
predictor = load_latency_predictor("cortexA76cpu_tflite21", 1.0)
predictor.predict(sys.argv[1], "onnx")
begin = time.process_time()
for _ in range(20):
    predictor.predict(sys.argv[1], "onnx")
print(20 / (time.process_time() - begin))
"""


def one_thread() -> None:
    """Start again where BLAS may take more than one thread: it asks only once, at its start."""
    wanted = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | wanted)


def drawn(space_name: str, kind: str, rank: int) -> Form:
    """Return a predictor with drawn numbers."""
    space, draw = load_space(space_name), np.random.default_rng(0)
    length, width = len(space.layers), space.choices
    pairs = kind == "pairs"
    if kind == "whole":
        whole = 0.1 * draw.random((2, space.size))
        return Form(space, "drawn", "latency_s", "log", np.zeros((length, width)), whole=whole,
                    quantiles=((0.9, 1.6, 1.7),))  # fmt: skip
    of = list(combinations(range(length), 2)) if pairs else []
    return Form(
        space, "drawn", "latency_s", "log" if pairs else "identity", 0.1 * draw.normal(size=(length, width)),
        offset=-5.0, noise=1e-4, pairs=np.array(of, np.int64).reshape(len(of), 2),
        pair=0.01 * draw.normal(size=(len(of), width, width)), base=0.01 * draw.normal(size=rank),
        factor=0.01 * draw.normal(size=(length, width, rank)), quantiles=((0.9, 1.6, 1.7),),
    )  # fmt: skip


def works_of(form: Form, networks: int) -> dict[str, tuple[int, Callable[[], Any]]]:
    """Return what is timed: a name, networks a call, and the call."""
    import torch

    from hwmodel.latency.query.relaxed import ExpectedCost

    torch.set_num_threads(1)
    lookup, draw = Lookup(form), np.random.default_rng(1)
    codes = form.space.sample(networks, draw)
    mean, three = np.empty(networks), np.empty((3, networks))
    level = form.levels[0] if form.quantiles else None
    works: dict[str, tuple[int, Callable[[], Any]]] = {"mean": (networks, lambda: lookup.mean(codes, mean))}
    chances = draw.gamma(1.0, size=(max(BATCH, networks // SHARE), *form.table.shape)).astype(np.float32)
    chances /= chances.sum(axis=2, keepdims=True)
    plain, leaf = closed_of(form), torch.tensor(chances[:BATCH], requires_grad=True)
    works["mean_gradient"] = (len(chances), lambda: value_and_gradient(plain, chances))
    if level is not None:
        upper, cost = closed_of(form, "high", level), ExpectedCost(form, "high", level)
        works["interval"] = (networks, lambda: lookup.interval(codes, level, three))
        works["upper_gradient"] = (len(chances), lambda: value_and_gradient(upper, chances))
        works["upper_gradient_torch"] = (BATCH, lambda: torch.autograd.grad(cost(leaf).sum(), leaf))
    return works


def rates(form: Form, networks: int, rounds: int) -> dict[str, float]:
    """Return networks a CPU second of each work, medians of interleaved rounds; and microseconds of single calls."""
    works = works_of(form, networks)
    took: dict[str, list[float]] = {name: [] for name in works}
    for _, call in works.values():
        call()
    for _ in range(rounds):
        for name, (_, call) in works.items():
            begin = time.process_time()
            call()
            took[name].append(time.process_time() - begin)
    row = {f"{name}_per_s": works[name][0] / statistics.median(times) for name, times in took.items()}
    predictor, one = SpacePredictor(form), form.space.sample(1, np.random.default_rng(2))
    texts = encode(form.space, one)
    for name, asked in (("single_us", one), ("text_us", texts)):
        begin = time.process_time()
        for _ in range(2000):
            predictor.predict(asked)
        row[name] = 1e6 * (time.process_time() - begin) / 2000
    return row


def nn_meter(python: str, model: Path) -> dict[str, Any]:
    """Return how many networks nn-Meter answers for in a CPU second, or why it does not."""
    done = subprocess.run(
        [python, "-c", NN_METER, str(model.absolute())], capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        return {"name": "nn-Meter", "failed": (done.stderr.strip().splitlines() or ["no reason given"])[-1][:300]}
    return {"name": "nn-Meter", "mean_per_s": float(done.stdout.split()[-1])}


def main() -> None:
    """Time them and print a table, or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--networks", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--device", type=Path, action="append", default=[])
    parser.add_argument("--nn-meter", dest="python")
    parser.add_argument("--model", type=Path)
    given = parser.parse_args()
    forms = {str(path): read_form(path) for path in given.device} or {
        f"{space} {kind}": drawn(space, kind, given.rank)
        for space, kinds in KINDS.items() for kind in kinds
    }  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"name": name} | rates(form, given.networks, given.rounds) for name, form in forms.items()
    ]
    if given.python and given.model:
        rows.append(nn_meter(given.python, given.model))
    if given.json:
        print(json.dumps({"networks": given.networks, "rank": given.rank, "rows": rows}, indent=2))
        return
    for row in rows:
        print(row.pop("name"))
        for name, value in row.items():
            print(f"  {name:<24}{value:>16,.1f}" if isinstance(value, float) else f"  {name:<24}{value}")


if __name__ == "__main__":
    one_thread()
    main()
