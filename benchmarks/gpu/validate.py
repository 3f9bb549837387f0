"""Modelled traffic beside a GPU's own counters: `python -m benchmarks.gpu.validate`, unattended, within ten minutes.

On a machine with an NVIDIA GPU, a torch with CUDA and Nsight Compute; no network is needed. Each item is run under ncu,
cold and warm, and saved with what is modelled of it; run again, it goes on behind what is there. The file belongs into
tests/reference/. `--recorded FILE` makes the table of errors from such files, wherever they were counted; with it,
`--again` models their items anew, with the code as it is, in the place of what the file holds.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # where this is run as a file

import yaml  # noqa: E402

from benchmarks.gpu.errors import RATE, coverage, errors  # noqa: E402
from traces.counters.join import Counts, Row, rejoin  # noqa: E402
from traces.counters.machine import describe  # noqa: E402
from traces.counters.profile import MODES, Refused  # noqa: E402
from traces.counters.session import Session, name_of  # noqa: E402
from traces.counters.table import SIDES, read_table, write_counters  # noqa: E402
from traces.counters.target import Job  # noqa: E402
from traces.errors import InputError  # noqa: E402
from traces.trace import Kernel  # noqa: E402

ITEMS = "benchmarks.gpu.items:"  # by module, here and below: no package need be installed
JOBS = (
    Job(f"{ITEMS}Streams", 1, "inference"),
    Job(f"{ITEMS}Products", 1, "inference"),
    Job(f"{ITEMS}Convolutions", 4, "inference"),
    Job("workloads.networks.resnet:resnet18", 4, "inference"),
    Job(f"{ITEMS}Attention", 2, "inference", "bf16"),
    Job(f"{ITEMS}Norms", 8, "inference"),
    Job("workloads.networks.bert:bert_base", 2, "inference"),
    Job("workloads.networks.vgg:vgg16", 4, "inference"),
    Job("workloads.networks.resnet:resnet18", 4, "training"),
    Job(f"{ITEMS}Products", 1, "inference", "bf16"),
)
LEAST_S = 20.0  # an item is not begun with less time left
MARGIN = 1.3  # nor with less than the longest one took, by so much


def measure(session: Session, output: Path, budget_s: float) -> tuple[dict[str, str], list[Row]]:
    """Count every item that the budget allows and the file has not yet, save each, and return what the file holds.

    Raises:
        InputError: for a file that holds other counters, where the counters may not be read, and where no item could
            be counted.
    """
    about, rows = read_table(output) if output.exists() else ({}, [])
    if about and about.get("gpu") != session.machine.gpu:
        raise InputError(f"{output}: holds counters of {about.get('gpu')!r}; name another file with --output")
    begin, longest = time.monotonic(), LEAST_S
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # a model is made while ncu counts
        for job in JOBS:
            if any(row.item == name_of(job) for row in rows):
                continue
            start, left = time.monotonic(), budget_s - (time.monotonic() - begin)
            if left < longest * MARGIN:
                print(f"{name_of(job)}: left out, {left:.0f} s are left; run again to go on", file=sys.stderr)
                continue
            one = replace(session, job=job)
            try:
                model = pool.submit(modelled, job, session.gpu)
                profiles = one.count(left)
                kernels, counts = model.result(timeout=max(1.0, budget_s - (time.monotonic() - begin)))
                rows += one.rows(profiles, kernels, counts)
            except Refused:
                raise  # so would be the rest
            except (InputError, TimeoutError) as error:
                print(f"{name_of(job)}: left out: {error or 'not modelled in time'}", file=sys.stderr)
                continue
            about = about or one.about(profiles)
            write_counters(output, about, rows)
            longest = max(longest, time.monotonic() - start)
            print(f"{name_of(job)}: counted in {time.monotonic() - start:.0f} s", file=sys.stderr)
        for process in (pool._processes or {}).values():
            process.terminate()  # one that is too late must not hold the end
    if not rows:
        raise InputError("no item was counted")
    return about, rows


def modelled(job: Job, gpu: str) -> tuple[list[Kernel], dict[str, list[Counts]]]:
    """Return a run's kernels and what is modelled of each, cold and warm."""
    from hwmodel.gpu.replayed import by_kernel
    from traces import capture_network
    from traces.gpus import load_gpu

    trace = capture_network(job.network, job.batch, job.phase, gpu, shape=job.shape, arguments=job.arguments,
                            dtype=job.dtype, checkpoint=job.checkpoint)  # fmt: skip
    return trace.kernels, {mode: list(by_kernel(trace, load_gpu(gpu), mode)) for mode in MODES}


