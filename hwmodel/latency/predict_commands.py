"""`hwmodel latency predict` and `table`: ask a predictor, and make one of a published table."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--device", required=True, help="A device that comes with the package, or a predictor's file.")
@click.option("--arch", "given", multiple=True, metavar="TEXT",
              help="A network, as its space's text or a list of numbers; may be given more than once.")  # fmt: skip
@click.option("--archs", "listed", type=click.Path(path_type=Path), metavar="FILE.csv",
              help="Networks in the first column, below a line of names.")  # fmt: skip
@click.option("--model", "models", multiple=True, metavar="FILE.onnx|NAME",
              help="A network's file, name or package.module:factory; for devices whose layers are known.")  # fmt: skip
@click.option("--level", type=click.FloatRange(0, 1, min_open=True, max_open=True),
              help="Of the interval.  [default: 0.9]")  # fmt: skip
@click.option("--layers", "by_layer", is_flag=True, help="Of each --model, its layers too, with their shares.")
def predict(
    device: str, given: tuple[str, ...], listed: Path | None, models: tuple[str, ...], level: float | None,
    by_layer: bool,
) -> dict[str, Any]:  # fmt: skip
    """Say what networks take on a device, and how sure that is.

    \b
    Example:
      hwmodel latency predict --device pixel1.safetensors --arch "[0, 0, 0, 4, 3, 0, 0, 0, 3, 0]" --json
      hwmodel latency predict --device pixel1.safetensors --archs networks.csv --level 0.5 --csv
      hwmodel latency predict --device this-machine.safetensors --model net.onnx --model resnet18
    """
    from hwmodel.latency.graph.read import read_graph
    from hwmodel.latency.query.predictor import load

    predictor: Any = load(device)
    networks = [*given, *(read_archs(listed) if listed else []), *models]
    if not networks:
        raise click.UsageError("no network; give --arch, --archs or --model")
    of_layers = predictor.kind == "layers"
    if (models or by_layer) and not of_layers:
        raise click.UsageError(
            f"--model, --layers: {device} knows the networks of a space or a list alone; give --arch"
        )
    if len(networks) > len(models) and of_layers:
        raise click.UsageError(f"--arch, --archs: {device} knows layers, not a space; give --model")
    asked = [read_graph(model) for model in models] if of_layers else networks
    found = predictor.predict(asked, level)
    unit = predictor.quantity.rpartition("_")[2]
    columns = {predictor.quantity: found.mean}
    if found.low is not None and found.high is not None:
        columns |= {f"low_{unit}": found.low, f"high_{unit}": found.high}
    rows = [
        {"network": network} | {name: float(of[place]) for name, of in columns.items()}
        for place, network in enumerate(networks)
    ]
    for row, unseen in zip(rows, found.unseen, strict=False):
        row |= {"unseen": list(unseen)} if unseen else {}
    told = {"device": predictor.device, "level": found.level, "networks": rows}
    if by_layer:
        told["layers"] = [
            {"network": name} | row
            for name, graph in zip(models, asked, strict=True)
            for row in predictor.layers(graph)
        ]
    return told


def read_archs(path: Path) -> list[str]:
    """Return the first column of a CSV file without its name.

    Raises:
        InputError: for a file that cannot be read or holds no networks.
    """
    import csv

    from circuits.errors import InputError

    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row[0] for row in csv.reader(file, strict=True) if row]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not CSV: {' '.join(str(error).split())[:120]}") from None
    if len(rows) < 2 or rows[0].lstrip().startswith(("[", "|")):
        raise InputError(f"{path}: give a line of names and below it a network a line, in the first column")
    return rows[1:]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--space", "space_name", required=True, help="The space whose layers the table has, or a YAML file.")
@click.option("--unit", required=True, help="Of the table's numbers: s, ms, us, ns, J, mJ or uJ.")
@click.option("--device", required=True, help="The name of what was measured.")
@click.option("--rest", type=click.FloatRange(0), default=0.0, show_default=True, metavar="NUMBER",
              help="What every network takes besides, in that unit.")  # fmt: skip
@click.option("--leave-out", metavar="LAYER,...", help="Layers of the table that the rest holds.")
@click.option("--blocks", type=click.Path(path_type=Path), metavar="LAYOUT",
              help="The table is of blocks; this file maps layers to choices to their keys.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The predictor to write.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def table(
    file: Path, space_name: str, unit: str, device: str, rest: float, leave_out: str | None, blocks: Path | None,
    output: Path, force: bool,
) -> dict[str, Any]:  # fmt: skip
    """Make a predictor of a table of layers' times or energies, FILE (.json, .yaml): layer, choice, number.

    A number may be a mapping with mean and std or var instead; then there are intervals, as of independent layers.
    A choice `skip` that the table lacks takes nothing.

    \b
    Example:
      hwmodel latency table singlepath_pixel1_ms.json --space single_path --unit ms --device pixel1 \\
        --rest 19.5999 --leave-out 0,21 -o pixel1.safetensors
    """
    from circuits.errors import InputError
    from hwmodel.latency.query.form import write_form
    from hwmodel.latency.query.predictor import SUFFIX
    from hwmodel.latency.query.tables import from_blocks, from_table, read_table
    from hwmodel.latency.spaces import load_space

    if output.suffix != SUFFIX:
        raise InputError(f"{output}: give a name that ends in {SUFFIX}")
    if output.exists() and not force:
        raise InputError(f"{output}: is there already; give --force to replace it")
    said = {"table": file.name, "unit": unit, "rest": rest}
    space, read = load_space(space_name), read_table(file)
    left_out = tuple(leave_out.split(",")) if leave_out else ()
    if blocks is None:
        form = from_table(space, read, unit, device, rest=rest, left_out=left_out, where=str(file), provenance=said)
    elif rest or left_out:
        raise click.UsageError("--rest and --leave-out: the layout names what all networks have as `constant`")
    else:
        form = from_blocks(space, read, read_table(blocks), unit, device, where=str(file), provenance=said)
    write_form(form, output)
    said = {"device": device, "space": space.name, "quantity": form.quantity, "levels": form.levels}
    return said | {"file": str(output)}
