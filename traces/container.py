"""A trace in a file: one Parquet file, its intervals in row groups of bounded size, everything else in its metadata.

Columns are those of `traces.stream.COLUMNS`, but for `base`, which is stored as `base_delta`: the distance in bytes
(int64, modulo 2**64) from the interval before it, in the same row group, of the same tensor; from address 0 for a
tensor's first. Numbers are split by byte (BYTE_STREAM_SPLIT) and compressed with zstd: on VGG-16's training a sixth of
what DELTA_BINARY_PACKED takes, and less than half of that with the distances taken tensor by tensor.

Two keys of the file's metadata make it ours: `hwmodel.trace` holds a JSON document (schema version, header, tensors,
kernels, totals, and for each row group its intervals and the CRC-32 of its columns, addresses as such),
`hwmodel.trace.crc32` the CRC-32 of that text. So a flipped bit is found before an interval is passed on.
"""

import contextlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from traces.errors import InputError
from traces.files import replacing
from traces.stream import COLUMNS, Intervals
from traces.survey import Survey, differences, sums
from traces.tables import dump, parse
from traces.trace import SCHEMA_VERSION, Trace

KEY = b"hwmodel.trace"
KEY_CRC = b"hwmodel.trace.crc32"
GROUP = 1 << 18  # intervals of a row group
MAX_GROUP = 1 << 20  # a reader's bound on them: about 40 MiB
MAX_TEXT = 1 << 28  # bytes of the description
MAX_FOOTER = MAX_TEXT + (1 << 26)  # with where the row groups are
MAGIC = b"PAR1"

STORED = {"base_delta" if name == "base" else name: kind for name, kind in COLUMNS.items()} | {"base_delta": np.int64}
SCHEMA = pa.schema([pa.field(name, pa.from_numpy_dtype(kind), nullable=False) for name, kind in STORED.items()])
OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": False,
    "column_encoding": {name: "PLAIN" if name == "write" else "BYTE_STREAM_SPLIT" for name in STORED},
    "write_statistics": False,
    "store_schema": False,
}

Progress = Callable[[float], None]


def write_trace(trace: Trace, path: str | Path, on_progress: Progress | None = None) -> None:
    """Write a trace, batch by batch; memory is bounded by a row group, and `path` changes only when all is written.

    Args:
        trace: the trace; its stream is run through once.
        path: the file to write, replaced if it is there.
        on_progress: told the fraction of kernels written, 0 to 1, after each row group.

    Raises:
        InputError: for a path that cannot be written, and a stream whose intervals do not fit the trace's tables.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a regular file; give the name of a file to write")
        with replacing(path) as temporary:
            _write(trace, temporary, on_progress or (lambda _: None))
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _write(trace: Trace, path: Path, on_progress: Progress) -> None:
    survey = Survey(len(trace.tensors), len(trace.kernels), trace.header.sector_bytes)
    groups: list[list[int]] = []
    with path.open("wb") as sink, pq.ParquetWriter(sink, SCHEMA, **OPTIONS) as writer:
        for group in _grouped(trace.batches()):
            survey.add(group)
            delta = differences(group.base, group.tensor, len(trace.tensors))
            columns = [pa.array(column) for column in (delta, *group[1:])]
            writer.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), row_group_size=len(group.base))
            groups.append([len(group.base), _crc(group)])
            on_progress((int(group.kernel[-1]) + 1) / len(trace.kernels))
        header = replace(trace.header, version=SCHEMA_VERSION)
        more = {"totals": asdict(survey.totals()), "groups": groups}
        text = dump(header, trace.tensors, trace.kernels, more).encode()
        if len(text) > MAX_TEXT:
            raise InputError(
                f"its kernels and tensors take {len(text)} bytes to name, more than {MAX_TEXT}; give a shorter run"
            )
        writer.add_key_value_metadata({KEY.decode(): text.decode(), KEY_CRC.decode(): str(zlib.crc32(text))})


def _grouped(batches: Iterator[Intervals]) -> Iterator[Intervals]:
    """Yield the stream in batches of GROUP intervals, the last one shorter."""
    held: list[Intervals] = []
    count = 0
    for batch in batches:
        start = 0
        while start < len(batch.base):
            part = batch.part(start, start + GROUP - count)
            held.append(part)
            count += len(part.base)
            start += len(part.base)
            if count == GROUP:
                yield _joined(held)
                held, count = [], 0
    if held:
        yield _joined(held)


def _joined(parts: list[Intervals]) -> Intervals:
    columns = zip(COLUMNS.values(), zip(*parts, strict=True), strict=True)
    return Intervals(*(np.concatenate(column).astype(kind, copy=False) for kind, column in columns))


def _crc(group: Intervals) -> int:
    """CRC-32 of the columns' little-endian bytes, one after another."""
    crc = 0
    for column in group:
        little = column.astype(column.dtype.newbyteorder("<"), copy=False)
        crc = zlib.crc32(np.ascontiguousarray(little).data, crc)
    return crc


