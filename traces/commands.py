"""`hwmodel capture` and `hwmodel trace`: a network's run to a trace file, and what such a file holds."""

import re
import sys
from pathlib import Path
from typing import Any

import click

from traces.arguments import Argument
from traces.formats.commands import check_output, export, import_
from traces.summary import summary

MAX_BATCH = 1 << 20
MAX_STEPS = 1 << 10
COUNTERS = ".counters.csv"  # what stands behind a network's name in place of .trace
DTYPES = ("fp32", "tf32", "bf16", "fp16", "int8", "int4w")


class Shape(click.ParamType):
    """The shape of one example, such as 3x224x224."""

    name = "shape"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        if not re.fullmatch(r"[1-9][0-9]{0,8}(x[1-9][0-9]{0,8}){0,7}", value):
            self.fail(f"{value!r} is no shape; give positive lengths such as 3x224x224", param, ctx)
        return tuple(int(length) for length in value.split("x"))


@click.command()
@click.argument("network")
@click.option("--batch", type=click.IntRange(1, MAX_BATCH), default=1, show_default=True, help="Examples in the batch.")
@click.option("--phase", type=click.Choice(["inference", "training"]), default="inference", show_default=True)
@click.option("--gpu", default="gtx1080ti", show_default=True, help="The machine whose kernels and waves are modelled.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write.  [default: NETWORK.trace]")
@click.option("--input", "shape", type=Shape(), help="Shape of one example, for a module without example_inputs.")
@click.option("--dtype", type=click.Choice(DTYPES), default="fp32", show_default=True, help="What values are held in.")
@click.option("--checkpoint", is_flag=True, help="Training keeps its blocks' inputs only, and runs them again.")
@click.option("--steps", type=click.IntRange(1, MAX_STEPS), default=1, show_default=True, help="Runs in a row.")
@click.option("--set", "arguments", type=Argument(), multiple=True, help="An argument of the network, as length=384.")
@click.option("--skip-unknown", is_flag=True, help="Leave out operators that have no lowering, and note which.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="A choice of the lowering: raster=m|n, "
              "swizzle=1|2|4|8, split_k=library|gradients|products|never, fusion=none|pointwise|epilogue, "
              "l1=bypass|lru, indices=uniform|zipf, zipf_exponent=, seed=, mask_share=; may be given more "
              "than once.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--counters", is_flag=True, help="Run it under Nsight Compute on this machine's GPU too, cold and warm, "
              "and put what its kernels count beside what is modelled.")  # fmt: skip
@click.option("--limit", "limit_s", type=click.FloatRange(1, 86400), default=540, show_default=True, metavar="SECONDS",
              help="What --counters may take.")  # fmt: skip
@click.pass_context
def capture(
    context: click.Context, network: str, batch: int, phase: str, gpu: str, output: Path | None,
    shape: tuple[int, ...] | None, dtype: str, checkpoint: bool, steps: int, arguments: tuple[tuple[str, Any], ...],
    skip_unknown: bool, options: tuple[str, ...], force: bool, counters: bool, limit_s: float,
) -> dict[str, Any]:  # fmt: skip
    """Write the stream that a network's run sends to a GPU's last-level cache; no GPU is needed, but for --counters.

    NETWORK is the name of a network that an installed package offers, or package.module:factory, a function that
    returns a torch module. Training is one step: forward, loss, backward and SGD with momentum.

    Types: tf32 stores float32 and rounds in products; bf16 and fp16 are stored so for inference, and are autocast's in
    training; int8 and int4w (weights of linear layers in four bits) are of an inference. Runs in a row all use the
    addresses of the last, as a CUDA graph replays it.

    Counters go to NETWORK.counters.csv, a row a kernel; the GPU modelled is then this machine's, where it is described.

    \b
    Example:
      hwmodel capture vgg16 --batch 4 --phase inference -o vgg16.trace
      hwmodel capture bert_base --set length=384 --batch 8 --phase training --dtype bf16 --checkpoint -o bert.trace
      hwmodel capture mypackage.models:small --input 3x32x32 --batch 64 --phase training -o small.trace
      hwmodel capture vgg16 --gpu a100_40gb --option raster=n --option swizzle=4 -o vgg16.trace
      hwmodel capture vgg16 --batch 4 --counters -o vgg16.trace
    """
    path = output or Path(re.sub(r"[^\w.-]+", "_", network) + ".trace")
    check_output(path, force)
    session = None
    if counters:
        from traces.counters.session import Session
        from traces.counters.target import Job

        check_output(path.with_suffix(COUNTERS), force)
        given = gpu if context.get_parameter_source("gpu") is not click.core.ParameterSource.DEFAULT else None
        job = Job(network, batch, phase, dtype, checkpoint, shape, dict(arguments))
        session = Session.open(job, given, steps)  # what is missing shows at once
        gpu = session.gpu
    from traces.container import read_trace, write_trace
    from traces.lowering.options import parse_options
    from traces.networks import capture_network

    unknown = "skip" if skip_unknown else "error"
    trace = capture_network(network, batch, phase, gpu, shape=shape, unknown=unknown,
                            options=parse_options(options), arguments=dict(arguments), dtype=dtype,
                            checkpoint=checkpoint, steps=steps)  # fmt: skip
    profiles = session.count(limit_s) if session else {}
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=1000, label=f"{network} {phase}", file=sys.stderr, hidden=hidden) as bar:
        write_trace(trace, path, lambda part: bar.update(int(1000 * part) - bar.pos))
    written = read_trace(path)
    document = summary(path, written)
    if session:
        model = (context.find_root().obj or {}).get("replay")
        document["counters"] = session.save(path.with_suffix(COUNTERS), profiles, written, model)
    return document


@click.group()
def trace() -> None:
    """Look at trace files, and take them to and from other tools' formats.

    \b
    Example:
      hwmodel trace info vgg16.trace
      hwmodel trace import kernelslist.g -o app.trace
      hwmodel trace export app.trace -o app.din
    """


@trace.command()
@click.argument("file", type=click.Path(path_type=Path))
def info(file: Path) -> dict[str, Any]:
    """Show what a trace file is of and how much it holds, kernel kind by kernel kind.

    Sectors are accesses, as the cache sees them; they are counted when the file is written and checked when its stream
    is read. A trace of another tool's is read whole to count them; see `hwmodel trace import` for which can be read.

    \b
    Example:
      hwmodel trace info vgg16.trace --json
    """
    from traces.formats import open_trace

    return summary(file, open_trace(file))


trace.add_command(import_)
trace.add_command(export)
