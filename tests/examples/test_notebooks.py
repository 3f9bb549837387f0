"""Every notebook under examples/ runs from its first cell to its last, and is kept without outputs.

One runs in a kernel, as people run them; the others in IPython, in a process that has its imports already.
"""

import asyncio
import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests import program

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
IN_A_KERNEL = "scaling"


def test_each_study_has_a_notebook() -> None:
    from hwmodel.studies.spec import STUDIES

    assert {path.stem for path in NOTEBOOKS} >= {name.replace("-", "_") for name in STUDIES}


def in_a_kernel(notebook: nbformat.NotebookNode) -> list[dict]:
    """Return what a notebook's cells show."""
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    return [output["data"] for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]


def in_ipython(path: Path) -> list[dict]:
    """Return what a notebook's cells show; an error in one ends it, with its traceback."""
    done = program.run(["python", __file__, path], EXAMPLES)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    shown = in_a_kernel(notebook) if path.stem == IN_A_KERNEL else in_ipython(path)
    assert any("text/html" in data for data in shown)  # a table
    drawn = any(".plot" in cell.source or "pyplot" in cell.source for cell in notebook.cells)
    assert drawn == any("image/png" in data for data in shown), path.stem


async def main(path: str) -> None:
    """Run a notebook's cells within an event loop, as a kernel does; print what they show as a line of JSON."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    from traitlets.config import Config

    class Shell(InteractiveShell):
        def enable_gui(self, gui: str | None = None) -> None:
            """Open no window: figures are drawn inline."""

    shell, shown = Shell.instance(config=Config({"HistoryManager": {"enabled": False}})), []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            with capture_output() as captured:
                result = shell.run_cell(cell.source)
            result.raise_error()
            shown += [output.data for output in captured.outputs]  # figures
            shown.append(shell.display_formatter.format(result.result)[0])  # the last line's value
    print(json.dumps([{kind: str(value) for kind, value in data.items()} for data in shown]))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
