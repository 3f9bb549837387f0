"""Hypothesis without deadlines: these machines are shared, and speed is never asserted. No store of the user's."""

import gc
import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("hwmodel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hwmodel")

# Of this process and those it starts, workers among them; a store that tests of one run share, so that nothing is
# computed twice.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _STORE = tempfile.TemporaryDirectory(prefix="hwmodel-store-")
    os.environ["HWMODEL_STORE"] = _STORE.name


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of later garbage collections, of which each capture begins with one."""
    gc.collect()
    gc.freeze()
