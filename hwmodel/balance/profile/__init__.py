"""Watches a training command from outside: its processes, threads and GPUs, its frames, and what it says of itself.

`watch` runs a command and returns a `Profile`; `read_profile` reads one again.
"""

from hwmodel.balance.profile.results import Profile, read_profile
from hwmodel.balance.profile.watcher import watch

__all__ = ["Profile", "read_profile", "watch"]
