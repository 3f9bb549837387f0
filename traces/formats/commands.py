"""`hwmodel trace import` and `hwmodel trace export`: other tools' traces to one of ours, and back."""

import sys
from pathlib import Path
from typing import Any

import click

from traces.errors import InputError
from traces.formats import READ, WRITTEN, open_trace, save_trace
from traces.summary import summary

_FILE = click.Path(path_type=Path)


def check_output(path: Path, force: bool) -> None:
    """Refuse to write where no file can be, and, unless `force`, where one is.

    Raises:
        InputError: saying which.
    """
    if path.is_dir():
        raise InputError(f"{path}: a folder; give the name of a file to write")
    if path.exists() and not force:
        raise InputError(f"{path}: is there already; give another name with -o, or --force to replace it")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist")


@click.command("import")
@click.argument("file", type=_FILE)
@click.option("-o", "--output", type=_FILE, required=True, help="The trace to write.")
@click.option("--format", "name", type=click.Choice(READ), help="What FILE is.  [default: found out]")
@click.option(
    "--order",
    type=click.Choice(["waves", "listed"]),
    default="waves",
    show_default=True,
    help="Accel-Sim: run thread blocks in waves, or one after another as the file lists them.",
)
@click.option(
    "--resident", type=click.IntRange(1), metavar="N", help="Blocks of a wave.  [default: as many as --gpu holds]"
)
@click.option("--gpu", default="gtx1080ti", show_default=True, help="The machine whose waves are taken.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def import_(
    file: Path, output: Path, name: str | None, order: str, resident: int | None, gpu: str, force: bool
) -> dict[str, Any]:  # fmt: skip
    """Write another tool's trace as one of ours.

    FILE is of Accel-Sim (.traceg, .tracez or kernelslist.g), NVBit mem_trace, DineroIV (.din), Valgrind lackey,
    ChampSim, libCacheSim (oracleGeneral) or torch.profiler (Chrome trace, execution trace), compressed with xz, gzip
    or zstd or not. GPU instructions become the 32 B sectors each asks for, once; CPU accesses the sectors they touch.
    What is assumed on the way is among the trace's notes.

    \b
    Example:
      hwmodel trace import traces/kernelslist.g -o app.trace
      hwmodel trace import --format champsim 600.perlbench.xz -o perlbench.trace --json
    """
    check_output(output, force)
    from traces.container import read_trace, write_trace

    trace = open_trace(file, name, order=order, resident=resident, gpu=gpu)
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=1000, label=file.name, file=sys.stderr, hidden=hidden) as bar:
        write_trace(trace, output, lambda part: bar.update(int(1000 * part) - bar.pos))
    return summary(output, read_trace(output))


@click.command()
@click.argument("trace", type=_FILE)
@click.option("-o", "--output", type=_FILE, required=True, help="The file to write; for accelsim the folder to make.")
@click.option("--format", "name", type=click.Choice(WRITTEN), help="What to write.  [default: by the output's name]")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def export(trace: Path, output: Path, name: str | None, force: bool) -> dict[str, Any]:
    """Write a trace in another tool's format, sector access by sector access.

    DineroIV text (.din) keeps reads and writes, libCacheSim's oracleGeneral their sectors only, an Accel-Sim folder
    (--format accelsim) kernels too. A name that ends in .xz, .gz or .zst is compressed. TRACE may be of any format that
    `hwmodel trace import` reads.

    \b
    Example:
      hwmodel trace export vgg16.trace -o vgg16.din
      hwmodel trace export vgg16.trace -o vgg16.oracleGeneral.zst
      hwmodel trace export vgg16.trace --format accelsim -o vgg16_traces
    """
    check_output(output, force)
    found = open_trace(trace)
    save_trace(found, output, name)
    files = sorted(output.iterdir()) if output.is_dir() else [output]
    size = sum(one.stat().st_size for one in files)
    return {"file": str(output), "files": len(files), "kernels": len(found.kernels), "size_bytes": size}
