"""A profile as a person reads it: what it ran, how fast, who waited for a core, what the phases cost, the GPUs."""

from collections.abc import Iterator
from typing import Any

from hwmodel.units import show

_ROLES = (("role", "role"), ("processes", "processes"), ("threads", "threads"), ("cores", "cores"),
          ("waited for a core", "wait_share"), ("CPU time a frame", "cpu_s_per_frame"),
          ("slices/s", "slices_per_second"), ("memory", "rss_bytes"))  # fmt: skip
_PHASES = (("phase", "phase"), ("a second", "per_second"), ("mean size", "mean_size"), ("mean time", "mean_wall_s"),
           ("fixed, a", "wall_a_s"), ("each, b", "wall_b_s"), ("about the line", "wall_residual_s"),
           ("mean CPU time", "mean_cpu_s"))  # fmt: skip
_GPUS = (("GPU", "gpu"), ("busy", "busy"), ("by this job", "tree_busy"), ("SMs active", "sm_active"),
         ("tensor", "tensor_active"), ("DRAM", "dram_active"), ("SM clock", "sm_clock_Hz"), ("power", "power_W"),
         ("energy", "energy_J"), ("memory", "memory_used_bytes"))  # fmt: skip
_SHARES = {"wait_share", "busy", "tree_busy", "sm_active", "tensor_active", "dram_active"}
_PLAIN = {"processes", "threads", "cores", "slices_per_second", "per_second", "mean_size"}
_PLURAL = {"actor": "actors", "learner": "the learner", "inference": "inference"}
STARVED = 0.1  # share of the time waited for a core from which on it is told in a sentence


def view(document: dict[str, Any]) -> None:
    """Print a profile's document."""
    from rich.console import Console

    window = document.get("steady") or {}
    for name, text in _head(document, window):
        print(f"{name:<10}  {text}")
    for title, columns, rows in (("roles", _ROLES, window.get("roles")), ("phases", _PHASES, _timed(window)),
                                 ("GPUs", _GPUS, window.get("gpus"))):  # fmt: skip
        if rows:
            print(f"\n{title}")
            _table(columns, rows)
    print()
    for sentence in sentences(document):
        Console(highlight=False, soft_wrap=True).print(sentence, markup=False)


def _head(document: dict[str, Any], window: dict[str, Any]) -> Iterator[tuple[str, str]]:
    totals = document.get("totals") or {}
    yield "output", str(document["output"])
    yield "command", " ".join(map(str, document.get("command", [])))
    yield "ended", f"{document['ended']['how']}, after {show('wall_s', document['wall_s'])}"
    if window.get("seconds"):
        yield "steady", f"{show('s_s', window['start_s'])} to {show('s_s', window['end_s'])}, {window['how']}"
    if window.get("frames_per_second") is not None:
        yield "frames/s", f"{window['frames_per_second']:,.4g} (from {document['frames']['by']})"
    if totals:
        yield "processes", f"{totals['processes']} in all, at most {totals['most_processes']} at a time"
        yield "CPU time", show("cpu_s", totals["cpu_s"] or totals["sampled_cpu_s"])


def _timed(window: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in window.get("phases", ()) if "mean_wall_s" in row]


def _table(columns: tuple[tuple[str, str], ...], rows: list[dict[str, Any]]) -> None:
    """Print a table of the columns in which any row has a figure; each cell with the unit that suits it."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.measure import Measurement
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    told = [(head, name) for head, name in columns if any(row.get(name) is not None for row in rows)]
    for head, name in told:
        table.add_column(head, justify="left" if isinstance(rows[0].get(name), str) else "right")
    for row in rows:
        table.add_row(*(escape(_cell(name, row.get(name))) for _, name in told))
    wide = Measurement.get(console := Console(highlight=False), console.options.update(width=1 << 16), table).maximum
    Console(highlight=False, width=max(wide, 1)).print(table)  # never cut a digit


def _cell(name: str, value: Any) -> str:
    if name in _SHARES and value is not None:
        return f"{100 * value:.3g} %"
    if isinstance(value, float) and name in _PLAIN:
        return f"{value:,.4g}"
    return show("s_s" if name.endswith("_per_frame") else name, value)


def sentences(document: dict[str, Any]) -> Iterator[str]:
    """Yield what the figures say, in words."""
    window = document.get("steady") or {}
    for row in window.get("roles", ()):
        if row["wait_share"] is not None and row["wait_share"] >= STARVED and row["cores"] > 0.05:
            who = str(_PLURAL.get(row["role"], row["role"]))
            who += " processes" if row["processes"] > 1 and who == row["role"] else ""
            who = who[:1].upper() + who[1:] if row["role"] in _PLURAL else who
            yield f"{who} waited {100 * row['wait_share']:.0f} % of the time for a core."
    if window.get("frames_per_second") is None:
        yield ("No frames were counted: give --frames REGEX or --frames-file FILE, or count them in the code with "
               "hwmodel.balance.Meter.")  # fmt: skip
    if "gpus" in window and window["gpus"] is None:
        yield f"No GPU figures: {window['no_gpu']}."
    for device in (document.get("gpu") or {}).get("devices", ()):
        for name, reason in device.get("unreadable", {}).items():
            yield f"GPU {device['gpu']}: no {name}: {reason}."
    watching = document.get("watching")
    if watching:
        yield f"Watching took {100 * (watching['share_of_a_core'] or 0):.2g} % of a core."
    for warning in document.get("warnings", ()):
        yield f"Warning: {warning}."
