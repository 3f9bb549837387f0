"""A session's file: one JSON line a visit, on disk before the next visit begins, so that nothing measured is lost.

The first line says what is measured on what; a later session goes on only where that is the same.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from circuits.errors import InputError

FILE = "visits.jsonl"
FORMAT = 1
FIELDS = ("item", "graph", "role", "round", "at_s", "inner", "wall_s", "cpu_s", "involuntary_switches")  # of a visit
WORDS = {
    "runtime": "runtime",
    "runtime_version": "version of it",
    "threads": "number of threads",
    "cores": "choice of cores",
    "machine": "machine",
    "format": "format of the file",
}


class Log:
    """The visits of a folder. Use as a context.

    Args:
        folder: made where it is not there.
        identity: what all visits of one folder have in common: `WORDS` names its fields.

    Raises:
        InputError: for a folder that cannot be written to, that holds visits of another identity, or a file of which
            another line than the last is damaged, or that another session is using. So does `append`, where there is no
            room.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.path = folder / FILE
        self.visits: list[dict[str, Any]] = []
        self.states: list[dict[str, Any]] = []  # of the machine, at the beginnings and ends of sessions
        head = {"format": FORMAT} | dict(identity)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
        except OSError as error:
            raise InputError(f"{folder}: cannot be written to: {error.strerror}; give another --output") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read(head)
        except BlockingIOError:
            self._file.close()
            raise InputError(f"{folder}: another session measures into it; wait for it, or end it") from None
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def append(self, visit: Mapping[str, Any]) -> None:
        """Write a visit, and wait until it is on disk."""
        self._write(visit)
        self.visits.append(dict(visit))

    def tell(self, state: Mapping[str, Any]) -> None:
        """Write the state of the machine at the beginning or end of a session."""
        self._write({"state": state})
        self.states.append(dict(state))

    def _write(self, line: Mapping[str, Any]) -> None:
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(json.dumps(line, separators=(",", ":"), allow_nan=False).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._drop(end)
            raise InputError(f"{self.path}: cannot be written: {error.strerror}; what was measured is kept") from None

    def _drop(self, end: int) -> None:
        """Leave no half line behind; a file that cannot even be cut loses it when it is read."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._file.fileno(), end)

    def _read(self, head: Mapping[str, Any]) -> None:
        self._file.seek(0)
        content = self._file.read()
        whole, _, half = content.rpartition(b"\n")
        if half:  # of a process that was killed while it wrote
            os.ftruncate(self._file.fileno(), len(content) - len(half))
        lines = [parsed(self.path, number, line) for number, line in enumerate(whole.split(b"\n"), 1)] if whole else []
        if not lines:
            self._write(head)
            return
        self._compare(lines[0], json.loads(json.dumps(head)))
        self.visits = [line for line in lines[1:] if "state" not in line]
        self.states = [line["state"] for line in lines[1:] if "state" in line]

    def _compare(self, found: Mapping[str, Any], head: Mapping[str, Any]) -> None:
        for name, word in WORDS.items():
            if found.get(name) != head.get(name):
                raise InputError(
                    f"{self.path.parent}: holds measurements with another {word}: {_said(found.get(name))} there, "
                    f"{_said(head.get(name))} here; give another --output"
                )


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(item)}" for name, item in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def parsed(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """Return what a line of a session's file says; raises InputError, naming it, for one that is damaged."""
    try:
        found = json.loads(line)
        wanted = ("format",) if number == 1 else FIELDS
        if isinstance(found, dict) and ("state" in found or all(name in found for name in wanted)):
            return found
    except ValueError:
        pass
    raise InputError(f"{path}: line {number}: damaged; remove the line, or give another --output")


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the visits of a folder, in which nothing is written; none where it keeps none.

    Raises:
        InputError: for a file of which a line is damaged, other than a half-written last one.
    """
    path = folder / FILE
    try:
        whole = path.read_bytes().rpartition(b"\n")[0] if path.is_file() else b""
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    lines = [parsed(path, number, line) for number, line in enumerate(whole.split(b"\n"), 1)] if whole else []
    return [line for line in lines[1:] if "state" not in line]
