"""Frames/s and joules against SMs and actors on this machine's NVIDIA GPU, predicted and measured.

    python -m benchmarks.gpu.balance DIR [--env PongNoFrameskip-v4] [--actors 1,2,4,8,16,32,64] [--learn 1,2,4]
        [--sm-shares 1,0.5,0.25,0.125] [--network deep] [--seconds 10] [--json]

The job is `hwmodel rl train --device cuda`; SMs are held by green contexts, read back from the driver. It is calibrated
with few actors and all SMs, and each other setting is predicted. Runs are kept in DIR, and what is there is not run
again. Not measured yet: no machine with a GPU had the environments' packages.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from hwmodel.balance.calibrate import run_or_read
from hwmodel.balance.model.fit import fit
from hwmodel.balance.model.observe import observe
from hwmodel.balance.sweep import swept


def command(told: argparse.Namespace) -> list[str]:
    """Return the job, with places for actors and for the share of SMs."""
    words = [sys.executable, "-m", "hwmodel", "rl", "train", "--env", told.env, "--device", "cuda"]
    words += ["--network", told.network, "--seconds", f"{told.seconds:g}", "--actors", "{actors}"]
    return [*words, "--sm-share", "{sm_share}", *([] if told.learning else ["--no-learn"])]


def quiet(done: float, total: float, what: str = "") -> None:
    """Tell how far it is."""
    print(f"{done:.0f} of {total:.0f} {what}", file=sys.stderr)


def main() -> None:
    """Calibrate, sweep, and print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--env", default="PongNoFrameskip-v4")
    parser.add_argument("--network", default="deep", choices=("shallow", "dqn", "deep"))
    parser.add_argument("--actors", default="1,2,4,8,16,32,64")
    parser.add_argument("--learn", default="1,2,4")
    parser.add_argument("--sm-shares", default="1,0.5,0.25,0.125")
    parser.add_argument("--learning", action="store_true", help="Train as well.")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    actors, learned = ([int(one) for one in text.split(",")] for text in (told.actors, told.learn))
    shares, words, runs = [float(one) for one in told.sm_shares.split(",")], command(told), []
    for number in learned:
        asked = [word.replace("{actors}", str(number)).replace("{sm_share}", "1") for word in words]
        runs.append(
            observe(run_or_read(told.folder / f"learn-{number}", asked, 10 * told.seconds + 120, None, None), number)
        )
    import torch

    sms = torch.cuda.get_device_properties(0).multi_processor_count
    job = fit(runs, sms=sms)
    rows = swept(told.folder, words, actors, None, shares, False, 10 * told.seconds + 120, None, job, quiet)
    document: dict[str, Any] = {"gpu": torch.cuda.get_device_name(0), "sms": sms, "rows": rows}
    if told.json:
        print(json.dumps(document, indent=2))
        return
    print(document["gpu"], sms, "SMs")
    for row in rows:
        off = row["predicted_frames_per_second"] / row["frames_per_second"] - 1
        joules = "-" if row["frames_per_joule"] is None else f"{row['frames_per_joule']:.3g}"
        print(f"{row['actors']:>4} actors, {row['sm_share']:.3f} of the SMs:",
              f"{row['frames_per_second']:>9,.0f} frames/s,",
              f"predicted {100 * off:+.1f} %, {joules} frames/J, {row['limit']}")  # fmt: skip


if __name__ == "__main__":
    main()
