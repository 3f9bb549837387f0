"""`hwmodel report` and `hwmodel datasheet`."""

import shlex
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from circuits.commands import cache
from hwmodel import console

WHICH = ("cell", "node", "capacity", "ways", "line", "target", "mode", "ports", "cell_leakage", "ecc", "wires",
         "limits", "weights", "assumptions", "temperature_K", "leakage", "vdd_V", "figures")  # fmt: skip


@click.command()
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--template",
    metavar="FILE.typ",
    type=click.Path(path_type=Path),
    help="A typst template of your own for report.pdf.",
)
@click.option("--html-template", metavar="FILE.html.j2", type=click.Path(path_type=Path),
              help="A Jinja template of your own for report.html.")  # fmt: skip
@click.option("-o", "--output", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
              help="The folder to write to.  [default: PATH, or beside a file NAME-report]")  # fmt: skip
def report(path: Path, template: Path | None, html_template: Path | None, output: Path | None) -> dict[str, Any]:
    """Make the report of a result from what it left alone: report.pdf, report.html and figures.

    PATH is the folder of `hwmodel study`, `hwmodel reproduce`, `hwmodel latency profile` or `hwmodel balance
    profile|calibrate|recommend`, or a predictor's file of `hwmodel latency fit`. Nothing is run again, and
    the same results give the same report, byte for byte. docs/reports.md tells what a template of your own gets.

    \b
    Example:
      hwmodel report answer
      hwmodel report phone.safetensors
      hwmodel report desk -o pages
      hwmodel report answer --template mine.typ --html-template mine.html.j2
    """
    given = {"template": (template, ".typ"), "html_template": (html_template, ".html.j2")}
    for name, (file, ending) in given.items():
        if file is not None and not file.name.endswith(ending):
            option = f"--{name.replace('_', '-')}"
            raise click.BadParameter(f"{option}: {file}: give a template whose name ends in {ending}")
    from reports.study import make_report

    made = make_report(path, output=output, **{name: file for name, (file, _) in given.items() if file is not None})
    figures = [str(path) for path in made.figures]
    return {"report": str(made.pdf), "html": str(made.html), "figures": figures, "pages": made.pages}


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default="datasheet.pdf", show_default=True,
              help="The PDF to write.")  # fmt: skip
@click.pass_context
def datasheet(context: click.Context, output: Path, capacity: str | None, target: str, limits: tuple[str, ...],
              weights: tuple[str, ...], figures: tuple[str, ...], assumptions: str | None,
              **asked: Any) -> dict[str, Any]:  # fmt: skip
    """Typeset a datasheet of the best cache: its figures, what they are made of, and what moves them.

    The options are those of `hwmodel cache`. It takes some fifteen seconds, of which most go to moving each assumption;
    the same cache gives the same bytes.

    \b
    Example:
      hwmodel datasheet --cell stt --node 16nm --capacity 3MiB -o sheet.pdf
    """
    if capacity is None:
        raise click.BadParameter("--capacity: missing; give a size such as 3MiB")
    from circuits.commands import numbers
    from reports.sheet.document import write_datasheet

    with console.progress("datasheet", lines=False) as advance:
        made = write_datasheet(
            output, _again(context), capacity=capacity, target=numbers("--weight", weights) or target,
            limits=numbers("--limit", limits), figures=numbers("--set", figures),
            assumptions="default" if assumptions is None else assumptions, on_progress=advance, **asked,
        )  # fmt: skip
    return {"datasheet": str(made.path), "pages": made.pages, "design": made.design.as_dict()}


def _again(context: click.Context) -> str:
    """Return the command line that was given, without what says only how to print; the file by its name alone."""
    words = ["hwmodel", "datasheet"]
    for option in context.command.params:
        name = option.name or ""
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE or name in ("as_json", "as_csv"):
            continue
        value = context.params[name]
        for one in value if isinstance(value, tuple) else (value,):
            words += [option.opts[-1], one.name if isinstance(one, Path) else str(one)]
    return shlex.join(words)


def _view(document: dict[str, Any]) -> None:
    console.view({"datasheet": document["datasheet"], "pages": document["pages"]})


datasheet.params[:0] = [option for option in cache.params if option.name in WHICH]
datasheet.view = _view  # type: ignore[attr-defined]
