"""Calls what a GPU's build of torch calls, where the CPU's build composes an operator of other parts."""

from types import FunctionType
from typing import Any

import torch
from torch.nn import functional as fn
from torch.overrides import TorchFunctionMode

HALF = (torch.bfloat16, torch.float16)
FLASH_HEAD = 256  # elements of a head at most: torch, aten/src/ATen/native/transformers/cuda/sdp_utils.cpp

# What autocast computes in float32 on CUDA but not on a CPU: aten/src/ATen/autocast_mode.h, lists fp32 and
# fp32_set_opt_dtype, as far as torch's modules and losses call them.
FLOAT32 = {
    fn.layer_norm, torch.layer_norm, fn.group_norm, torch.group_norm, fn.softmax, torch.softmax, torch.Tensor.softmax,
    fn.log_softmax, torch.log_softmax, torch.Tensor.log_softmax, fn.softplus, fn.cross_entropy, fn.nll_loss,
    fn.mse_loss,
    fn.l1_loss, fn.smooth_l1_loss, fn.huber_loss, fn.kl_div, fn.binary_cross_entropy_with_logits, torch.sum,
    torch.Tensor.sum, torch.prod, torch.Tensor.prod, torch.cumsum, torch.Tensor.cumsum, torch.norm, torch.Tensor.norm,
    torch.logsumexp, torch.Tensor.logsumexp, torch.exp, torch.Tensor.exp, torch.expm1, torch.Tensor.expm1, torch.log,
    torch.Tensor.log, torch.log1p, torch.Tensor.log1p, torch.pow, torch.Tensor.pow, torch.Tensor.__pow__, torch.rsqrt,
    torch.Tensor.rsqrt, torch.reciprocal, torch.Tensor.reciprocal,
}  # fmt: skip


class DeviceComposition(TorchFunctionMode):
    """Gives dropout, attention and autocast the form they have on CUDA.

    Args:
        float32: whether autocast is on and keeps to float32 what it does on CUDA.
    """

    def __init__(self, float32: bool = False) -> None:
        super().__init__()
        self._float32 = float32

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (fn.dropout, torch.dropout):
            return _dropout(func, args, kwargs)
        if func is fn.scaled_dot_product_attention:
            return _attention(*args, **kwargs)
        if func in _OPENED:
            with self:
                return _OPENED[func](*args, **kwargs)
        if self._float32 and func in FLOAT32 and torch.is_autocast_enabled("cpu"):
            args = [_widened(one) for one in args]
            kwargs = {key: _widened(one) for key, one in kwargs.items()}
        return func(*args, **kwargs)


def _widened(value: Any) -> Any:
    return value.float() if isinstance(value, torch.Tensor) and value.dtype in HALF else value


def _open(func: Any) -> Any:
    """Return a Python function whose body the mode sees; torch hands it to a mode whole, the mode laid off."""
    body = FunctionType(func.__code__, {**func.__globals__, "has_torch_function": lambda _: False}, func.__name__,
                        func.__defaults__)  # fmt: skip
    body.__kwdefaults__ = func.__kwdefaults__
    return body


# They hold attention and dropout; the second in the blocks that a checkpoint runs again.
_OPENED = {func: _open(func) for func in (fn.multi_head_attention_forward, torch.autograd.backward)}


def _dropout(func: Any, args: Any, kwargs: Any) -> Any:
    """One fused kernel that also stores the mask, as CUDA has for dropout out of place."""
    given = dict(zip(("input", "p", "training", "inplace"), args, strict=False)) | kwargs
    training = given.get("training", given.get("train", True))
    p = given.get("p", 0.5)
    if not training or given.get("inplace", False) or not 0 < p < 1:
        return func(*args, **kwargs)
    return torch.native_dropout(given["input"], p, True)[0]


def _attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> torch.Tensor:  # fmt: skip
    """One operator a direction, as CUDA has: flash attention for half precision, the memory-efficient one otherwise.

    What neither takes is composed of products and a softmax, as on CUDA too.
    """
    if torch.is_autocast_enabled("cpu"):
        kind = torch.get_autocast_dtype("cpu")
        query, key, value = (one.to(kind) if one.is_floating_point() else one for one in (query, key, value))
    aten, half = torch.ops.aten, query.dtype in HALF
    square = query.shape[-2] == key.shape[-2]
    flash = half and attn_mask is None and query.shape[-1] <= FLASH_HEAD and (square or not is_causal)
    if query.ndim != 4 or value.shape[-1] != query.shape[-1] or (enable_gqa and not flash):
        return aten._scaled_dot_product_attention_math(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )[0]
    if flash:
        return aten._scaled_dot_product_flash_attention(query, key, value, dropout_p, is_causal, scale=scale)[0]
    bias = None if attn_mask is None else _bias(attn_mask, query, key)
    needs = torch.is_grad_enabled() and any(one.requires_grad for one in (query, key, value))
    return aten._scaled_dot_product_efficient_attention(
        query, key, value, bias, needs, dropout_p, is_causal, scale=scale
    )[0]


def _bias(mask: torch.Tensor, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """Return a mask as what is added to the products: where it is boolean, 0 and minus infinity."""
    if mask.dtype == torch.bool:
        mask = torch.zeros_like(mask, dtype=query.dtype).masked_fill_(mask.logical_not(), float("-inf"))
    return mask.expand(*query.shape[:-1], key.shape[-2])
