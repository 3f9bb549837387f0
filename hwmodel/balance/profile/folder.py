"""A profile's folder: held by one watcher, refused where it holds other things, whole when profile.yaml is there."""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from circuits.errors import InputError

ABOUT, LOG, METERS, JOURNAL, BEGUN = "profile.yaml", "output.log", "meters", ".journal", "begun.json"
FORMAT = 1


def default_folder() -> Path:
    """Return a folder of this second."""
    return Path(time.strftime("profile-%Y%m%d-%H%M%S"))


@contextlib.contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Hold a new folder while a command is watched, and yield where its journal is. It is gone if nothing was kept.

    Raises:
        InputError: where it cannot be made or written to, or holds anything.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    journal = folder / JOURNAL
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if journal.exists():
            raise InputError(f"{folder}: holds a run that is watched, or whose watcher was killed; give another folder")
        if (folder / ABOUT).exists():
            raise InputError(f"{folder}: holds a profile already; give a new folder as --output")
        if any(folder.iterdir()):
            raise InputError(f"{folder}: holds other files; give an empty or new folder as --output")
        journal.mkdir()
        (folder / METERS).mkdir()
        lock = _lock(journal)
    except OSError as error:
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise InputError(f"{folder}: cannot be written to: {error.strerror}; give another --output") from None
    try:
        yield journal
    except InputError:  # before anything was measured, or as nothing could be written
        if not (folder / ABOUT).exists():
            for name in (METERS, JOURNAL):
                shutil.rmtree(folder / name, ignore_errors=True)
            (folder / LOG).unlink(missing_ok=True)
            for path in made:
                with contextlib.suppress(OSError):
                    path.rmdir()
        raise
    finally:
        if lock is not None:
            os.close(lock)


def _lock(journal: Path) -> int | None:
    """Return a descriptor that holds the journal for as long as it is open; none where another holds it."""
    descriptor = os.open(journal / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def abandoned(folder: Path) -> bool:
    """Say whether a folder holds a run whose watcher is gone, and that was not finished."""
    journal = folder / JOURNAL
    if not journal.is_dir() or (folder / ABOUT).exists():
        return False
    try:
        descriptor = _lock(journal)
    except OSError:
        return False
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def write_begun(journal: Path, begun: dict[str, Any]) -> None:
    """Write what is known at the beginning, for whoever finishes a run whose watcher was killed."""
    with contextlib.suppress(OSError):  # on a full disk the run itself is told of that
        (journal / BEGUN).write_text(json.dumps(begun), encoding="utf-8")


def read_begun(folder: Path) -> dict[str, Any]:
    """Return what was known at the beginning; nothing where it was not written."""
    try:
        found = json.loads((folder / JOURNAL / BEGUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_about(folder: Path, about: dict[str, Any]) -> None:
    """Write profile.yaml, whole; it comes last: where it is, the rest is.

    Raises:
        InputError: it cannot be written.
    """
    import yaml

    head = "# Made by hwmodel balance profile. SI units; what could not be read is null or absent, with the reason.\n"
    body = yaml.dump(about, Dumper=_dumper(),
                     sort_keys=False, allow_unicode=True, width=120)  # fmt: skip
    staged = folder / JOURNAL / ABOUT
    try:
        with staged.open("w", encoding="utf-8") as file:
            file.write(head + body)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(folder / ABOUT)
    except OSError as error:
        raise InputError(f"{folder / ABOUT}: cannot be written: {error.strerror}") from None
    shutil.rmtree(folder / JOURNAL, ignore_errors=True)


def _dumper() -> Any:
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
            return True

    return Plain


def read_about(folder: Path) -> dict[str, Any]:
    """Return what profile.yaml says.

    Raises:
        InputError: there is none, or it is another file.
    """
    import yaml

    path = folder / ABOUT
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a folder that hwmodel balance profile made") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise InputError(f"{path}: is no YAML; give a folder that hwmodel balance profile made") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{path}: is no profile of format {FORMAT}; give a folder that hwmodel balance profile made")
    return found
