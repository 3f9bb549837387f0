from pathlib import Path

import pytest

from tests.reports.synthetic import write_study


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic study with its report made; tests read it and leave it as it is."""
    from reports.study import write_report

    folder = write_study(tmp_path_factory.mktemp("finished") / "study")
    write_report(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small synthetic study without a report, for a test to spoil."""
    return write_study(tmp_path / "study", networks=("alexnet", "vgg16"), phases={"inference": 4})
