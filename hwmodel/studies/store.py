"""Answers by content: each design point's, under a hash of its inputs and of the model's version.

A folder holds `index.sqlite`, with a line a point, and `rows/*.parquet`, where points of one kind lie together. A
point that has just been answered is written into the index at once; `seal` moves what has gathered there to a Parquet
file. So a process may be killed at any time and what it finished is there, and several may write one store: SQLite has
them wait for each other, and a Parquet file is named by its contents and complete before the index tells of it.

What is damaged is never taken for an answer: pages of Parquet carry checksums, an index that is no database is set
aside and made anew from the Parquet files, which say themselves what their points are.
"""

import contextlib
import hashlib
import io
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circuits.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LAYOUT = 1  # of the folder; another is refused
WAIT_S = 60.0  # for another study that writes
SEAL_BYTES = 32 << 20  # so much waits in the index at most
INDEX = "index.sqlite"
TABLE = """CREATE TABLE IF NOT EXISTS points(
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, model TEXT NOT NULL, inputs TEXT NOT NULL, about TEXT NOT NULL,
    answered TEXT NOT NULL, rows BLOB, file TEXT, first INTEGER, count INTEGER) WITHOUT ROWID"""


@dataclass(frozen=True)
class Answer:
    """What was found of a point: a table, and what is said about it, as plain JSON."""

    rows: "pd.DataFrame"
    about: dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A point as the store names it."""

    key: str
    kind: str
    model: str  # version of the model that answers it
    inputs: str  # JSON

    @classmethod
    def of(cls, kind: str, inputs: dict[str, Any], model: str) -> "Entry":
        text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return cls(hashlib.sha256(f"{kind}\n{model}\n{text}".encode()).hexdigest(), kind, model, text)


def default_folder() -> Path:
    """Return where answers are kept unless another folder is named: HWMODEL_STORE, else the user's cache folder."""
    if named := os.environ.get("HWMODEL_STORE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hwmodel" / "store"


class Store:
    """A folder of answers. Use as a context: leaving it seals what was put.

    Args:
        folder: made where it is not there.

    Raises:
        InputError: for a folder that cannot be made or written, is of another layout, or that another study holds for
            longer than a minute. So do all methods.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting = 0  # bytes in the index that this process put
        with self._told():
            (folder / "rows").mkdir(parents=True, exist_ok=True)
        self._base = self._open()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.seal()
        finally:
            self._base.close()

    def get(self, entries: Sequence[Entry]) -> dict[str, Answer]:
        """Return the answers that are there, by key."""
        found: dict[str, Answer] = {}
        files: dict[str, list[tuple[str, dict[str, Any], int, int]]] = {}
        with self._told():
            for entry in entries:
                query = "SELECT about, rows, file, first, count FROM points WHERE key = ?"
                if (line := self._base.execute(query, (entry.key,)).fetchone()) is None:
                    continue
                about, blob, file, first, count = line
                if blob is not None:
                    found[entry.key] = Answer(_frame(_unpacked(blob)), json.loads(about))
                else:
                    files.setdefault(file, []).append((entry.key, json.loads(about), first, count))
        for file, lines in files.items():
            if (table := self._file(file)) is not None:
                for key, about, first, count in lines:
                    found[key] = Answer(_frame(table.slice(first, count)), about)
        return found

    def put(self, entry: Entry, answer: Answer) -> Answer:
        """Keep an answer; return it as it will be read."""
        table = _table(answer.rows)
        blob, about = _packed(table), json.dumps(answer.about, allow_nan=False)
        values = (
            entry.key,
            entry.kind,
            entry.model,
            entry.inputs,
            about,
            time.strftime("%Y-%m-%d", time.gmtime()),
            blob,
        )
        with self._told():
            self._base.execute(
                "INSERT OR REPLACE INTO points(key, kind, model, inputs, about, answered, rows) VALUES (?,?,?,?,?,?,?)",
                values,
            )
        self._waiting += len(blob)
        if self._waiting > SEAL_BYTES:
            self.seal()
        return Answer(_frame(table), json.loads(about))

    def seal(self) -> None:
        """Move what waits in the index to Parquet files, a file a kind and shape of rows."""
        columns = "key, kind, model, inputs, about, answered, rows"
        query = f"SELECT {columns} FROM points WHERE rows IS NOT NULL ORDER BY key"  # noqa: S608
        with self._told(), _alone(self._base):  # no other study seals the same points
            groups: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
            for line in self._base.execute(query).fetchall():
                groups.setdefault((line[1], str(_unpacked(line[6]).schema)), []).append(line)
            for group in groups.values():
                self._write(group)
        self._waiting = 0

    def summary(self) -> list[dict[str, Any]]:
        """Return a row a kind of points and version of the model: how many there are, and since when."""
        query = (
            "SELECT kind, model, COUNT(*), MIN(answered), MAX(answered) FROM points GROUP BY kind, model ORDER BY 1, 5"
        )
        with self._told():
            names = ("kind", "model", "points", "first", "last")
            return [dict(zip(names, line, strict=True)) for line in self._base.execute(query)]

    def prune(self, current: Iterable[tuple[str, str]]) -> int:
        """Drop points of all but these (kind, version of the model), and files that hold none else; return how many."""
        keep = set(current)
        with self._told():
            with _alone(self._base):
                lines = self._base.execute("SELECT key, kind, model FROM points").fetchall()
                old = [line[0] for line in lines if line[1:] not in keep]
                self._base.executemany("DELETE FROM points WHERE key = ?", [(key,) for key in old])
            named = {name for (name,) in self._base.execute("SELECT DISTINCT file FROM points WHERE file IS NOT NULL")}
            for path in (self.folder / "rows").glob("*.parquet"):
                if path.name not in named:
                    path.unlink(missing_ok=True)
            self._base.execute("VACUUM")
        return len(old)

    def _write(self, lines: Sequence[tuple[Any, ...]]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        tables = [_unpacked(line[6]) for line in lines]
        told, first = [], 0
        for line, table in zip(lines, tables, strict=True):
            key, kind, model, inputs, about, answered, _ = line
            told.append({"key": key, "kind": kind, "model": model, "inputs": inputs, "about": about,
                         "answered": answered, "first": first, "count": table.num_rows})  # fmt: skip
            first += table.num_rows
        whole = pa.concat_tables(tables).replace_schema_metadata(
            {"hwmodel": json.dumps({"layout": LAYOUT, "points": told})}
        )
        content = io.BytesIO()
        parquet.write_table(whole, content, compression="zstd", write_page_checksum=True)
        data = content.getvalue()
        name = f"{lines[0][1]}-{hashlib.sha256(data).hexdigest()[:32]}.parquet"
        _place(self.folder / "rows" / name, data)
        self._base.executemany(
            "UPDATE points SET rows = NULL, file = ?, first = ?, count = ? WHERE key = ?",
            [(name, one["first"], one["count"], one["key"]) for one in told],
        )

    def _file(self, name: str) -> "pa.Table | None":
        """Return a file's rows; None, and its points forgotten, where it is gone or damaged."""
        import pyarrow as pa
        from pyarrow import parquet

        try:
            return parquet.read_table(self.folder / "rows" / name, page_checksum_verification=True)
        except (OSError, pa.ArrowException):
            with self._told():
                self._base.execute("DELETE FROM points WHERE file = ?", (name,))
            return None

    def _open(self) -> sqlite3.Connection:
        path = self.folder / INDEX
        with self._told():
            try:
                return _connect(path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
            aside = path.with_suffix(f".damaged-{time.time_ns()}")
            path.replace(aside)
            for rest in ("-wal", "-shm"):
                path.with_name(path.name + rest).unlink(missing_ok=True)
            base = _connect(path)
            self._recover(base)
            return base

    def _recover(self, base: sqlite3.Connection) -> None:
        """Tell a new index of the Parquet files' points; files that cannot be read are left aside."""
        import pyarrow as pa
        from pyarrow import parquet

        for path in sorted((self.folder / "rows").glob("*.parquet")):
            try:
                told = json.loads((parquet.read_schema(path).metadata or {})[b"hwmodel"])
                names = ("key", "kind", "model", "inputs", "about", "answered", "first", "count")
                lines = [(*(one[name] for name in names), path.name) for one in told["points"]]
            except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
                continue
            with _alone(base):
                base.executemany(
                    "INSERT OR REPLACE INTO points(key, kind, model, inputs, about, answered, first, count, file) "
                    "VALUES (?,?,?,?,?,?,?,?,?)",
                    lines,
                )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Say in a line what the disk or the database refuses."""
        kept = "what was finished before is kept"
        try:
            yield
        except sqlite3.OperationalError as error:
            said = str(error)
            if "locked" in said or "busy" in said:
                raise InputError(
                    f"store {self.folder}: held by another study for over {WAIT_S:.0f} s; try again"
                ) from None
            right = "free some room and run it again" if "full" in said else "name another folder with --store"
            raise InputError(f"store {self.folder}: {said}; {kept}; {right}") from None
        except sqlite3.DatabaseError as error:
            right = f"move its {INDEX} away, and it is made anew of the files in rows/"
            raise InputError(f"store {self.folder}: damaged ({error}); {right}") from None
        except OSError as error:
            if isinstance(error, InputError):
                raise
            right = "name another folder with --store"
            raise InputError(f"store {self.folder}: {error.strerror or error}; {kept}; {right}") from None


def _connect(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
    try:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = FULL")
        layout = base.execute("PRAGMA user_version").fetchone()[0]
        if layout not in (0, LAYOUT):
            right = f"this hwmodel reads layout {LAYOUT}; name another folder with --store"
            raise InputError(f"store {path.parent}: of layout {layout}; {right}")
        base.execute(TABLE)
        base.execute(f"PRAGMA user_version = {LAYOUT}")
        if base.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("its pages do not hold together")
    except BaseException:
        base.close()
        raise
    return base


@contextlib.contextmanager
def _alone(base: sqlite3.Connection) -> Iterator[None]:
    """Hold the index: what is done within is seen by others whole or not at all."""
    base.execute("BEGIN IMMEDIATE")
    try:
        yield
        base.execute("COMMIT")
    except BaseException:
        base.execute("ROLLBACK")
        raise


def _place(path: Path, data: bytes) -> None:
    """Write a file that is either whole or not there."""
    from traces.files import replacing

    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _table(rows: "pd.DataFrame") -> "pa.Table":
    import pyarrow as pa

    return pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)


def _frame(table: "pa.Table") -> "pd.DataFrame":
    return table.to_pandas()


def _packed(table: "pa.Table") -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _unpacked(blob: bytes) -> "pa.Table":
    import pyarrow as pa

    return pa.ipc.open_stream(blob).read_all()
