"""`hwmodel report`."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def report(folder: Path) -> dict[str, Any]:
    """Remake a study's report from its results alone.

    DIR is what a study left: results.csv, caches.csv, traffic.csv and study.yaml. Nothing is run again; report.pdf and
    the figures in DIR/figures are written anew, byte for byte the same for the same results.

    \b
    Example:
      hwmodel report answer
    """
    from reports.study import make_report

    made = make_report(folder)
    return {"report": str(made.pdf), "figures": [str(path) for path in made.figures], "pages": made.pages}
