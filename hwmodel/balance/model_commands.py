"""`hwmodel balance calibrate|predict|recommend|machines`."""

import math
import re
from pathlib import Path
from typing import Any

import click

from hwmodel import console

NUMBERS = re.compile(r"[0-9]{1,9}(,[0-9]{1,9})*")


def numbers(context: click.Context, parameter: click.Parameter, text: str | None) -> list[int] | None:  # noqa: ARG001
    """Return the whole numbers of a list such as 1,2,4."""
    if text is None:
        return None
    if not NUMBERS.fullmatch(text) or not all(int(one) for one in text.split(",")):
        raise click.BadParameter(f"{text!r}: give whole numbers above 0, such as 1,2,4")
    return sorted({int(one) for one in text.split(",")})


def positive(context: click.Context, parameter: click.Parameter, number: float) -> float:  # noqa: ARG001
    """Return a number above 0, which none that is not finite is."""
    if not 0 < number < math.inf:
        raise click.BadParameter(f"{number:g}: give a number above 0")
    return number


def zero_or_more(context: click.Context, parameter: click.Parameter, number: float) -> float:  # noqa: ARG001
    """Return a number of 0 or more, which none that is not finite is."""
    if not 0 <= number < math.inf:
        raise click.BadParameter(f"{number:g}: give a number of 0 or more")
    return number


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR",
              help="Folder for the job and its runs; runs that are in it already are kept.")  # fmt: skip
@click.option("--actors", default="1,2,4", show_default=True, callback=numbers, metavar="N,N,...",
              help="Numbers of actors to run with: {actors} in COMMAND.")  # fmt: skip
@click.option(
    "--seconds", default=30.0, show_default=True, callback=positive, help="Of each run, after which it is ended."
)
@click.option(
    "--repeats", type=click.IntRange(1, 1000), default=1, show_default=True, help="Runs of each number of actors."
)
@click.option("--profile", "profiles", multiple=True, metavar="[ACTORS=]DIR",
              help="A profile that there is already, instead of a run.")  # fmt: skip
@click.option("--frames", metavar="REGEX", help="As for profile: frames in the output.")
@click.option("--cpus", metavar="0-3,8", help="Processors that the command is held to.")
@click.option("--sms", type=click.IntRange(0, 1 << 14), default=0, metavar="N",
              help="SMs that the job has; with them, others can be asked for.")  # fmt: skip
@click.option("--lockstep", is_flag=True, help="A batch waits for all actors, as in synchronous frameworks.")
@click.option(
    "--ahead",
    default=2.0,
    show_default=True,
    callback=zero_or_more,
    help="Steps of the learner that may be due while acting goes on.",
)
@click.option("--turns", is_flag=True, help="Inference and learner have the device one after the other.")
def calibrate(
    command: tuple[str, ...],
    output: Path,
    actors: list[int],
    seconds: float,
    repeats: int,
    profiles: tuple[str, ...],
    frames: str | None,
    cpus: str | None,
    sms: int,
    lockstep: bool,
    ahead: float,
    turns: bool,
) -> dict[str, Any]:
    """Learn a training job's times from a few short runs.

    Runs COMMAND once for each number of actors, watched as `balance profile` does, and writes DIR/job.yaml: the times
    of actors, server and learner, and how well the model then tells the rates of the runs. A run that was finished
    before is not repeated.

    \b
    Examples:
      hwmodel balance calibrate -o job -- python train.py --num-actors {actors}
      hwmodel balance calibrate -o job --profile 1=run1 --profile 4=run4
    """
    from hwmodel.balance.calibrate import calibrated

    known = {"sms": sms, "least": 0 if lockstep else 1, "ahead": ahead, "turns": turns}
    with console.progress("calibrate") as advance:
        return calibrated(output, command, actors, seconds, repeats, profiles, frames, cpus, known, advance)


def _calibrate_view(document: dict[str, Any]) -> None:
    console.view([{key: value for key, value in row.items() if key != "seconds"} for row in document["runs"]])
    console.view(document["times"])
    for line in document["warnings"]:
        print(line)
    print(f"Kept in {document['output']}.")


calibrate.view = _calibrate_view  # type: ignore[attr-defined]


