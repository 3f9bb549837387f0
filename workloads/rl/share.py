"""A share of a GPU for inference: green contexts and MPS, each believed only when the driver counts the SMs so."""

import contextlib
import ctypes
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager

import torch

from circuits.errors import InputError
from hwmodel.balance import mps

_SM_RESOURCE = 1  # CU_DEV_RESOURCE_TYPE_SM
_RESOURCE_BYTES = 256  # a CUdevResource has 144; room for what later drivers add


def require_gpu(mps_percentage: int | None) -> None:
    """See that torch has a GPU; ask for a share of it by MPS first, which a driver reads when it begins.

    Raises:
        InputError: there is none, or it is in use by this process already.
    """
    if mps_percentage is not None:
        if torch.cuda.is_initialized():
            raise InputError(f"--mps-percentage {mps_percentage}: this process uses the GPU already; start a new one")
        os.environ[mps.PERCENTAGE] = str(mps_percentage)
    if torch.version.cuda is None:
        raise InputError(
            f"--device cuda: torch {torch.__version__} was built without CUDA; give --device cpu or emulated"
        )
    if not torch.cuda.is_available():
        raise InputError("--device cuda: torch finds no GPU; give --device cpu or emulated")


def share(sm_share: float | None, mps_percentage: int | None) -> tuple[AbstractContextManager[None], dict[str, int]]:
    """Return the context in which inference has its share, and the SMs: of the process, of inference.

    Raises:
        InputError: a share did not take effect; says why.
    """
    torch.cuda.init()
    whole = context_sms()
    if mps_percentage is not None:
        mps.check(mps_percentage)
    if sm_share is None:
        return contextlib.nullcontext(), {"process_sms": whole, "inference_sms": whole}
    wanted = max(1, round(sm_share * whole))
    context = _Green(wanted)
    with context():
        found = context_sms()
    if not wanted <= found < max(whole, wanted + 1):
        raise InputError(
            f"--sm-share {sm_share:g}: {wanted} of {whole} SMs were asked for, the driver counts {found} in the context"
        )
    return _Reentered(context), {"process_sms": whole, "inference_sms": found}


class _Green:
    """A green context of torch's."""

    def __init__(self, sms: int) -> None:
        try:
            from torch.cuda.green_contexts import SUPPORTED, GreenContext
        except ImportError as error:
            raise InputError(
                f"--sm-share: torch {torch.__version__} has no green contexts; take 2.10 or later"
            ) from error
        if not SUPPORTED:
            raise InputError(
                f"--sm-share: torch {torch.__version__} was built without green contexts; they need CUDA 12.8"
            )
        try:
            self._context = GreenContext.create(num_sms=sms)
        except RuntimeError as error:
            raise InputError(f"--sm-share: {str(error).splitlines()[0]}") from error

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        self._context.set_context()
        try:
            yield
        finally:
            torch.cuda.current_stream().synchronize()
            self._context.pop_context()


class _Reentered(AbstractContextManager[None]):
    """Enters a green context each time anew."""

    def __init__(self, green: _Green) -> None:
        self._green, self._open = green, contextlib.ExitStack()

    def __enter__(self) -> None:
        self._open.enter_context(self._green())

    def __exit__(self, *_: object) -> None:
        self._open.close()


def context_sms() -> int:
    """Return the SMs that the driver counts in this thread's current context.

    Raises:
        InputError: the driver cannot tell: it is older than 12.4.
    """
    torch.zeros(1, device="cuda")  # makes the context current
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        context, resource = ctypes.c_void_p(), ctypes.create_string_buffer(_RESOURCE_BYTES)
        failed = driver.cuCtxGetCurrent(ctypes.byref(context)) or driver.cuCtxGetDevResource(
            context, resource, _SM_RESOURCE
        )
    except (OSError, AttributeError) as error:
        raise InputError(
            f"--device cuda: {error}; counting a context's SMs needs a driver of CUDA 12.4 or later"
        ) from error
    if failed:
        raise InputError(f"--device cuda: the driver does not tell a context's SMs (error {failed})")
    return int.from_bytes(resource.raw[96:100], "little")  # after the type, 4 bytes, and 92 of the driver's own
