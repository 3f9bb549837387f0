"""Where torch computes: on the processor or on a GPU, of which inference may be given a share."""

import contextlib
import threading
from contextlib import AbstractContextManager

import numpy as np
import torch

from workloads.rl.settings import Settings


class Placement:
    """A device for inference and learning.

    Attributes:
        device: torch's.
        lock: held while weights are read for inference, or written.
    """

    def __init__(self, settings: Settings) -> None:
        """Find the device, and take the share of it that inference is to have.

        Raises:
            InputError: there is no such device, or the share did not take effect; says why.
        """
        self.lock = threading.Lock()
        self.device = torch.device(settings.device)
        self._share: AbstractContextManager[None] = contextlib.nullcontext()
        self.sms: dict[str, int] = {}
        if self.device.type == "cuda":
            from workloads.rl.share import require_gpu, share

            require_gpu(settings.mps_percentage)
            self._share, self.sms = share(settings.sm_share, settings.mps_percentage)

    def put(self, values: np.ndarray) -> torch.Tensor:
        """Return values on the device; on the processor, the same memory."""
        return torch.from_numpy(values).to(self.device)

    def figures(self) -> dict[str, int]:
        """Return the SMs, on a GPU: of the process, of inference."""
        return self.sms

    def inference(self) -> AbstractContextManager[None]:
        """Return the context of inference's share of the device."""
        return self._share

    def publish(self, source: torch.nn.Module, target: torch.nn.Module) -> None:
        """Copy weights from the learner's network to the one that acts, between two batches of inference."""
        with self.lock, torch.no_grad():
            for old, new in zip(target.parameters(), source.parameters(), strict=True):
                old.copy_(new)
            if self.device.type == "cuda":
                torch.cuda.current_stream().synchronize()