def again(rows: Sequence[Row], gpu: str) -> list[Row]:
    """Return the rows with their items modelled anew, cold and warm, for a described GPU.

    Raises:
        InputError: for an item that is none of ours.
    """
    jobs, found = {name_of(job): job for job in JOBS}, []
    for item in dict.fromkeys(row.item for row in rows):
        if item not in jobs:
            raise InputError(f"item {item[:80]!r}: not one of this program's; without --again it needs no model")
        kernels, counts = modelled(jobs[item], gpu)
        for mode in dict.fromkeys(row.mode for row in rows if row.item == item):
            found += rejoin([row for row in rows if (row.item, row.mode) == (item, mode)], kernels, counts[mode])
    return found


def described(about: dict[str, str]) -> str:
    """Return the description that a file's GPU is modelled by: that of its name, else the one the file itself names."""
    try:
        return describe(about.get("gpu", ""))
    except InputError:
        return about.get("modelled gpu", "")


def show(document: dict[str, Any]) -> None:
    """Print the table of errors for people."""
    for file in document["files"]:
        what = [file.get(name, "?") for name in ("gpu", "date", "modelled gpu")]
        print("{}: {}, counted {}, modelled as {}".format(file["file"], *what))
    head = f"{'mode':6}{'class':32}{'quantity':18}{'pairs':>6}{'ratio':>9}{'NRMSE':>9}{'corr.':>7}{'median error':>16}"
    print(f"{head}\n{'-' * len(head)}")
    for row in document["errors"]:
        error = row["median_error"]
        shown = "-" if error is None else f"{100 * error:.1f} {'points' if row['quantity'] == RATE else '%':6}"
        print(f"{row['mode']:6}{row['class']:32}{row['quantity']:18}{row['pairs']:>6}{_text(row['ratio']):>9}"
              f"{_text(row['nrmse']):>9}{_text(row['correlation']):>7}{shown:>16}")  # fmt: skip
    for row in document["coverage"]:
        shares = [100 * (row[f"{side}_share"] or 0) for side in SIDES]
        told = "{:.1f} % of measured and {:.1f} % of modelled traffic at L2 is of calls that both have".format(*shares)
        print(f"{row['mode']}: {told}")
    print(f"\nPublished: {document['published']['source']}")
    for row in document["published"]["rows"]:
        print(f"{'':6}{row['model']:32}{row['quantity']:18}{'':15}{_text(row['nrmse']):>9}"
              f"{_text(row.get('correlation')):>7}")  # fmt: skip


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="the file to save to  [default: gpu_counters_GPU.csv]")
    parser.add_argument(
        "--budget", type=float, default=540.0, metavar="SECONDS", help="what all items may take together"
    )
    parser.add_argument("--gpu", help="the description to model  [default: this machine's GPU]")
    parser.add_argument(
        "--recorded", type=Path, nargs="+", metavar="FILE", help="make the table of these files instead"
    )
    parser.add_argument(
        "--again", action="store_true", help="model the items of --recorded anew, seconds each, for --gpu or their own"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.recorded:
            tables = {path: read_table(path) for path in chosen.recorded}
            if chosen.again:
                for path, (about, rows) in tables.items():
                    gpu = chosen.gpu or described(about)
                    tables[path] = {**about, "modelled gpu": gpu}, again(rows, gpu)
        else:
            session = Session.open(JOBS[0], chosen.gpu)
            output = chosen.output or Path(f"gpu_counters_{Path(session.gpu).stem}.csv")
            tables = {output: measure(session, output, chosen.budget)}
    except InputError as error:
        print(f"validate: {error}", file=sys.stderr)
        return 2
    rows = [row for _, found in tables.values() for row in found]
    published = yaml.safe_load((HERE / "published.yaml").read_text(encoding="utf-8"))
    document = {"files": [{"file": str(path), **about} for path, (about, _) in tables.items()],
                "errors": errors(rows), "coverage": coverage(rows), "published": published}  # fmt: skip
    if chosen.json:
        print(json.dumps(document, indent=2))
    else:
        show(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
