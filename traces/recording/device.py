"""Calls what a GPU's build of torch calls, where the CPU's build composes an operator of other parts."""

from types import FunctionType
from typing import Any

import torch
from torch.nn import functional as fn
from torch.overrides import TorchFunctionMode

HALF = (torch.bfloat16, torch.float16)
FLASH_HEAD = 256  # elements of a head at most: torch, aten/src/ATen/native/transformers/cuda/sdp_utils.cpp
BIAS_ALIGNMENT = 8  # elements: of a bias's strides, for memory-efficient attention; transformers/attention.cpp

# What autocast computes in float32 on CUDA but not on a CPU, as far as torch's modules and losses call it; from
# aten/src/ATen/autocast_mode.h. Lists fp32: inputs are cast; fp32_set_opt_dtype: the result is, as it is written.
_T = torch.Tensor
FLOAT32 = {
    fn.layer_norm, torch.layer_norm, fn.group_norm, torch.group_norm, fn.softplus, fn.nll_loss, fn.mse_loss, fn.l1_loss,
    fn.smooth_l1_loss, fn.huber_loss, fn.kl_div, fn.binary_cross_entropy_with_logits, torch.norm, _T.norm,
    torch.logsumexp, _T.logsumexp, torch.exp, _T.exp, torch.expm1, _T.expm1, torch.log, _T.log,
    torch.log1p, _T.log1p, torch.pow, _T.pow, _T.__pow__, torch.rsqrt, _T.rsqrt,
    torch.reciprocal, _T.reciprocal,
}  # fmt: skip
FLOAT32_RESULT = {torch.sum, _T.sum, torch.prod, _T.prod, torch.cumsum, _T.cumsum}
SOFTMAX = {
    **dict.fromkeys((fn.softmax, torch.softmax, _T.softmax), torch.ops.aten._softmax),
    **dict.fromkeys((fn.log_softmax, torch.log_softmax, _T.log_softmax), torch.ops.aten._log_softmax),
}


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
        if self._float32 and torch.is_autocast_enabled("cpu"):
            return _in_float32(func, args, kwargs)
        return func(*args, **kwargs)


def _in_float32(func: Any, args: Any, kwargs: Any) -> Any:
    """Call what autocast keeps to float32 on CUDA so; a type that is asked for is given."""
    if func is fn.cross_entropy:
        return _cross_entropy(*args, **kwargs)
    if func in FLOAT32:
        return func(*map(_widened, args), **{key: _widened(one) for key, one in kwargs.items()})
    if (func in FLOAT32_RESULT or func in SOFTMAX) and args and _is_half(args[0]) and kwargs.get("dtype") is None:
        if func in FLOAT32_RESULT:
            return func(*args, **{**kwargs, "dtype": torch.float32})
        dim = args[1] if len(args) > 1 else kwargs.get("dim")
        if isinstance(dim, int):
            return SOFTMAX[func](args[0], dim, True)  # half_to_float
    return func(*args, **kwargs)


def _cross_entropy(
    input: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None, size_average: bool | None = None,  # noqa: A002
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> torch.Tensor:  # fmt: skip
    """The logarithms stay in half precision, since torch asks for the scores' type; only the loss is in float32."""
    if not _is_half(input) or target.is_floating_point() or label_smoothing:
        return fn.cross_entropy(input, target, weight, size_average, ignore_index, reduce, reduction, label_smoothing)
    logs = torch.ops.aten._log_softmax(input, 0 if input.ndim == 1 else 1, False)
    return fn.nll_loss(logs.float(), target, weight, size_average, ignore_index, reduce, reduction)


def _is_half(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype in HALF


def _widened(value: Any) -> Any:
    return value.float() if _is_half(value) else value


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

    That is torch's order on Ampere and Ada; on Hopper it may prefer cuDNN's, which is not told apart here. What neither
    takes is composed of products and a softmax, as on CUDA too.
    """
    if torch.is_autocast_enabled(device := query.device.type):
        kind = torch.get_autocast_dtype(device)
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
    """Return a mask as what is added to the products, 0 or minus infinity where boolean; aligned, if by a copy."""
    if mask.dtype == torch.bool:
        mask = torch.where(mask, 0.0, torch.scalar_tensor(float("-inf"), dtype=query.dtype, device=mask.device))
    *strides, step = mask.stride()
    if step != 1 or any(stride % BIAS_ALIGNMENT for stride in strides):
        keys = mask.shape[-1]
        mask = fn.pad(mask, (0, BIAS_ALIGNMENT - keys % BIAS_ALIGNMENT))[..., :keys]
    return mask.expand(*query.shape[:-1], key.shape[-2])
