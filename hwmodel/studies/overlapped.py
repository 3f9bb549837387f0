"""The second accounting of a study: the same kernels and caches on a GPU that hides latency (hwmodel.gpu.overlap)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from hwmodel.studies.scenarios import Scenario
    from hwmodel.studies.store import Answer

# Of hwmodel.gpu.runs: time, the part of it in kernels that wait for the cache's banks, energy of cache and DRAM, of the
# whole board, and the products of either with time.
COLUMNS = ("time_overlap_s", "banks_limited_s", "energy_overlap_J", "energy_board_J", "edp_overlap_Js", "edp_board_Js")


def add_overlap(
    results: "pd.DataFrame", cases: "Sequence[Scenario]", answers: "Mapping[Any, Answer]"
) -> "pd.DataFrame":
    """Return results with COLUMNS added; as they are where a GPU's own figures are not known for each.

    Args:
        results: a row a case, in order.
        cases: the scenarios.
        answers: of their caches and their traffic.
    """
    import numpy as np
    import pandas as pd

    from hwmodel.gpu.dram import load_dram
    from hwmodel.gpu.runs import overlap_runs
    from traces.gpus import load_gpu

    if not known([case.gpu for case in cases]):
        return results
    groups: dict[tuple[Any, str], list[int]] = {}
    for place, case in enumerate(cases):
        groups.setdefault((case.traffic(), case.dram), []).append(place)
    found = np.zeros((len(cases), len(COLUMNS)))
    for (stream, memory), places in groups.items():
        kernels = _kernels(answers[stream].rows, stream.dtype)
        caches = pd.DataFrame([answers[cases[place].cache()].about["design"] for place in places])
        rows = overlap_runs(kernels, caches, load_gpu(stream.gpu), load_dram(memory), dtype=stream.dtype)
        rows = rows.assign(edp_board_Js=rows["energy_board_J"] * rows["time_overlap_s"])
        found[places] = rows.loc[:, list(COLUMNS)].to_numpy(float)
    return results.assign(**dict(zip(COLUMNS, found.T, strict=True)))


def known(gpus: Sequence[str]) -> bool:
    """Return whether the figures that this accounting takes of a GPU come with the package for all of these."""
    from hwmodel.gpu.machine import known_machines
    from traces.gpus import load_gpu

    names = known_machines()
    return all(load_gpu(gpu).name in names for gpu in dict.fromkeys(gpus))


def _kernels(rows: "pd.DataFrame", dtype: str) -> "pd.DataFrame":
    """Return a stream's kernels as the model takes them."""
    return rows.assign(
        l2_reads=rows["read_hits"] + rows["read_misses"],
        l2_writes=rows["write_hits"] + rows["write_misses"],
        l2_read_hits=rows["read_hits"],
        dtype=dtype,
    )
