"""`hwmodel latency fit` and `next`: a predictor of one's own device from a few samples, and what to measure next."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from hwmodel.latency.fit.table import Table
    from hwmodel.latency.fit.transfer import Transfer

F = TypeVar("F", bound=Callable[..., Any])
SHARED = (
    click.argument("table", type=click.Path(path_type=Path)),
    click.option("--sources", default="*", show_default=True, metavar="COLUMN,...",
                 help="Devices of the table to learn from: names or patterns; 'none' for the architectures alone."),
    click.option("--features", default="", metavar="COLUMN,...",
                 help="Columns that describe an architecture, beside FLOPS, MACs, params, size and the like."),
    click.option("--unit", default="ms", show_default=True, metavar="UNIT",
                 help="Of the samples: s, ms, us, ns, J, mJ, uJ."),
)  # fmt: skip


def shared(command: F) -> F:
    for option in reversed(SHARED):
        command = option(command)
    return command


@click.command()
@shared
@click.option("--samples", "sampled", type=click.Path(path_type=Path), metavar="FILE.csv",
              help="A line of names, then an architecture of the table and what it took a line.")  # fmt: skip
@click.option("--quantity", type=click.Choice(["latency", "wall", "energy"]), default="latency", show_default=True,
              help="Of a profile's folder: processor time, wall clock, or joules where they were counted.")  # fmt: skip
@click.option("--device", required=True, help="The name of what was measured.")
@click.option("--space", "space_name", metavar="NAME|FILE",
              help="The space of the architectures: all its networks can then be asked for.")  # fmt: skip
@click.option("--model", type=click.Choice(["gp", "boosting"]), default="gp", show_default=True,
              help="A Gaussian process, or gradient boosting for hundreds of samples (extra boosting).")  # fmt: skip
@click.option("--conditions", multiple=True, metavar="NAME=TEXT", help="Under what was measured; goes with the file.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE.safetensors")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def fit(
    table: Path, sources: str, features: str, unit: str, sampled: Path | None, quantity: str, device: str,
    space_name: str | None, model: str, conditions: tuple[str, ...], output: Path, force: bool,
) -> dict[str, Any]:  # fmt: skip
    """Make a predictor of a device from 3 to 30 samples, with the devices of TABLE as what is known beforehand.

    Or of any network on this machine: then TABLE is the folder of `hwmodel latency profile`.

    TABLE (.parquet, .csv) has one row an architecture, its encoding or name first, and one column a device. Where its
    devices mislead, the predictor leans on the samples alone, and says so (without_sources).

    \b
    Example:
      hwmodel latency fit nasbench201_ms.parquet --sources '1080ti_*,pixel3' --samples mine.csv --unit ms \\
        --device my-phone --space nasbench201 -o my-phone.safetensors
      hwmodel latency fit profile/ --device this-machine -o this-machine.safetensors
    """
    from circuits.errors import InputError
    from hwmodel import console
    from hwmodel.latency.fit import device as fitted
    from hwmodel.latency.fit.samples import read_samples
    from hwmodel.latency.fit.widen import same_space
    from hwmodel.latency.query.predictor import SUFFIX
    from hwmodel.latency.spaces import load_space

    if output.suffix != SUFFIX:
        raise InputError(f"{output}: give a name that ends in {SUFFIX}")
    if output.exists() and not force:
        raise InputError(f"{output}: is there already; give --force to replace it")
    if table.is_dir():
        if sampled or space_name or conditions:
            raise click.UsageError("--samples, --space, --conditions: a profile's folder has its own measurements")
        from hwmodel.latency.layers.profiled import fit_profile

        return fit_profile(table, output, device, quantity)
    if not table.exists():
        raise InputError(f"{table}: no such file or folder; give a table, or a profile's folder")
    if sampled is None:
        raise click.UsageError("--samples: needed beside a table of other devices")
    if model == "boosting" and space_name:
        raise InputError(
            "--space: gradient boosting knows the table's architectures alone; leave it out, or --model gp"
        )
    samples = read_samples(sampled, unit)
    said = dict(read_conditions(conditions))
    space = load_space(space_name) if space_name else None
    known, names = chosen(table, sources, features)
    if space is not None:
        same_space(known, space)
    rows = fitted.places(known, samples.names, str(sampled))
    transfer = learned(known, names)
    provenance = {"table": table.name, "sources": names, "basis": "calibrated"}
    if model == "boosting":
        from hwmodel.latency.fit.boosting import write

        found = write(output, known, transfer, samples, rows, device, said, provenance)
    else:
        with console.progress("rehearsing with devices", lines=False) as advance:
            found = fitted.write(output, known, transfer, samples, rows, device, space, said, provenance, advance)
    return {"device": device, "quantity": samples.quantity, "sources": len(names)} | found | {"file": str(output)}


@click.command(name="next")
@shared
@click.option("--samples", "sampled", type=click.Path(path_type=Path), metavar="FILE.csv",
              help="What was measured so far; without it, what to begin with.")  # fmt: skip
@click.option("--count", type=click.IntRange(1, 100), default=1, show_default=True, help="Architectures to name.")
def next_(
    table: Path, sources: str, features: str, unit: str, sampled: Path | None, count: int
) -> list[dict[str, Any]]:
    """Name the architectures of TABLE whose measurement would teach the most about a device.

    \b
    Example:
      hwmodel latency next fbnet_ms.parquet --sources '1080ti_*,pixel3' --samples mine.csv --count 5
    """
    from hwmodel.latency.fit import device as fitted
    from hwmodel.latency.fit.choose import ask_next
    from hwmodel.latency.fit.samples import read_samples

    samples = read_samples(sampled, unit) if sampled else None
    known, names = chosen(table, sources, features)
    rows = fitted.places(known, samples.names, str(sampled)).tolist() if samples else []
    found = ask_next(learned(known, names), rows, samples.values.tolist() if samples else [], count)
    return [{"order": place, "architecture": known.names[row]} for place, row in enumerate(found, 1)]


def chosen(path: Path, sources: str, features: str) -> "tuple[Table, list[str]]":
    """A table's architectures that all sources have numbers for, and the sources' names."""
    from circuits.errors import InputError
    from hwmodel.latency.fit import device as fitted
    from hwmodel.latency.fit.table import named, read

    table = read(path, [name.strip() for name in features.split(",") if name.strip()])
    names = [] if sources == "none" else named(table, sources)
    if not names and not table.features.additive:
        raise InputError(f"{path}: nothing describes its architectures, so give --sources")
    return fitted.usable(table, names), names


def learned(table: "Table", names: list[str]) -> "Transfer":
    import threadpoolctl

    from hwmodel import console
    from hwmodel.latency.fit import device as fitted

    # Matrices here are small: threads of a library of linear algebra cost more than they bring.
    threadpoolctl.threadpool_limits(1)
    with console.progress("learning from devices", lines=False) as advance:
        return fitted.learn(table, names, advance)


def read_conditions(given: tuple[str, ...]) -> list[tuple[str, str]]:
    from circuits.errors import InputError

    parts = [text.partition("=") for text in given]
    for text, (name, sign, _) in zip(given, parts, strict=True):
        if not sign or not name.strip():
            raise InputError(f"--conditions {text!r}: give NAME=TEXT, such as governor=performance")
    return [(name.strip(), value.strip()) for name, _, value in parts]
