"""Tables that grow on disk while a command runs, in Arrow's stream format; made into Parquet files at the end.

A stream can be read up to its last whole batch, so that of a run whose watcher was killed only the last seconds are
lost. Memory is bounded: rows wait for the next batch, and a batch is turned into a row group by itself.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from circuits.errors import InputError

GROUP_ROWS = 1 << 16

_TICKS = ("time_s cpu_s wait_s slices:i processes:i threads:i running:i rss_bytes:i frames frames_time_s "
          "machine_busy_s machine_steal_s pressure_cpu_s pressure_io_s pressure_memory_s late_s")  # fmt: skip
_ROLES = "time_s role:t cpu_s wait_s slices:i processes:i threads:i running:i rss_bytes:i"
_PROCESSES = ("pid:i parent:i role:t name:t command:t start_s end_s threads:i cpu_s wait_s slices:i "
              "voluntary_switches:i involuntary_switches:i peak_rss_bytes:i")  # fmt: skip
_PHASES = "time_s phase:t count size size2 wall_s wall_s2 size_wall_s cpu_s cpu_s2 size_cpu_s"
_GPU = ("time_s gpu:i busy memory_busy memory_used_bytes:i sm_clock_Hz memory_clock_Hz power_W energy_J throttle:i "
        "processes:i tree_processes:i tree_busy sm_active sm_occupancy tensor_active dram_active")  # fmt: skip
_TYPES = {"": pa.float64(), "i": pa.int64(), "t": pa.dictionary(pa.int32(), pa.string())}


def _schema(text: str) -> pa.Schema:
    parts = [one.partition(":") for one in text.split()]
    return pa.schema([(name, _TYPES[kind]) for name, _, kind in parts])


TABLES = {"ticks": _schema(_TICKS), "roles": _schema(_ROLES), "processes": _schema(_PROCESSES),
          "phases": _schema(_PHASES), "gpu": _schema(_GPU)}  # fmt: skip


class Journal:
    """The tables of a run, as streams in a folder.

    Attributes:
        failed: why it no longer grows; the empty text while it does.
    """

    def __init__(self, folder: Path, tables: Sequence[str]) -> None:
        """Begin the streams.

        Raises:
            OSError: they cannot be made.
        """
        self.failed = ""
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in tables}
        self._files = {name: (folder / f"{name}.arrows").open("wb") for name in tables}
        options = pa.ipc.IpcWriteOptions(compression="lz4", emit_dictionary_deltas=True)
        _batch(
            TABLES["ticks"], [(None,) * len(TABLES["ticks"])]
        )  # the first one imports much, so before the command runs
        self._writers = {name: pa.ipc.new_stream(file, TABLES[name], options=options)
                         for name, file in self._files.items()}  # fmt: skip

    def add(self, table: str, row: tuple[Any, ...]) -> None:
        """Add a row, in the order of the table's columns."""
        if not self.failed:
            self._rows[table].append(row)

    def flush(self) -> None:
        """Write what waits. What cannot be written is told in `failed`, and nothing more is taken."""
        try:
            for name, rows in self._rows.items():
                if rows:
                    self._writers[name].write_batch(_batch(TABLES[name], rows))
                    self._files[name].flush()
                    rows.clear()
        except OSError as error:
            self.failed = error.strerror or str(error)
            for rows in self._rows.values():
                rows.clear()

    def close(self) -> None:
        """Write what waits and end the streams."""
        self.flush()
        for one in (*self._writers.values(), *self._files.values()):
            with contextlib.suppress(OSError, pa.ArrowInvalid):
                one.close()
        self._writers, self._files = {}, {}


def _batch(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(zip(*rows, strict=True), schema, strict=True)
    return pa.record_batch([pa.array(values, field.type) for values, field in columns], schema=schema)


def to_parquet(journal: Path, folder: Path, name: str) -> int:
    """Make a stream into `NAME.parquet`, as far as it is whole; return the rows. A table without rows has no file.

    Raises:
        InputError: it cannot be written.
    """
    source, target = journal / f"{name}.arrows", folder / f"{name}.parquet"
    staged = journal / f"{name}.parquet"
    rows = 0
    try:
        with pq.ParquetWriter(staged, plain(TABLES[name]), compression="zstd") as writer:
            for table in _groups(source):
                writer.write_table(table.cast(plain(TABLES[name])))
                rows += len(table)
        if rows or name != "gpu":
            staged.replace(target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from None
    return rows


def plain(schema: pa.Schema) -> pa.Schema:
    """Return a schema with its text as text."""
    return pa.schema([(one.name, pa.string() if pa.types.is_dictionary(one.type) else one.type) for one in schema])


def _groups(source: Path) -> Any:
    """Yield a stream's batches, some together, up to the last whole one."""
    waiting: list[pa.RecordBatch] = []
    with source.open("rb") as file, contextlib.suppress(pa.ArrowInvalid, EOFError), pa.ipc.open_stream(file) as stream:
        while True:
            try:
                waiting.append(stream.read_next_batch())
            except (StopIteration, OSError, pa.ArrowInvalid):
                break
            if sum(map(len, waiting)) >= GROUP_ROWS:
                yield pa.Table.from_batches(waiting)
                waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)
