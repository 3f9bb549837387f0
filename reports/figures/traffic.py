"""The last-level cache's traffic by kernel kind: reads, writes and misses of each network and phase."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.figures.canvas import INK, chunks, draw, drawable, names
from reports.figures.marks import mark
from reports.labels import counted, network_label, percent, workload_label
from reports.numbers import kernel_kinds, traffic_shares
from reports.results import Study, Workload

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Tol's pale and light schemes (personal.sron.nl/~pault), apart from the cells' colours; hatches tell them in grey.
FILLS = (("#77AADD", ""), ("#EE8866", "////"), ("#EEDD88", "++++"), ("#99DDFF", "||||"), ("#AAAA00", "\\\\\\\\"),
         ("#FFAABB", "xxxx"), ("#44BB99", "----"))  # fmt: skip
OTHER = ("#DDDDDD", "")
BARS = (("l2_reads", "reads"), ("l2_writes", "writes"), ("dram_reads", "misses"))
MOST_ROWS = 14


def traffic_figures(study: Study) -> dict[str, bytes]:
    """Return the figure's file names and SVGs."""
    pages = list(chunks(study.workloads, MOST_ROWS))
    return {
        name: draw(0.85 + 0.46 * len(page), lambda figure, page=page: _paint(figure, study, page))
        for name, page in zip(names("traffic", len(pages)), pages, strict=True)
    }


def _paint(figure: "Figure", study: Study, page: Sequence[Workload]) -> None:
    axis = figure.subplots()
    kinds = kernel_kinds(study, len(FILLS))
    fills = [*FILLS[: len(kinds)], OTHER]
    rest = any(row["kernel"] not in kinds for rows in study.traffic.values() for row in rows)
    top = max(sum(traffic_shares(study, w, name, kinds)) for w in study.workloads for name, _ in BARS)
    ticks, labels = [], []
    for index, workload in enumerate(page):
        for bar, (name, label) in enumerate(BARS):
            y, left = index * 4 + bar, 0.0
            shares = traffic_shares(study, workload, name, kinds)
            for kind, share, (colour, hatch) in zip([*kinds, "all other kernels"], shares, fills, strict=True):
                if not share:
                    continue
                (part,) = axis.barh(y, 100 * share, 0.9, 100 * left, color=colour, hatch=hatch, edgecolor="#555555")
                mark(part, f"{workload_label(workload)}, {label}: {kind.replace('_', ' ')}, "
                           f"{percent(share)} of its reads and writes")  # fmt: skip
                left += share
            count = sum(row[name] for row in study.traffic[workload])
            axis.text(100 * left + 0.8, y, f"{counted(count)}", va="center", fontsize=7, color=INK)
            ticks.append(y)
            labels.append(label)
        title = f"{drawable(network_label(workload[0]), 26)}\n{drawable(workload[1], 26)}"
        axis.annotate(title, (0, index * 4 + 1), (-32, 0), xycoords=("axes fraction", "data"),
                      textcoords="offset points", ha="right", va="center", color=INK)  # fmt: skip
    axis.set_yticks(ticks, labels, fontsize=7)
    axis.set_ylim(len(page) * 4 - 0.7, -0.9)
    axis.set_xlim(0, 100 * top * 1.09)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("sectors, % of the reads and writes of the same network and phase; beside each bar: sectors")
    _legend(figure, kinds, rest=rest)


def _legend(figure: "Figure", kinds: list[str], *, rest: bool) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=colour, hatch=hatch, edgecolor="#555555", label=drawable(kind.replace("_", " "), 30))
               for kind, (colour, hatch) in zip(kinds, FILLS, strict=False)]  # fmt: skip
    if rest:
        handles.append(Patch(facecolor=OTHER[0], edgecolor="#555555", label="all other kernels"))
    figure.legend(handles=handles, loc="outside upper left", ncols=min(4, len(handles)))
