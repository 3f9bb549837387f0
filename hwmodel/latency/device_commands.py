"""`hwmodel latency devices`: which predictors there are to ask."""

from pathlib import Path
from typing import Any

import click

from hwmodel import console


@click.command()
@click.argument("folder", required=False, metavar="[DIR]", type=click.Path(path_type=Path))
def devices(folder: Path | None) -> list[dict[str, Any]]:
    """List the devices that come with the package, and the predictors in DIR, as --device takes them.

    The kind says what may be asked: any network by its layers (layers), the networks of a list (listed) or of a search
    space (space). The left-out error is the median of measurements, each predicted without itself.

    \b
    Example:
      hwmodel latency devices
      hwmodel latency devices mine/ --json
    """
    from hwmodel.latency.query.listing import devices_in

    return devices_in(folder)


def _view(document: list[dict[str, Any]]) -> None:
    """Print errors in percent, and what is wrong with a file below the others."""
    rows = [row for row in document if "problem" not in row]
    error = "left_out_median_error"
    console.view([
        row | {error: "-" if row[error] is None else f"{row[error]:.1%}", "energy": "yes" if row["energy"] else "no"}
        for row in rows
    ])  # fmt: skip
    for row in document:
        if "problem" in row:
            print(f"{row['device']}: {row['problem']}")


devices.view = _view  # type: ignore[attr-defined]
