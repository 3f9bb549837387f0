"""Coverage-guided fuzzing of the readers: `python benchmarks/fuzz/readers.py TARGET FOLDER -max_total_time=300`.

TARGET is a format of `traces.formats`, `tracez` (one of Accel-Sim's), `list` (a kernelslist.g), `detect` (a file of a
format to be found out), `tables` (the description of a trace of ours, its checksum right) or `replay` (what was kept in
the FOLDERs that follow, and no more). What comes after FOLDER goes to libFuzzer. FOLDER keeps each target's corpus,
which begins with the tests' samples, and in `findings` a file for each kind of wrong outcome, beside its traceback.

An outcome is right when the stream is read and what it counts is what a slow count finds, or an InputError of one line
names the file. Needs `pip install atheris hypothesis pytest`. Run it with NUMBA_DISABLE_JIT=1: only Python's own code
shows its coverage, and only there is an index out of bounds an error. Then run `replay` without, on the compiled code.
"""

import contextlib
import itertools
import json
import os
import re
import sys
import traceback
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import atheris
except ImportError:
    sys.exit("readers.py: atheris is not there; pip install atheris hypothesis pytest")

sys.path.insert(0, str(Path(__file__).parents[2]))
COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
# numba compiles no instrumented code
with contextlib.nullcontext() if COMPILED else atheris.instrument_imports(include=["traces"]):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from traces import container, survey, tables
    from traces.errors import InputError
    from traces.formats import OWN, READ, accelsim, champsim, din, execution, kineto, lackey, nvbit, open_trace, oracle
    from traces.stream import COLUMNS, Intervals
    from traces.trace import Header, Kernel, Tensor, Totals, Trace

READERS = (accelsim, champsim, din, execution, kineto, lackey, nvbit, oracle)  # loaded, and so instrumented, above
LIMITS = ["-rss_limit_mb=1536", "-malloc_limit_mb=1024", "-timeout=15", "-max_len=3000", "-print_final_stats=0"]
SLOW = 1 << 14  # rows that the slow count goes through
ROW = np.dtype([(name, "u1" if kind is np.bool_ else kind) for name, kind in container.STORED.items()])


def slow_totals(trace: Trace, batches: list[Intervals]) -> tuple[int, int]:
    """Sectors read and written, row by row in whole numbers; what lies outside 0 to 2**64 is an error."""
    bits, found = trace.header.sector_bytes.bit_length() - 1, [0, 0]
    for batch in batches:
        for base, stride, rows, width, write, tensor, kernel in zip(*(one.tolist() for one in batch), strict=True):
            assert rows > 0, "an interval without rows"
            assert width > 0, "an interval without bytes"
            assert tensor < len(trace.tensors), "a tensor that is not there"
            assert kernel < len(trace.kernels), "a kernel that is not there"
            starts = (base, base + (rows - 1) * stride)
            assert min(starts) >= 0, "an address below 0"
            assert max(starts) + width <= 2**64, "an address beyond 2**64"
            if rows == 1 or stride % (1 << bits) == 0:
                found[write] += rows * (((base + width - 1) >> bits) - (base >> bits) + 1)
            else:
                for row in range(rows):
                    start = base + row * stride
                    found[write] += ((start + width - 1) >> bits) - (start >> bits) + 1
    return found[0], found[1]


def check(trace: Trace) -> None:
    """Run through a trace and compare what it holds with what is counted of it."""
    batches = list(trace.batches())
    counter = survey.Survey(len(trace.tensors), len(trace.kernels), trace.header.sector_bytes)
    for batch in batches:
        counter.add(batch)
    totals = counter.totals()
    assert sum(totals.intervals) == sum(len(one.base) for one in batches), "intervals lost"
    if sum(int(one.rows.sum()) for one in batches if (one.stride % trace.header.sector_bytes).any()) < SLOW:
        assert (sum(totals.sectors_read), sum(totals.sectors_written)) == slow_totals(trace, batches), "sectors lost"
    for one in trace.kernels:
        assert 0 <= one.blocks < 2**64, "blocks of a kernel"
    header = json.loads(tables.dump(trace.header, trace.tensors, trace.kernels, {}))
    assert header["header"]["notes"] == trace.header.notes, "a header that JSON changes"


def forged(path: Path, data: bytes) -> None:
    """Write a trace of ours with any description and, after a newline, any intervals; its checksums are right."""
    text, _, columns = data.partition(b"\n")
    count = len(columns) // ROW.itemsize
    rows = np.frombuffer(columns[: count * ROW.itemsize], ROW)
    stored = {name: rows[name] & 1 == 1 if name == "write" else rows[name] for name in container.STORED}
    try:
        document = json.loads(text)
        if isinstance(document, dict) and document.get("groups") == "right":
            tensor = np.minimum(stored["tensor"], 3)
            base = survey.sums(stored["base_delta"].copy(), tensor, 4)
            group = Intervals(base, *(stored[name] for name in list(COLUMNS)[1:]))
            document["groups"] = [[count, container._crc(group)]] if count else []
            text = json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        pass
    with pq.ParquetWriter(path, container.SCHEMA, **container.OPTIONS) as writer:
        if count:
            arrays = [pa.array(one.copy()) for one in stored.values()]
            writer.write_table(pa.Table.from_arrays(arrays, schema=container.SCHEMA))
        crc = str(zlib.crc32(text))
        try:
            writer.add_key_value_metadata({container.KEY: text, container.KEY_CRC: crc})
        except (UnicodeDecodeError, ValueError):
            writer.add_key_value_metadata({container.KEY: "", container.KEY_CRC: "0"})


