"""What a stream of accesses costs: the accounting of DeepNVM++, accesses times latency and energy, summed.

    D = reads t_read + writes t_write                      (cache_time_s)
    E = reads E_read + writes E_write + leakage D          (cache_energy_J)

and with DRAM, D grows by the DRAM's accesses times its latency and E by its energy. The cache's leakage stays that of
its own time: DRAM latencies one after another are no time that passes, and a cache that leaked through them would owe
most of its energy to that sum. Only so do the paper's cache table and mean energies come near its headline.
It is a sum, not a machine: a GPU overlaps its accesses, so D is far above a run's wall time and only ratios mean
anything. Source: arXiv:2012.04559, section on the architecture-level analysis.
"""

from typing import TYPE_CHECKING

from hwmodel.gpu.dram import Dram

if TYPE_CHECKING:
    import pandas as pd

WORKS = {
    "deepnvm": (
        "A. Inci, M. M. Isgenc, D. Marculescu, DeepNVM++: cross-layer modeling and optimization framework of "
        "non-volatile memories for deep learning, IEEE TCAD 41(10), 2022, arXiv:2012.04559"
    )
}
ASSUMPTIONS = (
    "Accesses are charged one after another, latency by latency, as DeepNVM++ does.",
    "A GPU overlaps its accesses, so these times are far above wall time: only ratios between technologies mean much.",
    "Each access of a 32 B sector is charged one access of the cache.",
    "Writing a fetched sector into the array is not charged, as in DeepNVM++.",
    "Each access of DRAM is charged a row activation; the cache is not charged leakage for DRAM's summed latencies.",
    "Each run begins with an empty cache; dirty sectors left at its end are not written back.",
)


def account(rows: "pd.DataFrame", dram: Dram, sector_bytes: int) -> "pd.DataFrame":
    """Return `rows` with times, energies and energy-delay products added.

    Args:
        rows: a row a (stream, cache); columns l2_reads, l2_writes, dram_reads, dram_writes (sector accesses) and the
            cache's read_latency_s, write_latency_s, read_energy_J, write_energy_J (an access), leakage_W.
        dram: the memory behind the cache.
        sector_bytes: bytes of a sector.

    Adds cache_time_s, dram_time_s, time_s, dynamic_energy_J, leakage_energy_J, cache_energy_J, dram_energy_J, energy_J,
    cache_edp_Js (the cache alone) and edp_Js (with DRAM); the cache's leakage is over cache_time_s in both.
    """
    rows = rows.copy()
    reads, writes = rows["l2_reads"], rows["l2_writes"]
    rows["cache_time_s"] = reads * rows["read_latency_s"] + writes * rows["write_latency_s"]
    rows["dram_time_s"] = rows["dram_reads"] * dram.read_latency_s + rows["dram_writes"] * dram.write_latency_s
    rows["time_s"] = rows["cache_time_s"] + rows["dram_time_s"]
    rows["dynamic_energy_J"] = reads * rows["read_energy_J"] + writes * rows["write_energy_J"]
    rows["leakage_energy_J"] = rows["leakage_W"] * rows["cache_time_s"]
    rows["cache_energy_J"] = rows["dynamic_energy_J"] + rows["leakage_energy_J"]
    rows["dram_energy_J"] = (rows["dram_reads"] + rows["dram_writes"]) * dram.energy_J(sector_bytes)
    rows["energy_J"] = rows["cache_energy_J"] + rows["dram_energy_J"]
    rows["cache_edp_Js"] = rows["cache_energy_J"] * rows["cache_time_s"]
    rows["edp_Js"] = rows["energy_J"] * rows["time_s"]
    return rows
