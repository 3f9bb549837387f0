"""What an NVIDIA GPU is, measured: `python -m benchmarks.gpu.machine`, two minutes, no profiler needed.

Latencies by pointer chasing over growing footprints; bandwidth of L2 and DRAM, and of DRAM against the warps in flight;
rates of matrix products; the time of a launch; power at rest and under each; time and energy of whole runs. Energy is
the driver's own count (NVML), so it is the whole board's. The file belongs into tests/reference/.
"""

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # where this is run as a file

from traces.counters.target import Job, build  # noqa: E402
from traces.files import replacing  # noqa: E402

COLUMNS = ("subject", "case", "quantity", "value")
MIB = 1 << 20
CHASES_MIB = (0.125, 2, 8, 16, 24, 32, 40, 48, 64, 128, 512, 2048)
STEP = 256  # bytes from one link of a chase to the next in space: two lines
WARPS = (1, 2, 4, 8, 16, 32, 64, 128, 132, 264, 528, 1056, 2112, 4224, 8448)
BUSY = 400_000  # steps of a kernel behind which the timed one waits in line: about a millisecond
HOLD_S = 1.2  # how long a load is held for its power: the driver's counter moves every 20 to 100 ms
JOBS = (
    Job("workloads.networks.resnet:resnet18", 4, "inference"),
    Job("workloads.networks.vgg:vgg16", 4, "inference"),
    Job("workloads.networks.vgg:vgg16", 64, "inference"),
    Job("workloads.networks.bert:bert_base", 2, "inference"),
    Job("workloads.networks.gpt:gpt2_decode", 1, "inference"),
    Job("workloads.networks.gpt:gpt2_prefill", 1, "inference"),
    Job("workloads.networks.resnet:resnet50", 32, "inference", "bf16"),
    Job("workloads.networks.resnet:resnet18", 4, "training"),
    Job("workloads.networks.vgg:vgg16", 64, "training"),
    Job("workloads.networks.alexnet:alexnet", 64, "training"),
)
# Loads and stores of 16 B a thread that pass L1 by (ld.cg). One load of a thread is in flight at a time.
SOURCE = r"""
extern "C" __global__ void chase(const unsigned* at, unsigned* out, int steps) {
    unsigned next = out[0];
    for (int i = 0; i < steps; ++i) next = __ldcg(at + next);
    out[0] = next;
}
extern "C" __global__ void read(const float4* from, float* out, int count, int times) {
    float sum = 0;
    int width = gridDim.x * blockDim.x;
    for (int t = 0; t < times; ++t) {
        #pragma unroll 1
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += width) {
            float4 v = __ldcg(from + i);
            sum += v.x + v.y + v.z + v.w;
        }
    }
    if (sum == 1.2345f) out[0] = sum;
}
extern "C" __global__ void many(const float4* from, float* out, int count, int times) {
    float sum = 0;
    int width = gridDim.x * blockDim.x;
    for (int t = 0; t < times; ++t) {
        #pragma unroll 8
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += width) {
            float4 v = __ldcg(from + i);
            sum += v.x + v.y + v.z + v.w;
        }
    }
    if (sum == 1.2345f) out[0] = sum;
}
extern "C" __global__ void write(float4* to, int count, int times) {
    int width = gridDim.x * blockDim.x;
    for (int t = 0; t < times; ++t)
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += width)
            to[i] = make_float4(t, i, t, i);
}
extern "C" __global__ void spin(unsigned* out, int steps) {
    unsigned x = threadIdx.x;
    for (int i = 0; i < steps; ++i) x = x * 1664525u + 1013904223u;
    if (x == 1u) out[0] = x;
}
extern "C" __global__ void multiply_add(float* out, int steps) {
    float a = threadIdx.x, b = a + 1, c = a + 2, d = a + 3;
    #pragma unroll 16
    for (int i = 0; i < steps; ++i) {
        a = a * 1.0001f + 0.5f; b = b * 1.0001f + 0.5f; c = c * 1.0001f + 0.5f; d = d * 1.0001f + 0.5f;
    }
    if (a + b + c + d == 1.2345f) out[0] = a;
}
extern "C" __global__ void nothing() {}
"""

Row = tuple[str, str, str, float]


