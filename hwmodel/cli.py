"""The `hwmodel` command: subcommands found by entry point, one form of output, one form of error.

A subcommand is a click command under the entry-point group `hwmodel.commands`. Its callback *returns* its result, a
document of dicts, lists, text and numbers with units in the keys; this module adds `--json` and `--csv` to every
command and prints the document, for machines or for people. A command may carry its own view for people:
`command.view = f(document)`, called with the document, which prints it with rich. The context's `obj` is
`console.progress`, for commands of packages that do not import this one.
"""

import copy
import csv
import functools
import io
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from numbers import Integral, Real
from typing import Any, NoReturn

import click

from hwmodel import __version__, console, interrupts

GROUP = "hwmodel.commands"


def jsonable(value: object) -> Any:
    """Return `value` with numpy numbers as numbers, paths as text, and what JSON cannot say (NaN, infinity) as null."""
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Real):  # numpy's numbers of any width among them
        return int(value) if isinstance(value, Integral) else float(value) if math.isfinite(value) else None
    tolist = getattr(value, "tolist", None)
    return str(value) if tolist is None else jsonable(tolist())  # an array, or a numpy truth value


def flat(document: Any, above: str = "") -> dict[str, Any]:
    """Return a document's text and numbers in one row: `organization.data.rows`; lists of text and numbers as text."""
    row: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            row |= flat(value, f"{above}{name}.")
        elif not isinstance(value, list):
            row[f"{above}{name}"] = value
        elif not any(isinstance(one, (dict, list)) for one in value):
            row[f"{above}{name}"] = "; ".join(map(str, value))
    return row


def _csv(document: Any) -> str:
    """Return a document as CSV: a row, or a row each for a list of documents."""
    found = jsonable(document)
    rows = [flat(row) for row in (found if isinstance(found, list) else [found]) if isinstance(row, dict)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


_OUTPUTS = (
    click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON document, in SI units, and nothing else."),
    click.Option(["--csv", "as_csv"], is_flag=True, help="Print one CSV table, in SI units, and nothing else."),
)


def _with_json(command: click.Command) -> click.Command:
    """Return a command, or a group of commands, that has `--json` and `--csv` and prints what its callback returns.

    The command that was given stays as it is: whoever imports it calls it as it stands there.
    """
    callback = command.callback
    ours = copy.copy(command)
    if isinstance(ours, click.Group):
        find = ours.get_command  # of a group that makes its commands when they are asked for, too

        def get_command(ctx: click.Context, cmd_name: str) -> click.Command | None:
            found = find(ctx, cmd_name)
            return None if found is None else _with_json(found)

        ours.get_command = get_command  # type: ignore[method-assign]
        return ours
    if callback is None:
        return ours

    @functools.wraps(callback)
    def run(*args: object, as_json: bool, as_csv: bool, **options: object) -> None:
        if as_json and as_csv:
            raise click.UsageError("--json and --csv: give one of them")
        document = callback(*args, **options)
        if as_csv:
            click.echo(_csv(document), nl=False)
        elif as_json:
            click.echo(json.dumps(jsonable(document), indent=2, allow_nan=False))
        else:
            view: Callable[[Any], None] = getattr(command, "view", console.view)
            view(document)

    ours.callback = run
    ours.params = [*command.params, *_OUTPUTS]
    return ours


class Commands(click.Group):
    """The subcommands that installed packages offer under `hwmodel.commands`."""

    @functools.cached_property
    def found(self) -> dict[str, Any]:
        entries = list(entry_points(group=GROUP))
        ours = [entry for entry in entries if entry.dist is not None and entry.dist.name == "hwmodel"]
        return {entry.name: entry for entry in (*entries, *ours)}  # another package cannot take a name of ours

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(self.found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.found and not args[0].startswith("-"):
            raise click.UsageError(f"command {args[0]!r}: unknown; give one of {', '.join(self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = self.found.get(cmd_name)
        if entry is None:
            return None
        try:
            return _with_json(entry.load())
        except Exception as error:  # one package's fault must not take the others' commands away
            return _broken(entry, error)


def _broken(entry: EntryPoint, error: Exception) -> click.Command:
    reason = f"cannot be loaded from {entry.value}: {error or type(error).__name__}"

    def callback(**_: object) -> NoReturn:
        raise click.ClickException(f"{entry.name}: {reason}")

    options = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(entry.name, callback=callback, help=reason, context_settings=options)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def root(context: click.Context) -> None:
    """What does this network cost on that memory, that phone, that machine?

    Sizes are read as text (3MiB, 128 B); KB, MB and GB mean powers of 1024, as the field uses them.

    \b
    Example:
      hwmodel cache --cell sot --node 16nm --capacity 3MiB
    """
    # Lent to commands of rooms below, which may not import this one.
    context.obj = {"replay": _replay, "progress": console.progress}


def _replay(*arguments: Any) -> Any:
    from hwmodel.gpu.replayed import by_kernel

    return by_kernel(*arguments)


def _refuse(message: str, code: int = 2) -> NoReturn:
    print("hwmodel: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(code)


def _tell() -> None:
    """Show people what the package logs: that kernels are compiled, which is a pause of seconds."""
    if sys.stderr is None or not sys.stderr.isatty():
        return
    import logging

    class Line(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            print(f"hwmodel: {record.getMessage()}", file=sys.stderr)  # the stream of now: a progress bar has its own

    log = logging.getLogger("hwmodel")
    log.setLevel(logging.INFO)
    log.handlers[:] = [Line()]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line. Exit with 0; with 2 and one line for a user's mistake; with 130 for Ctrl-C."""
    interrupts.listen()
    _tell()
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without µ must not end the run
    try:
        with root.make_context("hwmodel", given) as context:
            root.invoke(context)
        sys.stdout.flush()
        sys.exit(0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.UsageError as error:
        _refuse(error.format_message().rstrip(".") + (f"; see {error.ctx.command_path} --help" if error.ctx else ""))
    except click.ClickException as error:
        _refuse(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        _refuse("interrupted", 130)
    except BrokenPipeError:  # the reader of our output went away; so do we, in silence
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's last flush complains
        sys.exit(141)
    except OSError as error:
        _refuse(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    except ValueError as error:
        if not getattr(error, "is_input_error", False):
            raise
        _refuse(str(error))
