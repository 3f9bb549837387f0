"""kill -9 in mid-study, at random moments: `python -m benchmarks.studies.killed`. What is resumed equals what is whole.

A study is run once in peace. Then it is begun again and again on a store of its own, and killed, its workers with it or
not, until so many kills have fallen; the next run finishes. Its tables must equal the first's, byte for byte.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

STUDY = ("study", "scaling", "--networks", "squeezenet,alexnet,resnet18", "--phases", "inference:1,training:4",
         "--capacities", "1MiB,2MiB,4MiB,8MiB", "--dies", "3")  # fmt: skip
TABLES = ("results.csv", "results.parquet", "summary.csv", "caches.csv", "traffic.csv")


def command(study: Sequence[str], folder: Path, engine: str) -> list[str]:
    return [sys.executable, "-m", "hwmodel", *study, "-o", str(folder / "out"), "--store", str(folder / "store"),
            "--jobs", "2", "--engine", engine]  # fmt: skip


def whole(study: Sequence[str], folder: Path, engine: str) -> float:
    """Run a study to its end; return its seconds."""
    begin = time.perf_counter()
    done = subprocess.run(command(study, folder, engine), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"killed: {done.stderr.strip()}")
    return time.perf_counter() - begin


def kill(study: Sequence[str], folder: Path, engine: str, after_s: float, *, workers: bool) -> bool:
    """Begin a study and kill it; return whether it was still at work."""
    process = subprocess.Popen(command(study, folder, engine), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)  # fmt: skip
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        if workers:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        return True
    return False


def compare(peace: Path, storm: Path, same: dict[str, bool]) -> None:
    for table in TABLES:
        same[table] &= (peace / "out" / table).read_bytes() == (storm / "out" / table).read_bytes()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", default="processes")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("study", nargs="*", default=list(STUDY), help="a study's own words  [default: a scaling study]")
    chosen = parser.parse_args(arguments)
    draw = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as name:
        peace, storm = Path(name) / "peace", Path(name) / "storm"
        for folder in (peace, storm):
            folder.mkdir()
        took = whole(chosen.study, peace, chosen.engine)
        moments: list[float] = []
        same = dict.fromkeys(TABLES, True)
        while len(moments) < chosen.kills:
            after = draw.uniform(0.1, 0.6) * took
            if kill(chosen.study, storm, chosen.engine, after, workers=len(moments) % 2 == 0):
                moments.append(round(after, 2))
            else:  # it came to its end, having been killed before or not: compare, and begin anew
                compare(peace, storm, same)
                shutil.rmtree(storm)
                storm.mkdir()
        rest = whole(chosen.study, storm, chosen.engine)
        compare(peace, storm, same)
    document = {"whole_s": took, "killed_after_s": moments, "rest_s": rest, "same": same}
    if chosen.json:
        print(json.dumps(document, indent=2))
    else:
        print(f"whole: {took:.1f} s; killed {len(moments)} times at work, then finished in {rest:.1f} s")
        for table, equal in same.items():
            print(f"{table:18}{'the same to the bit' if equal else 'DIFFERS'}")
    return 0 if all(same.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
