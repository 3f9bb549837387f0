"""A kernel's time the slow, obvious way: one kernel, one number at a time, waves and rounds walked one by one."""

import math


def seconds(kernel, gpu, dram, machine, cache, dtype="fp32", row_hits=0.875, fills=True, tuned=False):
    """Return (bounds by name, time) of a kernel given as a dictionary with every column."""
    sector, hertz = gpu.sector_bytes, gpu.core_Hz
    blocks, threads = kernel["blocks"], kernel["threads"]
    per_sm = 0  # fill an SM until it has no room
    while (per_sm + 1 <= gpu.blocks_per_sm and (per_sm + 1) * threads <= gpu.threads_per_sm
           and (per_sm + 1) * threads * kernel["registers"] <= gpu.registers_per_sm):  # fmt: skip
        per_sm += 1
    per_sm = max(per_sm, 1)
    warps = math.ceil(threads / 32)
    unit = machine.unit(dtype)
    shapes = [(blocks, kernel["issued_macs"])]
    if tuned and kernel["macs"]:
        issued = kernel["macs"] if kernel["issued_macs"] >= 8 * kernel["macs"] else kernel["issued_macs"]
        shapes = [(blocks * cut, issued) for cut in (1, 2, 4)]
    missed = 1 - kernel["l2_read_hits"] / kernel["l2_reads"] if kernel["l2_reads"] else 0
    load = 0.0
    if kernel["l2_reads"]:
        load = machine.l2_latency_s * (1 - missed) + machine.dram_latency_s * missed
        load += cache["read_latency_s"] - machine.l2_array_s
    tried = [_launch(b, i, kernel, gpu, machine, unit, per_sm, warps, load) for b, i in shapes]
    compute, latency = min(tried, key=max)

    l2 = kernel["l2_reads"] * sector / (gpu.l2_slices * machine.l2_read_bytes_per_slice_cycle * hertz)
    l2 += kernel["l2_writes"] * sector / (gpu.l2_slices * machine.l2_write_bytes_per_slice_cycle * hertz)
    port = max(1, min(blocks, gpu.sms)) * machine.sm_bytes_per_cycle * hertz
    l2 = max(l2, kernel["l2_reads"] * sector / port, kernel["l2_writes"] * sector / port)

    busy = 0.0
    busy += (kernel["l2_read_hits"] if fills else kernel["l2_reads"]) * cache["read_cycle_s"]
    busy += kernel["l2_writes"] * cache["write_cycle_s"]
    if fills:
        busy += kernel["dram_reads"] * cache["write_cycle_s"] + kernel["dram_writes"] * cache["read_cycle_s"]

    moved = kernel["dram_reads"] * sector / (gpu.dram_bytes_per_s * machine.dram_read_share)
    moved += kernel["dram_writes"] * sector / (gpu.dram_bytes_per_s * machine.dram_write_share)
    opened = (kernel["dram_reads"] + kernel["dram_writes"]) * (1 - row_hits)
    channels = dram.channels * gpu.dram_bytes_per_s / dram.device_bytes_per_s
    window = dram.four_activates_cycles * dram.clock_period_s / 4
    cycle = dram.row_cycles * dram.clock_period_s / dram.banks_per_channel
    bounds = {"compute": compute, "l2": l2, "banks": busy / cache["banks"], "dram": moved,
              "rows": opened / channels * max(window, cycle), "latency": latency}  # fmt: skip
    return bounds, machine.kernel_start_s + max(bounds.values())


def _launch(blocks, issued, kernel, gpu, machine, unit, per_sm, warps, load):
    """Deal blocks out to SMs, walk the waves and, in each, the rounds of a block."""
    sms = [0] * gpu.sms
    for block in range(int(blocks)):
        sms[block % gpu.sms] += 1
    rate = machine.macs_per_sm_cycle[unit] * machine.product_share[unit] * gpu.core_Hz
    of_block = issued / blocks
    side_by_side = min(per_sm, max(sms))
    compute = max(sms) * of_block / (rate * min(1, side_by_side * warps / machine.schedulers_per_sm))
    latency, left = 0.0, int(blocks)
    while left > 0:
        left -= gpu.sms * per_sm
        for _ in range(int(kernel["rounds"])):
            one = load + of_block / kernel["rounds"] / (rate * min(1, warps / machine.schedulers_per_sm))
            latency += one / (1 + machine.slabs_ahead[unit] if kernel["macs"] else 1)
    return compute, latency
