"""Predict devices from a few samples each, with other devices as sources, and hold it against the table.

    python benchmarks/latency/few_shot.py FILE --sources a,b,c --targets d,e --samples 10,30 --repeats 10 --json

FILE (.parquet or .csv) has one row an architecture (first column its encoding, or features such as FLOPS and size)
and one column a device. Names may be patterns (`pixel4|*|float|mean`); --other-families leaves out of the sources
whatever is of a target's family (the text before the first bar, or else underline): leave one phone out. Samples are
drawn at random anew each repeat, the same for each target; all other architectures are predicted. With --test FILE2 the
architectures of a second table of the same columns are predicted instead. --next chooses samples as `latency next`.

With --model gp,boosting stand figures of gradient boosting (boosting_mape, ...) beside, from 20 samples on.
Beside it: the sources' mean shape times one factor (for energy beside latency: power x latency), and the straight line
in the first feature (FLOPS) where there is one. Columns that are exact sums of a table are marked and averaged apart.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from circuits.errors import InputError
from hwmodel.latency.fit import boosting, calibrate
from hwmodel.latency.fit.choose import next_rows
from hwmodel.latency.fit.table import Table, family, join, named, read
from hwmodel.latency.fit.transfer import prepare

MEASURES = ("spearman", "mape", "median", "within_5", "within_10", "coverage_90")


def main() -> None:
    asked = arguments()
    features = [name for name in asked.features.split(",") if name]
    table = read(asked.file, features)
    tested = len(table.names)
    if asked.test:
        table = join(table, read(asked.test, features))
    targets = named(table, asked.targets)
    rows = []
    by_sources: dict[tuple[str, ...], list[str]] = {}
    for target in targets:
        others = [name for name in named(table, asked.sources) if name not in targets or asked.other_families]
        others = [name for name in others if name != target]
        if asked.other_families:
            others = [name for name in others if family(name) != family(target)]
        by_sources.setdefault(tuple(others), []).append(target)
    for sources, own in by_sources.items():
        rows += measure(table, list(sources), own, asked, tested)
    report = {"file": str(asked.file), "repeats": asked.repeats, "rows": rows, "means": list(means(rows))}
    print(json.dumps(report) if asked.json else text(report))


def measure(table: Table, sources: list[str], targets: list[str], asked: argparse.Namespace, tested: int) -> list[dict]:
    """A row a target and number of samples, the median and mean of its repeats."""
    usable = np.ones(len(table.names), bool)
    for name in (*sources, *targets):
        usable &= np.isfinite(table.devices[name]) & (table.devices[name] > 0)
    kept = table.rows(np.flatnonzero(usable))
    places = np.flatnonzero(usable)
    known = np.stack([kept.devices[name] for name in sources]) if sources else np.zeros((0, len(kept.names)))
    transfer = prepare(known, [family(name) for name in sources], kept.features, kept.columns)
    pool = np.flatnonzero(places < tested)
    if not 0 < min(asked.samples) <= max(asked.samples) < len(pool) + bool(asked.test):
        raise InputError(f"--samples {max(asked.samples)}: {len(pool)} architectures have numbers; give 1 to fewer")
    found: list[dict] = []
    reaches: dict[tuple[int, ...], float] = {}
    for target in targets:
        times = kept.devices[target]
        for samples in asked.samples:
            scores = []
            for repeat in range(asked.repeats):
                drawn = np.random.default_rng(1000 + repeat).permutation(pool)[:samples]
                if asked.next:
                    drawn = next_rows(transfer, times, drawn[: max(2, samples // 3)], pool, samples)
                truth = np.flatnonzero(places >= tested) if asked.test else np.setdiff1d(pool, drawn)
                posterior = transfer.fit(drawn, times[drawn])
                # Of the same networks the rehearsals are the same whatever the target.
                own = tuple(drawn.tolist())
                if own not in reaches or samples >= calibrate.MANY:
                    reaches[own] = calibrate.reach(transfer.distances(posterior), 0.9)
                score = judged(*posterior.logarithm(truth), times[truth], reaches[own])
                if "boosting" in asked.model and samples >= boosting.FEWEST:
                    score |= boosted(transfer, drawn, times, truth)
                score |= beside(transfer, kept, drawn, times, truth)
                score["without_sources"] = posterior.without_sources
                scores.append(score)
            row = {"target": target, "samples": samples, "sources": len(sources), "table_sum": sums(kept, times)}
            found.append(row | {name: float(np.mean([score[name] for score in scores])) for name in scores[0]})
    return found


def judged(mean: np.ndarray, variance: np.ndarray, truth: np.ndarray, reach: float) -> dict[str, float]:
    error = np.abs(np.exp(mean) / truth - 1)
    inside = np.abs(np.log(truth) - mean) <= reach * np.sqrt(variance)
    # A constant puts nothing in order.
    order = float(spearmanr(mean, truth)[0]) if np.ptp(mean) > 0 and np.ptp(truth) > 0 else 0.0
    return dict(zip(MEASURES, (order, *shares(error), float(inside.mean())), strict=True))


def boosted(transfer, drawn: np.ndarray, times: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Figures of gradient boosting from the same samples."""
    columns = boosting.columns_of(transfer)
    found = boosting.boost(columns[drawn], times[drawn])
    mean, (low, high) = found.trees.predict(columns[truth]), found.reach(0.9)
    score = judged(mean, np.full(len(mean), found.deviation**2), times[truth], 1.0)
    away = (np.log(times[truth]) - mean) / found.deviation
    score["coverage_90"] = float(((-low <= away) & (away <= high)).mean())
    return {f"boosting_{name}": value for name, value in score.items()}