class Bench:
    """One GPU: kernels made for it, and its driver's meter."""

    def __init__(self) -> None:
        import pynvml
        import torch

        self.torch = torch
        pynvml.nvmlInit()
        self.nvml, self.handle = pynvml, pynvml.nvmlDeviceGetHandleByIndex(0)
        made = torch.cuda._compile_kernel
        names = ("chase", "read", "many", "write", "spin", "multiply_add", "nothing")
        self.kernels = {name: made(SOURCE, name) for name in names}
        self.out = torch.zeros(64, dtype=torch.int32, device="cuda")
        self.sms = torch.cuda.get_device_properties(0).multi_processor_count

    def launch(self, name: str, blocks: int, threads: int, *args: Any) -> None:
        self.kernels[name](grid=(blocks, 1, 1), block=(threads, 1, 1), args=list(args))

    def seconds(self, run: Callable[[], Any], repeats: int = 5) -> float:
        """Return the median of the device's own time of a run."""
        run()
        times = []
        for _ in range(repeats):
            begin, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
            self.launch("spin", 1, 32, self.out, BUSY)  # else the launch itself, some 28 us, would be timed too
            begin.record()
            run()
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end) / 1e3)
        return sorted(times)[len(times) // 2]

    def hold(self, run: Callable[[], Any], hold_s: float = HOLD_S) -> tuple[float, float]:
        """Return (power in W, runs a second) of a run that is repeated for a while."""
        cuda, each = self.torch.cuda, max(1e-6, self.seconds(run, 3))
        many = max(1, int(0.05 / each))
        self._repeat(run, many, 0.2)
        joules, begin = self._energy_J(), time.perf_counter()
        runs = self._repeat(run, many, hold_s)
        cuda.synchronize()
        took = time.perf_counter() - begin
        return (self._energy_J() - joules) / took, runs / took

    def _repeat(self, run: Callable[[], Any], many: int, seconds: float) -> int:
        begin, runs = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            for _ in range(many):
                run()
            runs += many
            self.torch.cuda.synchronize()
        return runs

    def idle_W(self, seconds: float) -> float:
        joules, begin = self._energy_J(), time.perf_counter()
        time.sleep(seconds)
        return (self._energy_J() - joules) / (time.perf_counter() - begin)

    def _energy_J(self) -> float:
        return self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle) / 1e3

    def clocks(self) -> tuple[float, float]:
        ask = self.nvml.nvmlDeviceGetClockInfo
        return ask(self.handle, self.nvml.NVML_CLOCK_SM) * 1e6, ask(self.handle, self.nvml.NVML_CLOCK_MEM) * 1e6


