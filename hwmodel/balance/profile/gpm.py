"""GPM: how much of a GPU's cycles its SMs, tensor cores and memory were at work, counted by the GPU (Hopper and later).

The figures are shares of *cycles* between two samples; what they are in time depends on the clock, which stands beside.
"""

from typing import Any

COLUMNS = ("sm_active", "sm_occupancy", "tensor_active", "dram_active")


class Metrics:
    """The counters between the last two calls of `read`.

    Attributes:
        reason: why there are none; the empty text where there are.
    """

    def __init__(self, handle: Any) -> None:
        import pynvml

        self._nvml: Any = pynvml
        self._handle = handle
        self._samples: list[Any] = []
        self.reason = ""
        self._filled = False
        self._ids = (pynvml.NVML_GPM_METRIC_SM_UTIL, pynvml.NVML_GPM_METRIC_SM_OCCUPANCY,
                     pynvml.NVML_GPM_METRIC_ANY_TENSOR_UTIL, pynvml.NVML_GPM_METRIC_DRAM_BW_UTIL)  # fmt: skip
        try:
            if not pynvml.nvmlGpmQueryDeviceSupport(handle).isSupportedDevice:
                self.reason = "this GPU has no GPM counters (Hopper and later have)"
                return
            for _ in range(2):
                self._samples.append(pynvml.nvmlGpmSampleAlloc())
        except pynvml.NVMLError as error:
            self.reason = str(error)

    def read(self) -> dict[str, Any]:
        """Return the shares of cycles since the last call; nothing at the first.

        Raises:
            pynvml.NVMLError: no sample could be taken.
        """
        nvml = self._nvml
        nvml.nvmlGpmSampleGet(self._handle, self._samples[1])
        found: dict[str, Any] = {}
        if self._filled:
            asked = nvml.c_nvmlGpmMetricsGet_t()
            asked.version, asked.numMetrics = nvml.NVML_GPM_METRICS_GET_VERSION, len(self._ids)
            asked.sample1, asked.sample2 = self._samples
            for number, metric in enumerate(self._ids):
                asked.metrics[number].metricId = metric
            nvml.nvmlGpmMetricsGet(asked)
            for number, name in enumerate(COLUMNS):
                if asked.metrics[number].nvmlReturn == nvml.NVML_SUCCESS:
                    found[name] = asked.metrics[number].value / 100
        self._samples.reverse()
        self._filled = True
        return found

    def close(self) -> None:
        """Let the samples go."""
        for sample in self._samples:
            try:
                self._nvml.nvmlGpmSampleFree(sample)
            except self._nvml.NVMLError:
                break
        self._samples.clear()