def description() -> bytes:
    """A description that `forged` takes, and one interval of it."""
    header, totals = Header("net", "training", 1, "gtx1080ti", notes=["a"]), Totals([1], [1], [0])
    kernels, tensors = [Kernel("k", "o", "l", "forward", 1, 0)], [Tensor("t", "input", 0, 64)]
    more = {"totals": vars(totals), "groups": "right"}
    row = np.array([(64, 0, 1, 4, 0, 0, 0)], ROW)
    return tables.dump(header, tensors, kernels, more).encode() + b"\n" + row.tobytes()


class Target:
    """One reader, the file it is given, and the wrong outcomes met so far."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.findings = name, folder / "findings"
        self.findings.mkdir(parents=True, exist_ok=True)
        scratch = Path(os.environ.get("TMPDIR", "/dev/shm")) / f"fuzz-{os.getpid()}"
        scratch.mkdir(parents=True, exist_ok=True)
        self.path = scratch / {"list": "kernelslist.g"}.get(name, "input")
        self.seen = {one.stem for one in self.findings.glob("*.txt")}
        if name == "list":
            (scratch / "kernel-1.traceg").write_bytes(samples()["accelsim"][0])

    def __call__(self, data: bytes) -> None:
        try:
            self.attempt(data)
        except Exception as error:
            where = [f"{Path(one.filename).name}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)]
            kind = re.sub(r"[^\w.:-]", "_", f"{self.name}-{type(error).__name__}-{where[-1]}-{'-'.join(where[-3:-1])}")
            if kind not in self.seen:
                self.seen.add(kind)
                (self.findings / f"{kind}.bin").write_bytes(data)
                (self.findings / f"{kind}.txt").write_text(traceback.format_exc())
                print(f"finding: {kind}: {error}", file=sys.stderr)

    def attempt(self, data: bytes) -> None:
        if self.name == "tables":
            forged(self.path, data)
        else:
            self.path.write_bytes(data)
        name = {"list": "accelsim", "tracez": "accelsim", "tables": OWN, "detect": None}.get(self.name, self.name)
        try:
            check(open_trace(self.path, name))
        except InputError as error:
            assert str(self.path.parent) in str(error), f"does not name the file: {error}"  # noqa: PT017
            assert "\n" not in str(error), f"more than a line: {error}"  # noqa: PT017
            assert len(str(error)) < 1000, f"a long line: {error}"  # noqa: PT017


def samples() -> dict[str, list[bytes]]:
    """The tests' samples of each format."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    from tests.naive.tracez import tracez
    from tests.traces.formats.test_fuzz import PACKED, STARTS, VALID

    def some(texts: st.SearchStrategy[bytes]) -> list[bytes]:
        into: list[bytes] = []

        @given(texts)
        @settings(max_examples=60, derandomize=True, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        def collect(data: bytes) -> None:
            into.append(data)

        collect()
        return [*into, *(pack(into[-1]) for pack in PACKED.values())]

    found = {name: some(texts) for name, texts in VALID.items()}
    found["list"] = [b"MemcpyHtoD,0x0,1\nkernel-1.traceg\nkernel-1.traceg.xz\n", b"kernel-1.traceg\n"]
    bodies = [one.partition(b"#BEGIN_TB") for one in found["accelsim"] if one.startswith(b"-")]
    found["tracez"] = [
        tracez(head, begin + body, b"LDG.E 1 R2 4"[: i % 2 * 12], 1 + i) for i, (head, begin, body) in enumerate(bodies)
    ]
    found["tables"] = [description()]
    found["detect"] = [*itertools.chain(*(few[:4] for few in found.values())), *STARTS]
    return found | {OWN: [own()]}


def own() -> bytes:
    """A trace of ours."""
    path = Path(os.environ.get("TMPDIR", "/dev/shm")) / f"seed-{os.getpid()}"
    forged(path, description())
    data = path.read_bytes()
    path.unlink()
    return data


def words(texts: list[bytes], path: Path) -> None:
    """Write a dictionary of what the samples are made of."""
    found = dict.fromkeys(itertools.chain(*(re.findall(rb"[#\w:.+-]{2,24}", one) for one in texts)))
    odd = [b"-1", b"18446744073709551615", b"18446744073709551616", b"1e308", b"NaN", b"9223372036854775807"]
    some = [one for one in [*odd, *list(found)[:250]] if one.isascii()]
    path.write_text("".join(f'"{one.decode()}"\n' for one in some))


def replay(folders: list[Path]) -> None:
    """Give each target what was kept of it."""
    for folder in folders:
        for corpus in sorted((folder / "corpus").iterdir()):
            target = Target(corpus.name, folder)
            some = [*corpus.iterdir(), *(folder / "findings").glob(f"{corpus.name}-*.bin")]
            for one in some:
                target(one.read_bytes())
            print(f"{corpus.name}: {len(some)} files", file=sys.stderr)


def main() -> None:
    """Fuzz one target until libFuzzer's time is up."""
    warnings.simplefilter("ignore")  # numpy's, of what wraps as it does once compiled
    if len(sys.argv) < 3 or sys.argv[1] not in {*READ, "tracez", "list", "detect", "tables", "replay"}:
        sys.exit(__doc__)
    name, folder = sys.argv[1], Path(sys.argv[2])
    if name == "replay":
        replay([Path(one) for one in sys.argv[2:]])
        return
    corpus = folder / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    if not (folder / f"{name}.dict").exists():
        texts = samples()[name]
        for number, one in enumerate(texts):
            (corpus / f"seed-{number}").write_bytes(one)
        words(texts, folder / f"{name}.dict")
    run: Callable[[bytes], Any] = Target(name, folder)
    artefacts = f"-artifact_prefix={folder / 'findings'}/{name}-"
    atheris.Setup(
        [sys.argv[0], str(corpus), f"-dict={folder / f'{name}.dict'}", artefacts, *LIMITS, *sys.argv[3:]], run
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