def shares(error: np.ndarray) -> tuple[float, float, float, float]:
    return float(error.mean()), float(np.median(error)), float((error < 0.05).mean()), float((error < 0.1).mean())


def beside(transfer, table: Table, drawn: np.ndarray, times: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Errors of the sources' mean times one factor, and of the straight line in the first feature."""
    found = {}
    if len(transfer.sources):
        shape = (transfer.sources / transfer.sources.mean(axis=1, keepdims=True)).mean(axis=0)
        scaled = np.median(times[drawn] / shape[drawn]) * shape
        found |= dict(zip(("scaled_mape", "scaled_median", "scaled_within_5", "scaled_within_10"),
                          shares(np.abs(scaled[truth] / times[truth] - 1)), strict=True))  # fmt: skip
    if "quantities" in table.features.additive:
        first = table.features.additive["quantities"][:, :1]
        line = np.hstack([np.ones_like(first), first])
        weights = np.linalg.lstsq(line[drawn] / times[drawn, None], np.ones(len(drawn)), rcond=None)[0]
        found |= dict(zip(("line_mape", "line_median", "line_within_5", "line_within_10"),
                          shares(np.abs(line[truth] @ weights / times[truth] - 1)), strict=True))  # fmt: skip
    return found


def sums(table: Table, times: np.ndarray) -> bool:
    """Whether the column is the sum of one number for each layer's choice, to the precision of its numbers."""
    if "choices" not in table.features.additive:
        return False
    columns = np.hstack([np.ones((len(times), 1)), table.features.additive["choices"]])
    weights = np.linalg.lstsq(columns, times, rcond=None)[0]
    return bool(np.abs(columns @ weights - times).max() < 1e-4 * times.mean())


def means(rows: list[dict]) -> Iterable[dict]:
    """Over targets, by number of samples: all, and table sums and measured ones apart where both are there."""
    for samples in sorted({row["samples"] for row in rows}):
        own = [row for row in rows if row["samples"] == samples]
        parts = {"all": own, "table sums": [row for row in own if row["table_sum"]],
                 "measured": [row for row in own if not row["table_sum"]]}  # fmt: skip
        for name, part in parts.items():
            if part and (name == "all" or len(part) < len(own)):
                numbers = [key for key, value in part[0].items() if isinstance(value, float)]
                yield {"of": name, "targets": len(part), "samples": samples} | {
                    key: float(np.mean([row[key] for row in part])) for key in numbers
                }


def text(report: dict) -> str:
    lines = [
        f"{'target':28} {'samples':>7} " + " ".join(f"{name:>11}" for name in (*MEASURES, "scaled_mape", "line_mape"))
    ]
    for row in (*report["rows"], *report["means"]):
        name = row.get("target") or f"mean of {row['targets']} ({row['of']})"
        cells = [f"{row[key]:11.4f}" if key in row else " " * 11 for key in (*MEASURES, "scaled_mape", "line_mape")]
        lines.append(f"{name + (' (sum)' if row.get('table_sum') else ''):28} {row['samples']:7} " + " ".join(cells))
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--sources", default="", help="columns, or patterns; none for the model without sources")
    parser.add_argument("--targets", required=True, help="columns, or patterns")
    parser.add_argument("--samples", type=numbers, default=[10], help="10,30")
    parser.add_argument(
        "--features", default="", help="columns that describe an architecture, where names do not say so"
    )
    parser.add_argument("--model", default=["gp"], type=models, help="gp, or gp,boosting: the two beside each other")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--other-families", action="store_true", help="sources of other families than the target only")
    parser.add_argument("--test", type=Path, help="predict the architectures of this table instead")
    parser.add_argument("--next", action="store_true", help="two thirds of the samples chosen, not drawn")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def models(given: str) -> list[str]:
    found = given.split(",")
    if set(found) not in ({"gp"}, {"gp", "boosting"}):
        raise argparse.ArgumentTypeError(f"{given!r}: give gp, or gp,boosting")
    return found


def numbers(given: str) -> list[int]:
    return [int(part) for part in given.split(",")]


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"few_shot: {error}") from None
