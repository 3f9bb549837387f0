"""The types that values have on the device: what is stored in how many bytes, what products compute in."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from traces.errors import InputError

GROUPS = (128, 64, 32)  # inputs that share a scale and a zero point, the most first
INNER_TILES = (8, 4, 2)  # of 16 inputs, packed together


@dataclass(frozen=True)
class Precision:
    """How a run holds and computes its values.

    Attributes:
        stored: what parameters, buffers and inputs of float32 are before an inference; None leaves them.
        autocast: what autocast computes in; None has none.
        bytes_as: type whose matrices and activations are recorded as a byte an element; None records torch's sizes.
        packs: whether the weights of linear layers are packed in four bits.
        products: arithmetic of matrix products, where it is not their operands' type.
        note: what is assumed, a sentence.
    """

    stored: torch.dtype | None = None
    autocast: torch.dtype | None = None
    bytes_as: torch.dtype | None = None
    packs: bool = False
    products: str = ""
    note: str = ""


def precision(name: str, training: bool) -> Precision:
    """Return what a type's name on the command line means: fp32, tf32, bf16, fp16, int8 or int4w.

    Raises:
        InputError: for another name, and for a training in integers.
    """
    if name not in DTYPES:
        raise InputError(f"dtype {name!r}: unknown; known are {', '.join(DTYPES)}")
    if training and name in TRAINED:
        return TRAINED[name]
    if training and name in INTEGERS:
        raise InputError(f"dtype {name!r}: weights in integers have no gradient; train in fp32, tf32, bf16 or fp16")
    return INFERRED[name]


_TF32 = Precision(products="tf32", note="Values are stored in float32; matrix products and convolutions round to TF32.")
_HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}
INFERRED = {
    "fp32": Precision(),
    "tf32": _TF32,
    **{
        name: Precision(kind, kind, note=f"Parameters, buffers and inputs are stored in {str(kind)[6:]}.")
        for name, kind in _HALF.items()
    },
    "int8": Precision(
        torch.float16, torch.float16, bytes_as=torch.float16, products="int8",
        note="Weights and activations are stored as one byte an element, biases and what normalises as two; it is "
        "assumed that each kernel rescales as it writes, so that scales and sums in 32 bits add no traffic. "
        "Normalisation stays a pass of its own.",
    ),
    "int4w": Precision(
        torch.bfloat16, torch.bfloat16, packs=True,
        note="Weights of linear layers are stored in four bits, with a scale and a zero point in bfloat16 a group of "
        "at most 128 inputs, and multiplied by torch's _weight_int4pack_mm; all else, convolutions and embeddings too, "
        "is stored in bfloat16.",
    ),
}  # fmt: skip
TRAINED = {
    name: Precision(
        autocast=kind,
        note=f"Training runs under autocast to {str(kind)[6:]}: parameters, their gradients and the optimiser's state "
        "are stored in float32, each weight is cast once a step; gradients are not scaled.",
    )
    for name, kind in _HALF.items()
}
DTYPES = tuple(INFERRED)
INTEGERS = ("int8", "int4w")


@contextlib.contextmanager
def casting(kind: torch.dtype | None, device: str = "cpu") -> Iterator[None]:
    """Compute in `kind` as autocast would, if it is any."""
    with torch.autocast(device, kind) if kind else contextlib.nullcontext():
        yield


class PackedLinear(nn.Module):
    """A linear layer's product with weights of four bits, and its bias added after it.

    Takes rows x inputs of bfloat16 behind any leading dimensions, gives outputs in the place of inputs.
    """

    def __init__(self, linear: nn.Linear, group: int, inner: int) -> None:
        super().__init__()
        outputs, inputs = linear.weight.shape
        packed = torch.empty(outputs // 8, inputs // (inner * 16), 32, inner // 2, dtype=torch.int32, device="cpu")
        self.weight = nn.Parameter(packed, requires_grad=False)
        self.scales = nn.Parameter(torch.empty(inputs // group, outputs, 2, dtype=torch.bfloat16, device="cpu"), False)
        self.bias = linear.bias
        self.group = group

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.reshape(-1, x.shape[-1]).bfloat16()
        y = torch.ops.aten._weight_int4pack_mm(rows, self.weight, self.group, self.scales)
        y = y if self.bias is None else y + self.bias
        return y.unflatten(0, x.shape[:-1])


def pack(module: nn.Module) -> str:
    """Put a packed layer in the place of each linear one whose sizes allow, and say how many.

    The kernel wants outputs in eights, and inputs in whole groups and in whole inner tiles.

    Raises:
        InputError: where the module is a linear layer itself, or holds none that can be packed.
    """
    linear = 0
    packed: dict[int, PackedLinear] = {}  # a layer at two places stays one
    for part in list(module.modules()):
        for name, child in part._modules.items():
            if type(child) is nn.Linear:
                if id(child) not in packed:
                    linear += 1
                    outputs, inputs = child.weight.shape
                    group = next((size for size in GROUPS if inputs % size == 0), 0)
                    if outputs % 8 or not group:
                        continue
                    inner = next(tiles for tiles in INNER_TILES if inputs % (16 * tiles) == 0)
                    packed[id(child)] = PackedLinear(child, group, inner)
                setattr(part, name, packed[id(child)])
    if not packed:
        raise InputError(
            f"{type(module).__name__}: no linear layer to pack: int4w wants outputs in eights, inputs in 32s"
        )
    return f"{len(packed)} of {linear} linear layers are packed."
