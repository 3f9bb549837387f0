"""The field's trace formats: which there are, how one is told from another, and how a file of any becomes a trace."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from traces.errors import InputError

if TYPE_CHECKING:
    from traces.trace import Trace

OWN = "hwmodel"


@dataclass(frozen=True)
class Format:
    """A format: its name, what it is, how its files are called, and how the first bytes of one look."""

    name: str
    title: str
    files: str  # a regular expression over the file's name, without what says how it is compressed
    looks: bytes  # one over the head of the file
    reader: str  # the module where read(path) is
    writer: str = ""  # the one where write(trace, path) is, of a format that can be written


FORMATS = {
    one.name: one
    for one in (
        Format(OWN, "a trace of ours, from `hwmodel capture` or `trace import`", r".*\.trace", rb"PAR1",
               "traces.container"),
        Format("accelsim", "Accel-Sim kernel trace or list of them", r".*\.trace[gz]|.*list\.g",
               rb"\s*(-kernel name =|kernel-\S|Memcpy[HD]to[HD],)", "traces.formats.accelsim",
               "traces.formats.accelsim_writer"),
        Format("nvbit", "what NVBit's mem_trace prints", r".*\.memtrace", rb"(.*\n)*MEMTRACE: CTX ",
               "traces.formats.nvbit"),
        Format("din", "DineroIV text, traditional or extended", r".*\.x?din",
               rb"\s*([0-4][ \t]+(0[xX])?[0-9a-fA-F]+|[rwimcv][ \t]+(0[xX])?[0-9a-fA-F]+[ \t]+[0-9a-fA-Fx]+)\s",
               "traces.formats.din", "traces.formats.din"),
        Format("lackey", "what Valgrind's lackey prints with --trace-mem=yes", r".*\.lackey",
               rb"((==|--)[^\n]*\n)*\s*[ILSM][ \t]+[0-9a-fA-F]+,[0-9]+\s", "traces.formats.lackey"),
        Format("kineto", "torch.profiler's Chrome trace", r".*\.pt\.trace\.json",
               rb"(?s)\s*(\{.*\"(traceEvents|schemaVersion|deviceProperties)\"|\[\s*\{.*\"ph\")",
               "traces.formats.kineto"),
        Format("pytorch-et", "PyTorch execution trace", r".*\.et\.json", rb"(?s)\s*\{.*\"(schema|nodes)\"\s*:",
               "traces.formats.execution"),
        Format("oracle", "libCacheSim oracleGeneral, binary", r"(?i).*oracleGeneral(\.\w+)*", rb"(?!)",
               "traces.formats.oracle", "traces.formats.oracle_writer"),
        Format("champsim", "ChampSim instructions, binary", r"(?i).*\.champsim(trace)?", rb"(?!)",
               "traces.formats.champsim"),
    )
}  # fmt: skip
READ = tuple(FORMATS)
WRITTEN = tuple(name for name, one in FORMATS.items() if one.writer)
_PACKED = re.compile(r"(?i)\.(xz|gz|zst|zstd)$")


def by_name(path: Path, names: tuple[str, ...] = READ) -> str | None:
    """Return the format that a file's name speaks for, None where it tells nothing."""
    name = _PACKED.sub("", path.name)
    return next((one for one in names if re.fullmatch(FORMATS[one].files, name)), None)


def detect(path: Path) -> str:
    """Return the name of the format of a file, from its first bytes, or where those tell nothing from its name.

    Raises:
        InputError: for a file that cannot be read, and for one of no known format.
    """
    from traces.formats import source

    head = source.head(path)
    named = by_name(path)
    if head.startswith(b"PAR1"):
        return OWN
    if named not in {None, OWN}:
        return str(named)
    for name, one in FORMATS.items():
        if re.match(one.looks, head):
            return name
    if named == OWN:
        return OWN  # whose reader says what is wrong with it
    raise InputError(f"{path}: of no format known by its name or first bytes; name it with --format: {', '.join(READ)}")


def open_trace(
    path: str | Path, format: str | None = None, *, order: str = "waves", resident: int | None = None,  # noqa: A002
    gpu: str = "gtx1080ti",
) -> "Trace":  # fmt: skip
    """Return the trace in a file of any format; its stream is read, bounded in memory, as `batches` yields it.

    Args:
        path: the file, compressed with xz, gzip or zstd or not.
        format: its format's name; None finds out.
        order: of an Accel-Sim trace's thread blocks, see `traces.formats.accelsim`: `waves` or `listed`.
        resident: how many of its blocks run at once; None for as many as `gpu` holds.
        gpu: name of a machine description, or its file.

    Raises:
        InputError: here or while batches are read, for a file that is missing, damaged or of another format; one line
            that names the file, the line or record, what is wrong and what would be right.
    """
    path = Path(path)
    if order not in {"waves", "listed"}:
        raise InputError(f"order {order!r}: give waves or listed")
    if resident is not None and not 0 < resident < 1 << 32:
        raise InputError(f"resident {resident!r}: give a number of thread blocks from 1 to 2**32 - 1")
    name = format or detect(path)
    if name not in FORMATS:
        raise InputError(f"format {name!r}: unknown; give one of {', '.join(READ)}")
    module = import_module(FORMATS[name].reader)
    if name == OWN:
        return module.read_trace(path)
    if name == "accelsim":
        return module.read(path, order, resident or _holds(gpu))
    return module.read(path)


def _holds(gpu: str) -> Callable[[int, int, int], int]:
    """Return a function from a block's threads, a thread's registers and a block's shared bytes to blocks at once."""
    from traces.gpus import load_gpu

    machine = load_gpu(gpu)

    def resident(threads: int, registers: int, shared_bytes: int) -> int:
        blocks = machine.resident(max(threads, 1), registers)
        fitting = machine.shared_bytes_per_sm // shared_bytes if shared_bytes else blocks
        return max(1, min(blocks, machine.sms * max(1, fitting)))

    return resident


def save_trace(trace: "Trace", path: str | Path, format: str | None = None) -> None:  # noqa: A002
    """Write a trace in another tool's format; memory is bounded, and `path` changes only when all is written.

    Args:
        trace: the trace; its stream is run through, more than once for oracleGeneral.
        path: the file to write, or for `accelsim` the folder; a name that ends in .xz, .gz or .zst is compressed.
        format: a name in `WRITTEN`; None goes by the file's name.

    Raises:
        InputError: for a format that cannot be written, a path that cannot, and a stream that breaks off.
    """
    path = Path(path)
    name = format or by_name(path, WRITTEN)
    if name is None or name not in WRITTEN:
        raise InputError(f"{path}: of no format that can be written; name it with --format: {', '.join(WRITTEN)}")
    import_module(FORMATS[name].writer).write(trace, path)