def latencies(bench: Bench) -> Iterator[Row]:
    """Chases of one thread, one load after another; links in random order, so that no prefetcher sees them."""
    torch = bench.torch
    for mib in CHASES_MIB:
        links = int(mib * MIB) // STEP
        order = torch.randperm(links, device="cuda")
        at = torch.zeros(links * STEP // 4, dtype=torch.int32, device="cuda")
        at[order * (STEP // 4)] = (order.roll(-1) * (STEP // 4)).to(torch.int32)
        steps = min(links, 40000)
        bench.out[0] = int(order[0]) * (STEP // 4)
        took = bench.seconds(lambda at=at, steps=steps: bench.launch("chase", 1, 1, at, bench.out, steps), 3)
        yield "chase", f"{mib} MiB", "latency_s", took / steps
        del at, order


def bandwidths(bench: Bench) -> Iterator[Row]:
    torch, blocks = bench.torch, bench.sms * 4
    small = torch.rand(12 * MIB // 4, device="cuda")  # well inside of L2
    large = torch.rand(2048 * MIB // 4, device="cuda")
    loads = {
        "L2 read 12 MiB": (lambda: bench.launch("many", blocks, 512, small, bench.out, small.numel() // 4, 64),
                           64 * 12 * MIB),
        "L2 write 12 MiB": (lambda: bench.launch("write", blocks, 512, small, small.numel() // 4, 64), 64 * 12 * MIB),
        "DRAM read 2 GiB": (lambda: bench.launch("many", blocks, 512, large, bench.out, large.numel() // 4, 1),
                            2048 * MIB),
        "DRAM write 2 GiB": (lambda: bench.launch("write", blocks, 512, large, large.numel() // 4, 1), 2048 * MIB),
    }  # fmt: skip
    for case, (run, count) in loads.items():
        yield "stream", case, "bytes_per_s", count / bench.seconds(run)
        watts, rate = bench.hold(run)
        yield "stream", case, "power_W", watts
        yield "stream", case, "held_bytes_per_s", rate * count
        yield "stream", case, "sm_Hz", bench.clocks()[0]
    half = large.numel() // 2
    copy = lambda: large[:half].copy_(large[half:])  # noqa: E731
    yield "stream", "DRAM copy 1 GiB", "bytes_per_s", 2048 * MIB / bench.seconds(copy)
    at = 0
    for warps in WARPS:  # one load of 512 B a warp in flight: bandwidth is what its latency leaves
        threads = min(1024, 32 * -(-warps // bench.sms))
        wide = max(1, warps * 32 // threads)
        count = min(small.numel() // 4, warps * 32 * 2000)
        run = lambda c=count, w=wide, h=threads: bench.launch("read", w, h, small, bench.out, c, 8)  # noqa: E731
        yield "parallelism", f"L2 {wide} x {threads}", "bytes_per_s", 16 * count * 8 / bench.seconds(run, 3)
        count = min(large.numel() // 16, warps * 32 * 2000)

        def fresh(count: int = count, wide: int = wide, threads: int = threads) -> None:
            nonlocal at  # what an earlier run read may still be in L2
            at = 0 if at + 4 * count > large.numel() else at
            bench.launch("read", wide, threads, large[at:], bench.out, count, 1)
            at += 4 * count

        yield "parallelism", f"DRAM {wide} x {threads}", "bytes_per_s", 16 * count / bench.seconds(fresh, 3)


def products(bench: Bench) -> Iterator[Row]:
    torch, side = bench.torch, 8192
    for name, kind, tf32 in (("fp32", torch.float32, False), ("tf32", torch.float32, True),
                             ("bf16", torch.bfloat16, True), ("fp16", torch.float16, True)):  # fmt: skip
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b = (torch.randn(side, side, device="cuda", dtype=kind) for _ in range(2))
        run = lambda a=a, b=b: a @ b  # noqa: E731
        yield "product", name, "macs_per_s", side**3 / bench.seconds(run)
        watts, rate = bench.hold(run)
        yield "product", name, "power_W", watts
        yield "product", name, "held_macs_per_s", rate * side**3
        yield "product", name, "sm_Hz", bench.clocks()[0]
    torch.backends.cuda.matmul.allow_tf32 = False


def still(bench: Bench) -> Iterator[Row]:
    """Power without work, with one warp on each SM, and with all lanes at work on registers alone."""
    yield "power", "idle, context held", "power_W", bench.idle_W(3)
    watts, _ = bench.hold(lambda: bench.launch("spin", 1, 32, bench.out, 4_000_000))
    yield "power", "one warp on one SM", "power_W", watts
    watts, _ = bench.hold(lambda: bench.launch("spin", bench.sms, 32, bench.out, 4_000_000))
    yield "power", "one warp on each SM", "power_W", watts
    steps, blocks = 1_000_000, bench.sms * 2
    watts, rate = bench.hold(lambda: bench.launch("multiply_add", blocks, 1024, bench.out, steps))
    yield "power", "fp32 multiply-adds in registers", "power_W", watts
    yield "power", "fp32 multiply-adds in registers", "macs_per_s", rate * steps * 4 * blocks * 1024


def launches(bench: Bench) -> Iterator[Row]:
    torch, many = bench.torch, 1000
    run = lambda: bench.launch("nothing", 1, 32)  # noqa: E731
    yield "launch", "one by one", "seconds", bench.seconds(lambda: [run() for _ in range(many)]) / many
    graph = torch.cuda.CUDAGraph()
    x = torch.zeros(32, device="cuda")
    x.add_(1)
    with torch.cuda.graph(graph):
        for _ in range(many):
            x.add_(1)
    yield "launch", "in a graph, dependent", "seconds", bench.seconds(graph.replay) / many


def runs(bench: Bench) -> Iterator[Row]:
    """Time and energy of whole runs, as torch launches them and, for inference, replayed as a graph."""
    torch = bench.torch
    for job in JOBS:
        name = f"{job.network.rpartition(':')[2]} {job.phase} {job.batch} {job.dtype}"
        try:
            module, inputs, _ = build(job, "cuda")
            step = _step(torch, module, inputs, job.phase)
            yield "run", name, "eager_s", bench.seconds(step, 10)
            if job.phase == "training":
                watts, rate = bench.hold(step)
                yield "run", name, "power_W", watts
                yield "run", name, "energy_J", watts / rate
                continue
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                step()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                step()
            yield "run", name, "graph_s", bench.seconds(graph.replay, 20)
            watts, rate = bench.hold(graph.replay)
            yield "run", name, "power_W", watts
            yield "run", name, "energy_J", watts / rate
        except Exception as error:  # a network that this torch cannot run must not cost the rest
            print(f"{name}: left out: {' '.join(str(error).split())[:200]}", file=sys.stderr)


def _step(torch: Any, module: Any, inputs: tuple[Any, ...], phase: str) -> Callable[[], Any]:
    if phase == "inference":

        def infer() -> Any:
            with torch.no_grad():
                return module(*inputs)

        return infer
    optimiser = torch.optim.SGD(module.parameters(), lr=0.0, momentum=0.9)

    def train() -> None:
        out = module(*inputs)
        out = out[0] if isinstance(out, tuple) else out
        torch.nn.functional.cross_entropy(out, torch.zeros(len(out), dtype=torch.long, device="cuda")).backward()
        optimiser.step()
        optimiser.zero_grad()

    return train


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("gpu_machine.csv"), help="the file to save to")
    chosen = parser.parse_args(arguments)
    import torch

    if not torch.cuda.is_available():
        print(f"machine: torch {torch.__version__} finds no NVIDIA GPU", file=sys.stderr)
        return 2
    bench = Bench()
    driver = bench.nvml.nvmlSystemGetDriverVersion()
    versions = f"driver {driver}, torch {torch.__version__}, CUDA {torch.version.cuda}"
    date = time.strftime("%Y-%m-%d", time.gmtime())
    conditions = "clocks not locked; power of the whole board by NVML's count of energy"
    about = f"# {torch.cuda.get_device_name()}, {versions}; {date}; {conditions}"
    rows: list[Row] = []
    for part in (still, latencies, bandwidths, products, launches, runs):
        begin = time.perf_counter()
        for row in part(bench):
            rows.append(row)
            print(*row, flush=True)
            with replacing(chosen.output) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
                file.write(about + "\n")
                table = csv.writer(file, lineterminator="\n")
                table.writerow(COLUMNS)
                table.writerows((*words, f"{value:.6g}") for *words, value in rows)
        print(f"{part.__name__}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
