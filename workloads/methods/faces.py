"""The three commands of a method, with options from its settings."""

import inspect
from pathlib import Path
from typing import Any

import click

from hwmodel import console
from workloads.methods.method import Method, find_method
from workloads.methods.options import options_of, settings_of
from workloads.methods.spec import StudySettings


def face(name: str, which: str) -> click.Command:
    """Return a method's command `shapes`, `run` or `study`.

    Raises:
        InputError: where the method cannot be loaded.
    """
    method = find_method(name)
    return {"shapes": _shapes, "run": _run, "study": _study}[which](method)


def _output(what: str, file: str = "DIR", required: bool = True) -> click.Option:
    return click.Option(["-o", "--output"], type=click.Path(path_type=Path), required=required, metavar=file, help=what)


def _command(name: str, text: str, example: str, options: list[click.Option], callback: Any) -> click.Command:
    told = f"{inspect.cleandoc(text)}\n\n\b\nExample:\n  {example}\n"
    command = click.Command(name, params=list(options), callback=callback, help=told)
    command.view = _view  # type: ignore[attr-defined]
    return command


def _shapes(method: Method) -> click.Command:
    options = [*options_of(method.shapes_settings),
               _output("File for the networks; they are only told without it.", "FILE.yaml", required=False),
               click.Option(["--force"], is_flag=True, help="Replace a file that is there.")]  # fmt: skip

    def callback(output: Path | None, force: bool, **given: Any) -> dict[str, Any]:
        from workloads.methods.shapes import check_output, sized
        from workloads.recipes import write_recipes

        if output is not None:
            check_output(output, force)
        recipes = method.shapes(settings_of(method.shapes_settings, given))
        with console.progress(f"{method.name} shapes", lines=False) as advance:
            rows = sized(recipes, advance)
        if output is not None:
            write_recipes(output, recipes)
        return {"method": method.name, **({"file": str(output)} if output else {}), "networks": rows}

    text = f"""{method.title}: the full-size networks it makes, without weights.

    Each is a few lines of YAML; FILE.yaml:NAME is a network wherever one is named: capture, replay, study, latency."""
    return _command("shapes", text, f"hwmodel method {method.name} shapes -o nets.yaml", options, callback)


def _run(method: Method) -> click.Command:
    options = [
        *options_of(method.run_settings),
        click.Option(["--seeds"], type=click.IntRange(1, 10_000), default=12, show_default=True,
                     help="How many runs, of seeds that follow each other."),
        click.Option(["--first-seed"], type=click.IntRange(0, 1 << 31), default=0, show_default=True),
        click.Option(["--jobs"], type=click.IntRange(1, 1024), metavar="N",
                     help="Processes at work, of one thread each.  [default: the processors at hand]"),
        _output("Folder for the results and the report. A run that was stopped goes on there."),
    ]  # fmt: skip

    def callback(output: Path, seeds: int, first_seed: int, jobs: int | None, **given: Any) -> dict[str, Any]:
        from hwmodel.studies.workers import processors
        from workloads.methods.runs import run_into

        settings = settings_of(method.run_settings, given)
        numbers = range(first_seed, first_seed + seeds)
        with console.progress(f"{method.name} run") as advance:
            return run_into(output, method, settings, numbers, jobs or processors(), advance)

    text = f"""{method.title}: the algorithm on real images, over several seeds, with a verdict on each claim.

    Seeds that are done are kept: the same command goes on where it was stopped."""
    return _command("run", text, f"hwmodel method {method.name} run --seeds 3 -o answer", options, callback)


def _study(method: Method) -> click.Command:
    own = {option.name for option in options_of(method.shapes_settings)}
    asked = [option for option in options_of(StudySettings) if option.name not in own]
    options = [
        click.Option(["--nets"], type=click.Path(path_type=Path), metavar="FILE.yaml",
                     help="Networks, as `shapes -o` writes them.  [default: those of the options above]"),
        *asked,
        click.Option(["--jobs"], type=click.IntRange(1, 1024), metavar="N",
                     help="Processes at work.  [default: the processors at hand]"),
        click.Option(["--store"], type=click.Path(path_type=Path), metavar="DIR",
                     help="Folder where each answer is kept.  [default: HWMODEL_STORE, or the user's cache folder]"),
        _output("Folder for the results and the report."),
    ]  # fmt: skip

    def callback(nets: Path | None, output: Path, jobs: int | None, store: Path | None, **given: Any) -> dict[str, Any]:
        from hwmodel.studies.runner import Runner
        from hwmodel.studies.store import Store, default_folder
        from hwmodel.studies.workers import processors
        from workloads.methods.study import study_into

        defaults = {name: _text(value) for name, value in method.study.items()}
        spec = settings_of(StudySettings, defaults | {k: v for k, v in given.items() if v is not None})
        with Store(store or default_folder()) as kept, console.progress(f"{method.name} study") as advance:
            runner = Runner(kept, jobs or processors(), advance)
            return study_into(output, method, nets, settings_of(method.shapes_settings, given), spec, runner)

    text = f"""{method.title}: what its networks cost, on caches of several memories and on devices."""
    shown = [*options_of(method.shapes_settings), *options]
    return _command("study", text, f"hwmodel method {method.name} study -o cost", shown, callback)


def _text(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _view(document: dict[str, Any]) -> None:
    """Show the rows that answer first; the rest is in the folder."""
    for name in ("claims", "networks", "summary"):
        if document.get(name):
            console.view([{key: _short(value) for key, value in row.items() if key != "rule"}
                          for row in document[name]])  # fmt: skip
    for note in document.get("notes", []):
        print(note)
    for name in document.get("files", []):
        if name.endswith((".pdf", ".html")):
            print(f"Read {Path(document['folder']) / name}")
    if "file" in document:
        print(f"Written to {document['file']}")


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
