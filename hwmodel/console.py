"""What people see of a result, and of a long job's progress. Imports rich only when something is shown."""

import contextlib
import sys
from collections.abc import Iterator
from numbers import Real
from typing import Any, Protocol

from hwmodel import interrupts
from hwmodel.units import label_of, scale_of, show, unit_of

GROUNDS = ("assumptions", "notes", "works")  # what a result rests on: pages of it, so people see how much there is
SHORT_LIST = 80  # characters of a list that still goes on one line


def _cell(value: object, factor: float) -> str:
    """Return a cell of a column whose unit stands in its head: the scaled number, or what there is instead of one."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return show("", value)
    return show("", float(value) * factor)


def _rows(document: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.measure import Measurement
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    names = list(dict.fromkeys(name for row in document for name in row))
    cells = []
    for name in names:
        values = [row.get(name) for row in document]
        numbers = [float(v) for v in values if isinstance(v, Real) and not isinstance(v, bool)]
        if unit_of(name) and numbers:
            factor, unit = scale_of(name, numbers)
            table.add_column(escape(f"{label_of(name)}\n[{unit}]"), justify="right")
            cells.append([_cell(v, factor) for v in values])
        else:
            table.add_column(escape(label_of(name)), justify="right" if numbers else "left")
            cells.append([", ".join(map(str, v)) if isinstance(v, list) else show(name, v) for v in values])
    for row in zip(*cells, strict=True):
        table.add_row(*map(escape, row))
    console = Console(highlight=False)
    wide = Measurement.get(console, console.options.update(width=1 << 16), table).maximum
    if wide > console.width and console.is_terminal:  # never cut a digit: a row becomes a list of names and values
        for number, row in enumerate(document):
            if number:
                print()
            _pairs(row)
        return
    Console(highlight=False, width=max(wide, 1)).print(table)


def _pairs(document: dict[str, Any], indent: str = "") -> None:
    width = max((len(label_of(name)) for name in document), default=0)
    for name, value in document.items():
        if isinstance(value, dict):
            print(f"{indent}{label_of(name)}")
            _pairs(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            print(f"{indent}{label_of(name)}")
            _rows(value)
        else:
            items = [show(name, item) for item in value] if isinstance(value, list) else [show(name, value)]
            if sum(map(len, items)) <= SHORT_LIST:
                items = [", ".join(items)]
            for number, text in enumerate(items):  # sentences go one a line
                print(f"{indent}{'' if number else label_of(name):<{width}}  {text}")


def view(document: Any) -> None:
    """Print a result for a person: a table for a list of rows, names and values for a dict, engineering units."""
    if isinstance(document, list) and all(isinstance(row, dict) for row in document):
        _rows(document)
    elif isinstance(document, dict):
        _pairs({name: value for name, value in document.items() if name not in GROUNDS})
        if counts := [
            f"{len(document[name])} {name.rstrip('s') if len(document[name]) == 1 else name}"
            for name in GROUNDS
            if document.get(name)
        ]:
            print(f"It rests on {' and '.join(counts)}; --json lists them.")
    elif document is not None:
        print(document)


class Advance(Protocol):
    """Report progress: `done` of `total` units of work, and what is being done."""

    def __call__(self, done: float, total: float, what: str = "") -> None: ...


@contextlib.contextmanager
def progress(title: str, *, lines: bool = True) -> Iterator[Advance]:
    """Show a progress bar on standard error while a long job runs.

    Where that is no terminal: a line a tenth, or with `lines` false nothing, for jobs that are over within a minute.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        last = -1

        def plain(done: float, total: float, what: str = "") -> None:
            nonlocal last
            interrupts.check()
            tenth = int(10 * done / total) if total else 0
            if lines and tenth > last:
                last = tenth
                print(f"{title}: {10 * tenth} % {what}".rstrip(), file=sys.stderr)

        yield plain
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[what]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, what="")

        def fancy(done: float, total: float, what: str = "") -> None:
            interrupts.check()
            bar.update(task, completed=done, total=total, what=what)

        yield fancy
