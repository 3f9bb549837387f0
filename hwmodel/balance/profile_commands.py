"""`hwmodel balance profile`."""

from pathlib import Path
from typing import Any

import click


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR",
              help="New folder for what is measured. [default: profile-DATE-TIME]")  # fmt: skip
@click.option("--hz", type=float, default=10.0, show_default=True, help="Looks a second.")
@click.option("--seconds", type=float, metavar="S", help="End the command after so long. [default: it ends by itself]")
@click.option("--frames", metavar="REGEX",
              help="Frames in the output (or --frames-file): one group, a running total; (?P<more>...) is an "
                   "increment, (?P<rate>...) frames a second.")  # fmt: skip
@click.option(
    "--frames-file", type=click.Path(path_type=Path), metavar="FILE", help="Look for frames in a file that grows."
)
@click.option("--frames-column", metavar="NAME[:more|:rate]",
              help="Column of that file, CSV or JSON lines, instead of a pattern.")  # fmt: skip
@click.option("--cpus", metavar="0-3,8", help="Processors that the command is held to.")
@click.option("--role", "roles", multiple=True, metavar="NAME=REGEX",
              help="Role of processes whose name or command line matches. [default: by what their meters "
                   "count, else by name]")  # fmt: skip
@click.option("--gpu-hz", type=float, default=2.0, show_default=True, help="Looks a second at GPUs.")
@click.option("--grace", type=float, default=10.0, show_default=True, metavar="S",
              help="After SIGINT and after SIGTERM, before the next signal.")  # fmt: skip
@click.option("--terminal/--no-terminal", default=True, show_default=True,
              help="Let the command print to a terminal, so that its lines come at once; else to a pipe.")  # fmt: skip
@click.option("--stop-with-first", is_flag=True, help="End what it left running when the command's own process ends.")
def profile(
    command: tuple[str, ...],
    output: Path | None,
    hz: float,
    seconds: float | None,
    frames: str | None,
    frames_file: Path | None,
    frames_column: str | None,
    cpus: str | None,
    roles: tuple[str, ...],
    gpu_hz: float,
    grace: float,
    terminal: bool,
    stop_with_first: bool,
) -> dict[str, Any]:
    """Watch any training command, with no edit of its code.

    Everything that the command starts is watched, however it detaches: processor time, the wait for a core, memory;
    GPUs through NVML. Frames come of --frames, of --frames-file, or of meters in the code (hwmodel.balance.Meter). What
    the command prints goes to standard error and to output.log. Exit code 0 says that a profile was kept, whatever the
    command's own exit status was: that stands in it, ended.exit_status. Ctrl-C ends the command, keeps the profile, and
    exits with 130.

    \b
    Examples:
      hwmodel balance profile -- python train.py
      hwmodel balance profile --frames 'total_timesteps\\s*\\|\\s*(\\d+)' --seconds 120 -o run1 -- python train.py
      hwmodel balance profile --role actor=worker --role learner=learn --cpus 0-3 -- ./train.sh
    """
    from hwmodel.balance.profile import watch
    from hwmodel.balance.profile.folder import default_folder
    from hwmodel.balance.profile.machine import given_cpus
    from hwmodel.balance.profile.roles import rules

    folder = output or default_folder()
    try:
        found = watch(
            command,
            folder,
            hz=hz,
            seconds=seconds,
            frames=frames,
            cpus=given_cpus(cpus),
            roles=rules(roles),
            frames_file=frames_file,
            frames_column=frames_column,
            gpu_hz=gpu_hz,
            grace_s=(grace, grace),
            terminal=terminal,
            stop_with_first=stop_with_first,
            show=True,
        )
    except KeyboardInterrupt:
        click.echo(f"hwmodel: the profile is kept in {folder}", err=True)
        raise
    return {"output": folder, **found.about}


def _view(document: dict[str, Any]) -> None:
    from hwmodel.balance.profile.view import view

    view(document)


profile.view = _view  # type: ignore[attr-defined]
