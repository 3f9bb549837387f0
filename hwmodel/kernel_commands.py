"""`hwmodel compile`: the kernels, once, before anybody waits for them."""

from typing import Any

import click

from hwmodel import console


@click.command(name="compile")
@click.argument("parts", nargs=-1, metavar="[PART]...")
@click.option(
    "--jobs", type=click.IntRange(1, 1024), metavar="N", help="Processes at work. [default: the processors at hand]"
)
def compile_(parts: tuple[str, ...], jobs: int | None) -> dict[str, Any]:
    """Compile the kernels for this machine's processor, and keep them on disk.

    Without it the first run that needs a kernel compiles it, which takes seconds. Kernels are kept beside the package
    where that can be written, as when it is installed, and serve all who use it; else in a folder of the user's, or in
    NUMBA_CACHE_DIR. What is there already, of the same sources, is not compiled again.

    PART is replay, hierarchy, reuse, timing, formats, capture, latency or balance; all as it comes.

    \b
    Examples:
      hwmodel compile
      hwmodel compile replay formats --json
    """
    from hwmodel.kernels import PARTS, compile_kernels
    from hwmodel.studies.workers import processors

    with console.progress("compile", lines=False) as advance:
        return compile_kernels(parts or tuple(PARTS), jobs or processors(), advance)