def shares(context: click.Context, parameter: click.Parameter, text: str | None) -> list[float] | None:  # noqa: ARG001
    """Return shares of a whole, such as 1,0.5,0.25."""
    if text is None:
        return None
    try:
        found = [float(one) for one in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(0 < one <= 1 for one in found):
        raise click.BadParameter(f"{text!r}: give shares above 0 and up to 1, such as 1,0.5,0.25")
    return found


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR",
              help="Folder for the runs and sweep.csv; runs that are in it already are kept.")  # fmt: skip
@click.option("--actors", required=True, callback=numbers, metavar="N,N,...", help="{actors} in COMMAND.")
@click.option("--threads", callback=numbers, metavar="N,N,...",
              help="Processors that the command is held to. [default: all]")  # fmt: skip
@click.option(
    "--sm-shares", callback=shares, metavar="X,X,...", help="Of the GPU's SMs: {sm_share} in COMMAND, or --mps."
)
@click.option("--mps", is_flag=True, help="Share SMs by MPS's thread percentage, not by the command itself.")
@click.option("--seconds", default=30.0, show_default=True, help="Of each run, after which it is ended.")
@click.option("--frames", metavar="REGEX", help="As for profile: frames in the output.")
@click.option("--job", type=click.Path(path_type=Path), metavar="DIR", help="Predictions of this job beside.")
def sweep(
    command: tuple[str, ...],
    output: Path,
    actors: list[int],
    threads: list[int] | None,
    sm_shares: list[float] | None,
    mps: bool,
    seconds: float,
    frames: str | None,
    job: Path | None,
) -> list[dict[str, Any]]:
    """Measure a training job on this machine over numbers of actors, threads and SMs.

    Every run is watched as `balance profile` does. That threads and SMs really were limited is read back; a limit
    without effect is an error. What was run before is not repeated.

    \b
    Examples:
      hwmodel balance sweep -o sweep --actors 1,2,4,8 --threads 1,2 -- python train.py --num-actors {actors}
      hwmodel balance sweep -o sweep --actors 16 --sm-shares 1,0.5 -- hwmodel rl train --env ALE/Pong-v5
        --device cuda --actors {actors} --sm-share {sm_share}
    """
    from hwmodel.balance.model.job import load_job
    from hwmodel.balance.sweep import swept

    known = load_job(job) if job else None
    with console.progress("sweep") as advance:
        return swept(output, command, actors, threads, sm_shares, mps, seconds, frames, known, advance)


@click.command()
@click.argument("job", type=click.Path(path_type=Path))
@click.option("--actors", required=True, callback=numbers, metavar="N,N,...", help="Numbers of actors.")
@click.option("--threads", callback=numbers, metavar="N,N,...", help="Of the CPU. [default: as calibrated]")
@click.option("--sms", callback=numbers, metavar="N,N,...", help="Of the GPU. [default: as calibrated]")
@click.option("--model", type=click.Choice(["simulation", "fixed_point"]), default="simulation", show_default=True)
def predict(
    job: Path, actors: list[int], threads: list[int] | None, sms: list[int] | None, model: str
) -> list[dict[str, Any]]:
    """Predict frames/s of a calibrated job for other numbers of actors, threads and SMs.

    JOB is a folder of `calibrate`, or a YAML file. The interval is meant to hold 90 % of measurements.

    \b
    Example:
      hwmodel balance predict job --actors 8,16,32,64 --threads 2,4
    """
    from circuits.errors import InputError
    from hwmodel.balance.model.job import load_job
    from hwmodel.balance.model.predict import predict as predicted
    from hwmodel.balance.model.settings import Setting

    found = load_job(job)
    if sms and not found.sms:
        raise InputError(f"{job}: says of no SMs; calibrate with --sms, or leave --sms out")
    settings = [
        Setting(number, thread, sm) for thread in threads or [found.threads] for sm in sms or [0] for number in actors
    ]
    return predicted(found, settings, model)


@click.command()
@click.argument("job", type=click.Path(path_type=Path))
@click.option("--machine", "machines", multiple=True, metavar="NAME|FILE",
              help="Machine to run it on, or to compare; again for more. [default: all known]")  # fmt: skip
@click.option("--budget", multiple=True, metavar="20kW|9USD/h|50000USD", help="To be spent on machines.")
@click.option("--thread-speed", default=1.0, show_default=True, callback=positive,
              help="Of the threads that the job was calibrated on, over a Xeon E5-2698 v4's.")  # fmt: skip
@click.option(
    "--sm-speed", default=1.0, show_default=True, callback=positive, help="Likewise of the SMs, over a V100's."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR",
              help="Folder to keep the answer in, with tables and a map, for `hwmodel report`.")  # fmt: skip
