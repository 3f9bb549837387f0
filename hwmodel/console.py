"""What people see of a result, and of a long job's progress. Imports rich only when something is shown."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, Protocol

from hwmodel.units import label_of, scale_of, show, unit_of


def _rows(document: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    names = list(dict.fromkeys(name for row in document for name in row))
    cells = []
    for name in names:
        values = [row.get(name) for row in document]
        numbers = [float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
        if unit_of(name) and numbers:
            factor, unit = scale_of(name, numbers)
            table.add_column(f"{label_of(name)}\n[{unit}]".replace("[", r"\["), justify="right")
            cells.append(["-" if v is None else f"{float(v) * factor:.4g}" for v in values])
        else:
            table.add_column(label_of(name), justify="right" if numbers else "left")
            cells.append([show(name, v) for v in values])
    for row in zip(*cells, strict=True):
        table.add_row(*row)
    Console(soft_wrap=False).print(table)


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
            text = ", ".join(map(str, value)) if isinstance(value, list) else show(name, value)
            print(f"{indent}{label_of(name):<{width}}  {text}")


def view(document: Any) -> None:
    """Print a result for a person: a table for a list of rows, names and values for a dict, engineering units."""
    if isinstance(document, list):
        _rows(document)
    elif isinstance(document, dict):
        _pairs(document)
    elif document is not None:
        print(document)


class Advance(Protocol):
    """Report progress: `done` of `total` units of work, and what is being done."""

    def __call__(self, done: float, total: float, what: str = "") -> None: ...


@contextlib.contextmanager
def progress(title: str) -> Iterator[Advance]:
    """Show a progress bar on standard error while a long job runs; a line now and then where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        last = -1

        def plain(done: float, total: float, what: str = "") -> None:
            nonlocal last
            tenth = int(10 * done / total) if total else 0
            if tenth > last:
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
            bar.update(task, completed=done, total=total, what=what)

        yield fancy
