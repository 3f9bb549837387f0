"""Hypothesis without deadlines: these machines are shared, and speed is never asserted. No store of the user's."""

import os
import tempfile

from hypothesis import HealthCheck, settings

settings.register_profile("hwmodel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hwmodel")

# Of this process and those it starts; a store that tests of one run share, so that nothing is computed twice.
_STORE = tempfile.TemporaryDirectory(prefix="hwmodel-store-")
os.environ["HWMODEL_STORE"] = _STORE.name
