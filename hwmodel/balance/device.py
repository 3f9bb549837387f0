"""What a network's batches take on a GPU with more and fewer SMs, by our own model of it: device times for a job.

The network's kernels are captured and replayed through the GPU's L2 as everywhere here (hwmodel.gpu.runs); only the
number of SMs differs.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from circuits.errors import InputError

BATCHES = (1, 4, 16, 64, 256)


def device_times(
    network: str, gpu: str, batches: Sequence[int] = BATCHES, sms: Sequence[int] = (), phase: str = "inference",
    dtype: str = "fp32", launch: str = "graph",
) -> list[dict[str, Any]]:  # fmt: skip
    """Return a row a batch and number of SMs: batch, sms, time_s, energy_board_J. All modelled.

    Args:
        network: a name, or package.module:factory.
        gpu: of which times are known (hwmodel.gpu.machine.known_machines).
        batches: observations in a batch.
        sms: numbers of SMs; otherwise all that the GPU has.
        phase: `inference`, or `training` for a step of the learner.
        dtype: of the products.
        launch: `graph`, or `eager` where the host may launch kernels more slowly.

    Raises:
        InputError: an unknown network or GPU, a batch or number of SMs that there cannot be.
    """
    from hwmodel.cache import replay_trace
    from hwmodel.gpu.dram import load_dram
    from hwmodel.gpu.machine import known_machines
    from hwmodel.gpu.replayed import cache_of
    from hwmodel.gpu.runs import kernel_table, overlap_runs
    from traces import capture_network
    from traces.gpus import load_gpu

    if gpu not in known_machines():
        raise InputError(f"gpu {gpu!r}: its times are not known; known are {', '.join(known_machines())}")
    whole = load_gpu(gpu)
    for number in sms:
        if not 1 <= number <= whole.sms:
            raise InputError(f"sms {number}: {gpu} has {whole.sms}")
    dram, rows = load_dram(str(whole.dram_kind).lower()), []
    for batch in batches:
        trace = capture_network(network, batch, phase, gpu, dtype=dtype)
        kernels = kernel_table(trace, replay_trace(trace, cache_of(whole), by="kernel", exact=False))
        for number in sms or (whole.sms,):
            run = overlap_runs(kernels, None, replace(whole, sms=number), dram, dtype=dtype, launch=launch).iloc[0]
            rows.append({"batch": batch, "sms": number, "time_s": float(run["time_overlap_s"]),
                         "energy_board_J": float(run["energy_board_J"])})  # fmt: skip
    return rows


def line_of(rows: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
    """Return a, b and scaling of `time = a + b * batch`, as `Job` has them, from the rows of `device_times`.

    a and b are of the most SMs, by least squares of relative errors; scaling is the share of a that more SMs shorten.
    """
    from scipy.optimize import nnls

    batch, sms, time = (np.array([row[name] for row in rows], float) for name in ("batch", "sms", "time_s"))
    more = sms.max() / sms
    columns = np.stack([np.ones_like(batch), more, batch * more], axis=1)
    if np.ptp(sms) == 0:
        columns = np.delete(columns, 1, axis=1)
    found = nnls(columns / time[:, None], np.ones_like(time))[0]
    fixed, scaled, each = (found[0], 0.0, found[1]) if np.ptp(sms) == 0 else found
    a = fixed + scaled
    return float(a), float(each), float(scaled / a) if a > 0 else 0.0
