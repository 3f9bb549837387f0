"""Draw the pictures of README and docs anew, and bring their examples up to date: `make docs`.

docs/house.svg comes from the layers of the import contract in pyproject.toml. docs/answer.svg is the figure of the main
job's answer, taken from demo/ when `make demo` has left one; the rows of docs/reproduction.md come from
demo/reproduction.json, where `hwmodel reproduce deepnvm --json >demo/reproduction.json` has left them.
"""

import json
import shutil
import tempfile
import tomllib
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "hwmodel"  # the same picture, the same bytes

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.patches import FancyBboxPatch  # noqa: E402

from docs.examples import refresh  # noqa: E402

HERE = Path(__file__).parent
ROOMS = {
    "circuits": "devices, cells, arrays, caches:\nlatency, energy, leakage, area",
    "traces": "torch modules, operators, kernels:\nthe sectors that reach the cache",
    "hwmodel": "replay, accounting, studies, the command line:\nhits, misses, time, energy, EDP",
    "workloads": "networks, and the methods that make them",
    "reports": "results: tables, figures, a typeset PDF",
}


def layers() -> list[list[str]]:
    """Return the rooms from the lowest layer to the highest, as the import contract orders them."""
    with (HERE.parent / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    order = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[room.strip() for room in layer.split("|")] for layer in reversed(order)]


def draw_house(path: Path) -> None:
    """Draw the rooms, the lowest layer at the bottom; data flows upward, imports point down."""
    figure, axes = plt.subplots(figsize=(7.2, 3.9))
    floors = layers()
    for height, rooms in enumerate(floors):
        width = 1 / len(rooms)
        for place, room in enumerate(rooms):
            left = place * width + 0.01
            box = FancyBboxPatch(
                (left, height),
                width - 0.02,
                0.72,
                boxstyle="round,pad=0,rounding_size=0.02",
                facecolor="#f4f6f8",
                edgecolor="#44546a",
                linewidth=1.0,
            )
            axes.add_patch(box)
            axes.text(
                left + 0.015, height + 0.55, f"{room}/", va="center", weight="bold", family="monospace", fontsize=10
            )
            axes.text(left + 0.015, height + 0.24, ROOMS[room], va="center", fontsize=8.5)
        if height + 1 < len(floors):
            axes.annotate(
                "", (0.5, height + 1), (0.5, height + 0.72), arrowprops={"arrowstyle": "-|>", "color": "#44546a"}
            )
    axes.set(xlim=(0, 1), ylim=(-0.05, len(floors) - 0.2))
    axes.axis("off")
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def write_rows(page: Path, source: Path) -> None:
    """Put the rows that `hwmodel reproduce deepnvm --json` printed into a page, between its two marks."""
    head = "| figure | status | circuits | paper | ours | ratio | basis |\n|---|---|---|--:|--:|--:|---|\n"
    rows = "".join(
        f"| {row['name']} | {row['status']} | {row['circuits']} | {row['paper']:.4g} | {row['ours']:.4g} "
        f"| {row['ratio']:.2f} | {row['basis']} |\n"
        for row in json.loads(source.read_text(encoding="utf-8"))
    )
    before, start, rest = page.read_text(encoding="utf-8").partition("<!-- rows -->\n")
    _, end, after = rest.partition("<!-- end of rows -->")
    page.write_text(f"{before}{start}{head}{rows}{end}{after}", encoding="utf-8")


def main() -> None:
    """Write the pictures and the examples."""
    draw_house(HERE / "house.svg")
    answer = HERE.parent / "demo" / "figures" / "edp.svg"
    if answer.exists():
        shutil.copyfile(answer, HERE / "answer.svg")
    rows = HERE.parent / "demo" / "reproduction.json"
    if rows.exists():
        write_rows(HERE / "reproduction.md", rows)
    with tempfile.TemporaryDirectory() as folder:
        for page in refresh(Path(folder)):
            print(f"{page}: examples brought up to date; read the difference before you commit it")


if __name__ == "__main__":
    main()
