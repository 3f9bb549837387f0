"""Hypothesis without deadlines: these machines are shared, and speed is never asserted."""

from hypothesis import HealthCheck, settings

settings.register_profile("hwmodel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hwmodel")
