"""What a trace holds, as `hwmodel trace info` and the commands that write one show it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from traces.trace import Totals, Trace


def summary(path: Path, read: "Trace") -> dict[str, Any]:
    """Return a trace's header and counts; of one whose file has no counts, by running through its stream.

    Raises:
        InputError: where the stream cannot be read.
    """
    from traces.survey import count

    totals = count(read)
    sector = read.header.sector_bytes
    reads, writes, size = sum(totals.sectors_read), sum(totals.sectors_written), path.stat().st_size
    return {
        "file": str(path),
        **read.header.as_dict(),
        "kernels": len(read.kernels),
        "tensors": len(read.tensors),
        "intervals": sum(totals.intervals),
        "sectors_read": reads,
        "sectors_written": writes,
        "read_bytes": reads * sector,
        "written_bytes": writes * sector,
        "size_bytes": size,
        "size_per_sector_bytes": size / (reads + writes) if reads + writes else None,
        "by_kernel": _by_kind(read, totals),
    }


def _by_kind(read: "Trace", totals: "Totals") -> list[dict[str, Any]]:
    """A row a kind of kernel and phase, in the order of their first launch."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    counts = zip(read.kernels, totals.intervals, totals.sectors_read, totals.sectors_written, strict=True)
    for kernel, intervals, reads, writes in counts:
        empty = {"kernel": kernel.name, "phase": kernel.phase, "launches": 0, "macs": 0, "intervals": 0,
                 "sectors_read": 0, "sectors_written": 0}  # fmt: skip
        row = rows.setdefault((kernel.name, kernel.phase), empty)
        more = {"launches": 1, "macs": kernel.macs, "intervals": intervals, "sectors_read": reads,
                "sectors_written": writes}  # fmt: skip
        for name, value in more.items():
            row[name] += value
    return list(rows.values())
