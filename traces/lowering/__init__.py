"""From an operator's call to the kernels a GPU library launches for it, and each kernel's stream of sectors."""

from importlib import import_module

from traces.lowering.launch import Allocate, Launch, UnknownOperator, known_operators, plan
from traces.lowering.options import Options

# Each family enters its operators in the table as it is imported.
_FAMILIES = ("attention", "attention_backward", "convolution", "elementwise", "embedding", "gather", "gemm",
             "interpolation", "masks", "moves", "normalisation", "optimiser", "pooling", "reductions",
             "views")  # fmt: skip
for _family in _FAMILIES:
    import_module(f"{__name__}.{_family}")

# What every lowered trace assumes, one sentence each.
ASSUMPTIONS = (
    "Convolutions are implicit GEMM, whatever faster algorithm (Winograd, FFT) a library might choose.",
    "Activations lie channels-last (NHWC) on the device, filters as KRSC.",
    "Where the GPU's file says so, forward convolutions of float32 lay images and filters out as planes, and back.",
    "Tiles are chosen by a stated rule from the GPU file's list; the libraries' own choice is not public.",
    "Blocks run in waves of as many as the machine holds, and those of a wave advance together, slab by slab.",
    "A block reads no sector twice within a slab.",
    "Where L2 has a coalescer before it, blocks of an SM, or of SMs abreast, that load the same in a step ask L2 once.",
    "A convolution's data gradient visits every filter position at any stride; pixels out of reach make no access.",
    "A convolution's bias is added by a pass of its own, as torch does on CUDA; a linear layer's by its GEMM.",
    "A depthwise convolution is no product: a block has some pixels of up to 32 channels, where these divide.",
    "Elementwise kernels, reductions and optimiser steps read and write each tensor once a kernel.",
    "A short vector that repeats along a pass is read by every block; once an SM, where L1 holds global loads.",
    "A view of some channels of an image is walked as torch's storage orders it: the same bytes, in another order.",
    "Attention is fused: tiles of queries against streams of keys and values; scores never reach memory.",
    "An atomic addition is a read and a write of its sectors.",
    "A fused interpolation's reader loads, once a slab, the pixels of the small map that those it wants lie between.",
    "An embedding's gradient sums rows in the order of sorted indices; bags hold equally many indices.",
)

__all__ = ["ASSUMPTIONS", "Allocate", "Launch", "Options", "UnknownOperator", "known_operators", "plan"]
