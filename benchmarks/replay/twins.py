"""The replay against its plain-Python twins and its laws, over many more random examples than the tests take.

    python -m benchmarks.replay.twins [--json] [--examples 100000] [--jobs 2] [--log twins.jsonl]

Runs the Hypothesis properties of tests/hwmodel, as they stand there, round after round, each with a seed of its own,
until so many examples held. Prints how many of each property did, and which caches and levels of hierarchies a twin
was run for: every choice, and every combination of two, three and four choices. The log takes a line a round; rounds
that it holds already, of the same code, are not run again, so a run that was stopped goes on. What does not hold is
printed with its smallest example and the command that finds it again, and the exit code is 1.
"""

import argparse
import contextlib
import json
import os
import sys
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from hashlib import sha256
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TESTS = ("cache_twin", "cache_policies", "cache_threads", "cache_hierarchy", "cache_laws", "cache_attribution",
         "outcomes", "reuse", "banks_twin", "timing")  # fmt: skip
FILES = [f"tests/hwmodel/test_{name}.py" for name in TESTS]
SEEDS = count(1)


def digest() -> str:
    """Return what tells one state of the code from another: rounds of another state say nothing of this one."""
    found = sha256()
    for folder in ("circuits", "traces", "hwmodel/cache", "tests/hwmodel", "tests/naive"):
        for path in sorted((ROOT / folder).glob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()[:16]


def round_of(seed: int) -> dict[str, Any]:
    """Run every property once with a seed; return what held, what was drawn, and what failed."""
    os.chdir(ROOT)
    import pytest

    from benchmarks.replay.drawn import Watch

    watch = Watch()
    with Path(os.devnull).open("w") as null, contextlib.redirect_stdout(null):
        code = pytest.main([*FILES, f"--hypothesis-seed={seed}", "-p", "no:cacheprovider"], plugins=[watch])
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"seed {seed}: pytest ended with {code!r}")
    return {
        "seed": seed, "examples": dict(watch.examples), "hybrids": watch.hybrids, "failures": watch.failures,
        "caches": [[*key, number] for key, number in watch.caches.items()],
        "levels": [[*key, number] for key, number in watch.levels.items()],
    }  # fmt: skip


def rounds(wanted: int, jobs: int, log: Path) -> list[dict[str, Any]]:
    """Run rounds until `wanted` examples held or one fails; return them all, those of the log among them."""
    from hwmodel import console

    code = digest()
    lines = log.read_text().splitlines() if log.exists() else []
    found = [one for one in map(json.loads, lines) if one["code"] == code]
    taken, held = {one["seed"] for one in found}, sum(sum(one["examples"].values()) for one in found)
    running: set[Future[dict[str, Any]]] = set()
    with (
        console.progress("twins") as advance,
        log.open("a") as file,
        ProcessPoolExecutor(jobs, get_context("spawn"), max_tasks_per_child=1) as pool,
    ):
        while held < wanted and not any(one["failures"] for one in found):
            advance(held, wanted, f"{held:,} examples")
            ahead = len(running) * held / len(found) if found else 0
            while len(running) < jobs and (not running or held + ahead < wanted):
                running.add(pool.submit(round_of, next(seed for seed in SEEDS if seed not in taken)))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                one = {"code": code} | future.result()
                file.write(json.dumps(one) + "\n")
                file.flush()
                found.append(one)
                held += sum(one["examples"].values())
        for future in running:
            future.cancel()
    return found


def report(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what all rounds say together."""
    from benchmarks.replay.drawn import CACHES, LEVELS, together

    examples: Counter[str] = Counter()
    drawn: dict[str, Counter[tuple[Any, ...]]] = {"caches": Counter(), "levels": Counter()}
    for one in found:
        examples.update(one["examples"])
        for name, counts in drawn.items():
            for *key, number in one[name]:
                counts[tuple(key)] += number
    document: dict[str, Any] = {
        "examples": examples.total(), "rounds": len(found), "seeds": sorted(one["seed"] for one in found),
        "failures": sum(len(one["failures"]) for one in found), "properties": dict(sorted(examples.items())),
        "caches": drawn["caches"].total(), "levels": drawn["levels"].total(),
        "hybrid_caches": sum(one["hybrids"] for one in found),
    }  # fmt: skip
    for name, kinds in (("caches", CACHES), ("levels", LEVELS)):
        document[f"{name}_by_choice"] = {
            choice: {str(value): number for value, number in sorted(Counter(_part(drawn[name], place)).items())}
            for place, choice in enumerate(kinds)
        }
        document[f"{name}_combinations"] = [together(drawn[name], kinds, size) for size in (2, 3, 4)]
    return document


def _part(counts: Counter[tuple[Any, ...]], place: int) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for key, number in counts.items():
        found[key[place]] += number
    return found


def show(document: dict[str, Any]) -> None:
    from hwmodel.console import view

    view([{"property": name.removeprefix("tests/hwmodel/test_"), "examples that held": number}
          for name, number in document["properties"].items()])  # fmt: skip
    for name in ("caches", "levels"):
        view({f"{name} compared with a twin": document[name]} | {
            choice: ", ".join(f"{value}: {number:,}" for value, number in counts.items())
            for choice, counts in document[f"{name}_by_choice"].items()
        })  # fmt: skip
        view(document[f"{name}_combinations"])
    print(f"{document['examples']:,} examples in {document['rounds']} rounds; {document['failures']} did not hold; "
          f"{document['hybrid_caches']:,} of the caches hybrid.")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--examples", type=int, default=100_000, help="examples that are to hold, at least")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--log", type=Path, default=Path("twins.jsonl"), help="a line a round, to go on from")
    options = parser.parse_args()
    found = rounds(options.examples, options.jobs, options.log.absolute())
    document = report(found)
    if options.json:
        print(json.dumps(document, indent=2))
    else:
        show(document)
    for one in found:
        for name, text in one["failures"].items():
            print(f"\n{text}\n\npytest {name} --hypothesis-seed={one['seed']}", file=sys.stderr)
    sys.exit(any(one["failures"] for one in found))


if __name__ == "__main__":
    main()