def read_trace(path: str | Path) -> Trace:
    """Return the trace in a file. Its tables are checked here, its intervals group by group as `batches` yields them.

    Raises:
        InputError: here or while the batches are read, for a file that is missing, empty, truncated, of another kind
            or version, or damaged; one line that names the file.
    """
    path = Path(path)
    with _open(path) as file:
        text, groups = _description(path, file)
    try:
        document, header, tensors, kernels, totals = parse(text)
        _check_groups(document.get("groups"), groups)
        if sum(totals.intervals) != sum(groups):
            raise InputError("its totals are not those of its row groups")
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    crcs = [crc for _, crc in document["groups"]]

    def source() -> Iterator[Intervals]:
        survey = Survey(len(tensors), len(kernels), header.sector_bytes)
        with _open(path) as file:
            if _description(path, file) != (text, groups):
                raise InputError(f"{path}: was replaced while it was read")
            for index, crc in enumerate(crcs):
                group = _group(path, file, index, groups[index], len(tensors))
                if _crc(group) != crc:
                    raise InputError(f"{path}: damaged: the intervals of row group {index} are not those written")
                try:
                    survey.add(group)
                except InputError as error:
                    raise InputError(f"{path}: damaged: {error}") from None
                yield group
        if survey.totals() != totals:
            raise InputError(f"{path}: damaged: its intervals hold other totals than it says")

    return Trace(header, tensors, kernels, source, totals)


@contextlib.contextmanager
def _open(path: Path) -> Iterator[pq.ParquetFile]:
    right = "give a file that `hwmodel capture` wrote"
    if "\0" in str(path):
        raise InputError(f"{str(path)!r}: no name of a file; {right}")
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for its writer
            raise InputError(f"{path}: not a regular file; {right}")
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 4 - len(MAGIC)))
            footer, tail = int.from_bytes(file.read(4), "little"), file.read(len(MAGIC))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}; {right}") from None
    if not size:
        raise InputError(f"{path}: empty; {right}")
    if head != MAGIC:
        raise InputError(f"{path}: not a trace (no Parquet file); {right}")
    if tail != MAGIC or size < 12:
        raise InputError(f"{path}: truncated; {right}")
    if footer > MAX_FOOTER:  # the Parquet reader would take as much memory
        raise InputError(f"{path}: damaged: its footer has {footer} bytes, more than {MAX_FOOTER}; {right}")
    try:
        opened = pq.ParquetFile(path, pre_buffer=False, thrift_string_size_limit=MAX_TEXT)
    except Exception as error:  # what a damaged footer makes the Parquet reader raise is open-ended
        raise InputError(f"{path}: damaged or no Parquet file ({_line(error)}); {right}") from None
    with opened:
        yield opened


def _description(path: Path, file: pq.ParquetFile) -> tuple[str, list[int]]:
    """Return the JSON text and the number of intervals of each row group."""
    try:
        metadata = file.metadata.metadata or {}
        schema = file.schema_arrow.remove_metadata()
        groups = [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)]
    except Exception as error:
        raise InputError(f"{path}: damaged ({_line(error)})") from None
    if KEY not in metadata or KEY_CRC not in metadata:
        raise InputError(f"{path}: a Parquet file, but not a trace; give a file that `hwmodel capture` wrote")
    text = metadata[KEY]
    if metadata[KEY_CRC] != str(zlib.crc32(text)).encode():
        raise InputError(f"{path}: damaged: its description is not as it was written")
    try:
        decoded = text.decode()
        if not schema.equals(SCHEMA):
            parse(decoded)  # another version has other columns, and says so
            raise InputError(f"its columns are not {', '.join(STORED)} of the right types")
    except UnicodeDecodeError:
        raise InputError(f"{path}: damaged: its description is not text") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return decoded, groups


def _check_groups(found: Any, groups: list[int]) -> None:
    right = isinstance(found, list) and all(isinstance(one, list) and len(one) == 2 for one in found)
    if not right or [one[0] for one in found] != groups:
        raise InputError("its row groups are not those it lists")
    if any(not 1 <= rows <= MAX_GROUP for rows in groups):
        raise InputError(f"a row group holds none or more than {MAX_GROUP} intervals")


def _group(path: Path, file: pq.ParquetFile, index: int, rows: int, tensors: int) -> Intervals:
    try:
        table = file.read_row_group(index, use_threads=False)
        columns = [table.column(name).combine_chunks() for name in STORED]
        arrays = [column.to_numpy(zero_copy_only=False) for column in columns]
        if any(column.null_count for column in columns) or any(len(array) != rows for array in arrays):
            raise InputError("its columns are of unlike lengths")
        delta, *rest = (array.astype(kind) for kind, array in zip(STORED.values(), arrays, strict=True))
        group = Intervals(delta, *rest)
        if rows and int(group.tensor.max()) >= tensors:
            raise InputError("it names a tensor the trace has not")
        return group._replace(base=sums(delta, group.tensor, tensors))
    except Exception as error:  # what damaged pages make the Parquet reader raise is open-ended
        raise InputError(f"{path}: damaged: row group {index} cannot be read ({_line(error)})") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
