"""Hypothesis without deadlines: these machines are shared, and speed is never asserted."""

from hypothesis import settings

settings.register_profile("hwmodel", deadline=None)
settings.load_profile("hwmodel")
