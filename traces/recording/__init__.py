"""A torch module's run, recorded without a GPU and without memory: every operator's call, on tensors with addresses."""

from traces.recording.run import Recording, record

__all__ = ["Recording", "record"]
