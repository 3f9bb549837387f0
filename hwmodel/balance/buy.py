"""Budgets as people write them, and how recommendations are shown."""

import re
from collections.abc import Sequence
from typing import Any

from circuits.errors import InputError
from hwmodel import console

_BUDGET = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?(?:[eE][0-9]+)?)\s*(W|kW|MW|USD|USD/h)\s*$")
_WATTS = {"W": 1.0, "kW": 1e3, "MW": 1e6}


def budgets(texts: Sequence[str]) -> dict[str, float]:
    """Return budgets as arguments of `recommend.compare`: power_W, USD, USD_per_hour.

    Raises:
        InputError: what is no budget, or one kind twice.
    """
    found: dict[str, float] = {}
    for text in texts:
        match = _BUDGET.match(text)
        if not match or not float(match[1]) or float(match[1]) == float("inf"):
            raise InputError(f"--budget {text}: give a number above 0 with W, kW, MW, USD or USD/h, such as 20kW")
        value, unit = float(match[1]), match[2]
        name = "power_W" if unit in _WATTS else "USD" if unit == "USD" else "USD_per_hour"
        if name in found:
            raise InputError(f"--budget {text}: there is another of this kind; give one")
        found[name] = value * _WATTS.get(unit, 1.0)
    return found


def view(document: dict[str, Any]) -> None:
    """Print a recommendation: machines, best settings, gains and ratio."""
    console.view([_rounded(row) for row in document["machines"]])
    if "best" in document:
        _settings(document)
    else:
        print("Name one --machine to see how to set the job on it.")
    if "output" in document:
        print(f"Kept in {document['output']}; hwmodel report {document['output']} makes pages of it.")


def _settings(document: dict[str, Any]) -> None:
    names = {"frames_per_second": "frames/s", "frames_per_joule": "frames/J", "frames_per_dollar": "frames/dollar"}
    shown = (
        "actors",
        "threads",
        "gpus",
        "sms",
        "frames_per_second",
        "low_frames_per_second",
        "high_frames_per_second",
        "frames_per_joule",
        "limit",
    )
    console.view(
        [{"most": names[goal]} | _rounded({key: row[key] for key in shown}) for goal, row in document["best"].items()]
    )
    knee, gains = document["knee"], document["gains"]
    print(
        f"Knee: {knee['actors']} actors on {knee['threads']} threads reach {knee['of_most']:.0%} of the most frames/s."
    )
    told = ", ".join(f"{name} {value:.2f}" for name, value in gains.items() if not name.startswith("at_"))
    print(f"There, each percent more brings, in percent of frames/s: {told}.")
    if (wanted := document["balanced_cpu_gpu_ratio"]) is not None:
        has = document["cpu_gpu_ratio"]
        side = "threads" if wanted > has else "SMs"
        print(f"CPU/GPU ratio: the machine has {has:.3g} threads per SM, the job wants {wanted:.3g}: {side} are short.")
    for line in document["notes"]:
        print(line)


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in row.items()}
