"""From an operator's call to the kernels a GPU library launches for it, and each kernel's stream of sectors."""

# Each family enters its operators in the table as it is imported.
from traces.lowering import convolution, elementwise, gemm, normalisation, optimiser, pooling, reductions, views
from traces.lowering.launch import Allocate, Launch, UnknownOperator, known_operators, plan

__all__ = ["Allocate", "Launch", "UnknownOperator", "known_operators", "plan"]
_FAMILIES = (convolution, elementwise, gemm, normalisation, optimiser, pooling, reductions, views)
