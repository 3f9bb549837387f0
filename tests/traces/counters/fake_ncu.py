"""Stands in for Nsight Compute, which only runs beside a GPU: takes its arguments, prints in its form.

It runs the program it is given on the CPU, in its own process, and makes up two kernels for each operator. ITS NUMBERS
ARE NO MEASUREMENT: they are functions of the operator's number, so that tests can work them out.

The form of the raw page (columns, row of units, `==PROF==` lines, NVTX cells, words of errors) is as public code has
it: both NVTX columns, of a V100, in the profiling instructions of github.com/eth-easl/orion and its forks (PROFILE.md);
cells, units and errors in public parsers of such pages, read through a search for "Push/Pop_Range:PL_Type",
"<default domain>:" and ERR_NVGPUCTRPERM. What --query-metrics prints is a list here: only names
are read of it.
"""

import csv
import json
import os
import sys
import time
from pathlib import Path

VERSION = """NVIDIA (R) Nsight Compute Command Line Profiler
Copyright (c) 2018-2025 NVIDIA Corporation
Version 2025.4.1.0 (build 37053803) (public-release)
"""
DENIED = (
    "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters on the "
    "target device 0. For instructions on enabling permissions and to get more information see "
    "https://developer.nvidia.com/ERR_NVGPUCTRPERM\n"
)
BUSY = (
    "==ERROR== Profiling failed because a driver resource was unavailable. Ensure that no other tool (like DCGM) is "
    "concurrently collecting profiling data.\n"
)
NONE = "==WARNING== No kernels were profiled.\n"
METRICS = [
    "dram__bytes_read", "dram__bytes_write", "gpu__time_duration", "lts__t_sectors_op_read",
    "lts__t_sectors_srcunit_ltcfabric", "lts__t_sectors_srcunit_ltcfabric_op_read_lookup_hit",
    "lts__t_sectors_srcunit_tex_op_atom", "lts__t_sectors_srcunit_tex_op_read",
    "lts__t_sectors_srcunit_tex_op_read_lookup_hit", "lts__t_sectors_srcunit_tex_op_red",
    "lts__t_sectors_srcunit_tex_op_write",
]  # fmt: skip
COLUMNS = [
    "ID", "Process ID", "Process Name", "Host Name",
    "thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg",
    "Id:Domain:Start/Stop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg",
    "Kernel Name", "Context", "Stream", "Block Size", "Grid Size", "Device", "CC",
]  # fmt: skip
NAMES = (
    'void at::native::vectorized_elementwise_kernel<(int)4, at::native::"quoted">(int, T2, T3)',
    "ampere_sgemm_128x64_tn",
)
GIVEN = {
    "--page": "raw", "--print-units": "base", "--target-processes": "all", "--clock-control": "none",
    "--profile-from-start": "off",
}  # fmt: skip
PAIRS = {("all", "kernel"): 1, ("none", "application"): 2}  # cache control, replay: what counts are divided by


def count(metric: str, call: int, kernel: int, share: int) -> float:
    """Return the made-up count of a metric for the kernel-th kernel of a call."""
    base = {"dram__bytes": 32 * 100, "gpu__time": 2000}.get(metric.rsplit("_", 1)[0], 0)
    base = base or {"_hit.sum": 500, "read.sum": 1000, "rite.sum": 400}.get(metric[-8:], 0)
    return base * call * (kernel + 1) / (1 if metric.startswith("gpu") else share)


def unit(metric: str) -> str:
    return "byte" if "bytes" in metric else "ns" if metric.startswith("gpu") else "sector"


def main() -> int:
    arguments, mood = sys.argv[1:], os.environ.get("FAKE_NCU", "")
    if arguments == ["--version"]:
        print(VERSION, end="")
        return 0
    if arguments == ["--query-metrics"]:
        names = [name for name in METRICS if mood != "bare" or not name.startswith("lts")]
        if mood == "newer":
            names = [name.replace("dram__bytes_", "dram__bytes_op_") for name in names]
        print("Device NVIDIA H100 80GB HBM3 (GH100)")
        for name in names:
            print(f"{name:<60} Counter      sector       # of sectors")
        return 0
    at = arguments.index(sys.executable)
    flags, program = arguments[:at], arguments[at + 1 :]
    assert {"--csv", "--nvtx"} <= set(flags), flags
    option = {
        name: flags[flags.index(name) + 1]
        for name in flags
        if name.startswith("--") and name not in ("--csv", "--nvtx")
    }
    assert {name: option[name] for name in GIVEN} == GIVEN, flags
    assert program[:-1] == ["-P", "-m", "traces.counters.target"], program
    assert os.environ["LC_ALL"] == "C"
    share = PAIRS[option["--cache-control"], option["--replay-mode"]]
    log, job = Path(option["--log-file"]), Path(program[3])
    return profile(mood, log, job, option["--metrics"].split(","), share)


def profile(mood: str, log: Path, job: Path, metrics: list[str], share: int) -> int:
    lines = f"==PROF== Connected to process {os.getpid()} ({sys.executable})\n"
    if mood in ("denied", "busy"):
        log.write_text(lines + {"denied": DENIED, "busy": BUSY}[mood] + NONE)
        return 1
    if mood == "crash":
        print("==ERROR== The application returned an error code (139).")
        return 139
    if mood == "killed":
        os.kill(os.getpid(), 9)
    if mood == "hang":
        time.sleep(600)
    from traces.counters import target

    if mood == "cpu":  # what the program does where its torch has no CUDA
        code = target.main([str(job)])
        log.write_text(
            lines + "==ERROR== The application returned an error code (3).\n==WARNING== No kernels were profiled.\n"
        )
        return code
    opened = []
    try:
        calls = target.run(target.Job.load(job), "cpu", opened.append, lambda: None, lambda: None, lambda: None)
    except ValueError as error:
        job.with_name("ran.json").write_text(json.dumps({"error": str(error)}))
        return target.FAILED
    ran = {"calls": calls, "torch": "2.13.0+cu130", "cuda": "13.0", "cudnn": 91000, "device": "a stand-in"}
    job.with_name("ran.json").write_text(json.dumps(ran))
    if mood == "nothing":
        log.write_text(lines + NONE)
        return 0
    with log.open("w", encoding="utf-8", newline="") as file:
        file.write(lines + "==PROF== Disconnected from process 1\n")
        table = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        table.writerow([*COLUMNS, *metrics])
        table.writerow([*[""] * len(COLUMNS), *map(unit, metrics)])
        for number, name in enumerate(opened):
            for kernel in range(2):
                cell = f'{os.getpid()}  "<default domain>:{name}:none:none:none:none:none:none"  '
                ranges = "" if mood == "unnamed" else cell
                head = [2 * number + kernel, os.getpid(), "python3.11", "127.0.0.1", ranges, "", NAMES[kernel], 1, 7,
                        "(128, 1, 1)", "(64, 1, 1)", 0, "9.0"]  # fmt: skip
                counts = [count(one, number + 1, kernel, share) for one in metrics]
                table.writerow([*head, *(f"{one:,.{0 if one == int(one) else 2}f}" for one in counts)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