def recommend(
    job: Path,
    machines: tuple[str, ...],
    budget: tuple[str, ...],
    thread_speed: float,
    sm_speed: float,
    output: Path | None,
) -> dict[str, Any]:
    """Say how to run a job on a machine, what limits it, and which machine to buy for a budget.

    Tries actors x threads x SMs. With one --machine: the settings with the most frames/s, frames/J and frames per
    dollar, what a tenth more of actors, threads or SMs would bring, the CPU/GPU ratio (hardware threads per SM) that
    the job wants, and the knee: the fewest actors that reach 95 % of the most.

    \b
    Examples:
      hwmodel balance recommend job --machine dgx-a100
      hwmodel balance recommend job --budget 20kW
      hwmodel balance recommend job --machine dgx-a100 --budget 20kW -o answer
    """
    from hwmodel.balance.buy import budgets
    from hwmodel.balance.machine import known_machines, load_machine
    from hwmodel.balance.model.job import load_job
    from hwmodel.balance.recommend import Host, compare
    from hwmodel.balance.recommend import recommend as recommended

    found, host = load_job(job), Host(thread_speed, sm_speed)
    loaded = [load_machine(name) for name in machines or known_machines()]
    spend = budgets(budget)

    def find() -> dict[str, Any]:
        document: dict[str, Any] = {"machines": compare(found, loaded, host, **spend)}
        return document | (recommended(found, loaded[0], host) if len(loaded) == 1 else {})

    if output is None:
        return find()
    from hwmodel.balance.answer import keep

    return keep(output, find, found, loaded, host, spend)


def _recommend_view(document: dict[str, Any]) -> None:
    from hwmodel.balance.buy import view

    view(document)


recommend.view = _recommend_view  # type: ignore[attr-defined]


@click.command()
def machines() -> list[dict[str, Any]]:
    """List the machines that come with the package, with their CPU/GPU ratio: hardware threads per SM.

    \b
    Example:
      hwmodel balance machines
    """
    from hwmodel.balance.machine import known_machines, load_machine

    loaded = [load_machine(name) for name in known_machines()]
    return [
        {"machine": one.name, "title": one.title, "threads": int(one.threads), "gpus": int(one.gpus),
         "sms": int(one.gpus * one.sms), "cpu_gpu_ratio": round(one.cpu_gpu_ratio, 4), "max_W": one.max_W,
         "price_USD": one.price_USD, "price_USD_per_hour": one.price_USD_per_hour}
        for one in sorted(loaded, key=lambda one: one.cpu_gpu_ratio)
    ]  # fmt: skip


@click.command()
@click.argument("network")
@click.option("--gpu", default="v100", show_default=True, help="GPU of which times are known.")
@click.option("--batch", "batches", default="1,4,16,64,256", show_default=True, callback=numbers, metavar="N,N,...")
@click.option("--sms", callback=numbers, metavar="N,N,...", help="Numbers of SMs. [default: all, half, a quarter]")
@click.option("--phase", type=click.Choice(["inference", "training"]), default="inference", show_default=True)
@click.option("--dtype", type=click.Choice(["fp32", "tf32", "bf16", "fp16"]), default="fp32", show_default=True)
@click.option("--launch", type=click.Choice(["graph", "eager"]), default="eager", show_default=True,
              help="Kernels of one graph, or launched one by one from the host.")  # fmt: skip
def device(
    network: str, gpu: str, batches: list[int], sms: list[int] | None, phase: str, dtype: str, launch: str
) -> dict[str, Any]:
    """Model what a network's batches take on a GPU with more and fewer SMs, for a job file.

    Prints each time, and the line device + device each x observations through them with the share of the first that
    more SMs shorten: device_s, device_each_s and scaling of a job.

    \b
    Examples:
      hwmodel balance device atari_dqn --gpu v100
      hwmodel balance device atari_impala --gpu h100 --sms 132,66,33 --json
    """
    from hwmodel.balance.device import device_times, line_of
    from traces.gpus import load_gpu

    whole = load_gpu(gpu).sms
    rows = device_times(network, gpu, batches, sms or sorted({whole, whole // 2, whole // 4}), phase, dtype, launch)
    fixed, each, scaling = line_of(rows)
    return {"network": network, "gpu": gpu, "basis": "modelled", "device_s": fixed, "device_each_s": each,
            "scaling": scaling, "times": rows}  # fmt: skip
