"""The process that is profiled: `-m traces.counters.target` builds the network that was captured and runs it on a GPU.

Weights and floating inputs are drawn from a seeded generator; images lie channels-last, as the lowering assumes; the
runs before the watched one are outside of the profiled range. Given a job's file, it writes what ran beside it.
"""

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from traces.errors import InputError

SEED = 0
STEPS = 3  # the third is watched: two warm the allocator, the libraries' choice of kernels and the caches
RUN = ("fp32", "tf32", "bf16", "fp16")
FAILED = 3  # exit status


@dataclass(frozen=True)
class Job:
    """A network's run, as `capture_network` takes it."""

    network: str
    batch: int
    phase: str
    dtype: str = "fp32"
    checkpoint: bool = False
    shape: tuple[int, ...] | None = None
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Job":
        """Return the job in a file; JSON's lists are tuples."""
        found = json.loads(path.read_text(encoding="utf-8"))
        found["shape"] = found["shape"] and tuple(found["shape"])
        found["arguments"] = {k: tuple(v) if isinstance(v, list) else v for k, v in found["arguments"].items()}
        return cls(**found)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def check(job: Job) -> None:
    """Refuse a job that has no run on a GPU.

    Raises:
        InputError: for a type whose tensors a recording only stands for.
    """
    if job.dtype not in RUN:
        raise InputError(f"dtype {job.dtype!r}: is not run here, so there is nothing to count; give {', '.join(RUN)}")


def build(job: Job, device: str) -> tuple[Any, tuple[Any, ...], Any]:
    """Return a job's module on a device, its inputs, and what autocast computes in.

    Raises:
        InputError: for a type that is no plain tensor on a GPU, and for a network that cannot be made.
    """
    import torch

    from traces.networks import find_network
    from traces.recording.precision import precision

    training = job.phase == "training"
    check(job)
    held = precision(job.dtype, training)
    torch.manual_seed(SEED)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = job.dtype == "tf32"
    torch.backends.cudnn.benchmark = False  # measured choices differ from run to run
    module = find_network(job.network)(**job.arguments)
    inputs = (torch.zeros(job.batch, *job.shape),) if job.shape else module.example_inputs(job.batch)
    inputs = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    images = any(one.ndim == 4 for one in module.parameters())  # attention's heads are in four dimensions too
    laid = torch.channels_last if images else torch.preserve_format
    module = module.to(device, held.stored, memory_format=laid).train(training)

    def place(one: Any) -> Any:
        if not isinstance(one, torch.Tensor):
            return one
        if not one.is_floating_point():
            return one.to(device)
        kind = held.stored if held.stored and one.dtype is torch.float32 else one.dtype
        drawn = torch.randn(one.shape, dtype=torch.float32).to(device, kind)
        return drawn.contiguous(memory_format=laid) if images and drawn.ndim == 4 else drawn

    # What is stored in half precision is computed in it: CUDA's autocast would widen some of it on the way.
    return module, tuple(map(place, inputs)), held.autocast if training else None


def run(job: Job, device: str, push: Any, pop: Any, started: Any, ended: Any) -> list[tuple[str, str]]:
    """Run a job on a device; return the operators of the watched step, each with its phase, in order.

    Args:
        job: what to run.
        device: cuda, or cpu, where there is nothing to count.
        push: opens a range round an operator.
        pop: closes it.
        started: called before the watched step.
        ended: called after it.

    Raises:
        InputError: for a job that cannot be run.
    """
    import torch

    from traces.counters.marks import Marks, synchronise
    from traces.recording.checkpoint import add_checkpoints
    from traces.recording.device import DeviceComposition
    from traces.recording.layers import Layers
    from traces.recording.steps import as_on_device, classification_loss, infer, sgd, train

    module, inputs, autocast = build(job, device)
    layers = Layers(module)
    if job.checkpoint:
        add_checkpoints(module, layers)

    def begin() -> None:
        synchronise(device)
        started()

    marks = Marks(layers, push, pop, begin)
    with as_on_device(), marks, DeviceComposition(), torch.autograd.set_multithreading_enabled(False):
        if job.phase == "inference":
            infer(marks, module, inputs, autocast, STEPS, device)
        else:
            train(marks, module, inputs, sgd, classification_loss(lambda _: None), autocast, STEPS, device)
        synchronise(device)
        ended()
    return marks.calls


def main(arguments: list[str]) -> int:
    """Run the job in a file on the GPU; `ran.json` beside it then tells what ran and on what, or why it did not."""
    path = Path(arguments[0])
    try:
        told = _counted(Job.load(path))
    except InputError as error:
        told = {"error": str(error)}
    except Exception as error:  # the network's own code may raise anything, and CUDA what it has no memory for
        told = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:300]}
    path.with_name("ran.json").write_text(json.dumps(told), encoding="utf-8")
    return FAILED if "error" in told else 0


def _counted(job: Job) -> dict[str, Any]:
    import torch

    if not torch.cuda.is_available():
        built = f"for CUDA {torch.version.cuda}, and finds no GPU" if torch.version.cuda else "without CUDA"
        raise InputError(f"torch {torch.__version__} is built {built}; install a torch with CUDA beside the driver")
    nvtx, profiler = torch.cuda.nvtx, cast("Any", torch.cuda.cudart())
    calls = run(job, "cuda", nvtx.range_push, nvtx.range_pop, profiler.cudaProfilerStart, profiler.cudaProfilerStop)
    return {"calls": calls, "torch": torch.__version__, "cuda": torch.version.cuda or "",
            "cudnn": torch.backends.cudnn.version() or 0, "device": torch.cuda.get_device_name()}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
