from pathlib import Path

import pytest
import yaml

from circuits.errors import InputError
from hwmodel.studies.spec import IsoCapacity, make_spec, read_spec


def test_the_default_is_the_paper() -> None:
    spec = make_spec({})
    assert spec.networks == ["alexnet", "googlenet", "vgg16", "resnet18", "squeezenet"]
    assert spec.phases == {"inference": 4, "training": 64}
    assert spec.cells == ["sram", "stt", "sot"]
    assert (spec.capacity, spec.ways, spec.line, spec.node) == (3 * 2**20, 16, 128, "16nm")


def test_a_study_survives_its_file(tmp_path: Path) -> None:
    spec = make_spec({"capacity": "7MiB", "networks": ["vgg16"], "phases": {"training": 8}})
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(spec.model_dump() | {"made": {"version": "0"}}))
    assert read_spec(path) == spec


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"capacity": "3.5 B"}, "capacity '3.5 B': not a whole number"),
        ({"capacity": 0}, "capacity 0: not positive"),
        ({"capacity": -1}, "capacity -1: not positive"),
        ({"capacity": "1e30"}, "capacity '1e30': more than 1 TiB"),
        ({"capacity": True}, "capacity True: not a size"),
        ({"capacity": None}, "capacity None: not a size"),
        ({"nodes": 1}, "nodes.*known are"),
        ({"study": 3}, "study 3: unknown; known are iso-capacity"),
        ({"phases": {"dreaming": 1}}, "phases"),
        ({"phases": {"training": 0}}, "phases.training 0"),
        ({"phases": {}}, "phases"),
        ({"ways": "a"}, "ways 'a'"),
        ({"ways": 65}, "ways 65"),
        ({"study": "iso-everything"}, "study 'iso-everything'"),
        ({"cells": ["stt", "stt"]}, "'stt' is given twice"),
        ({"networks": []}, "networks"),
        ({"networks": "vgg16"}, "networks 'vgg16'"),
        ({"index": "random"}, "index 'random'"),
    ],
)
def test_one_line_says_what_is_wrong(values: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        make_spec(values)
    assert "\n" not in str(caught.value)


def test_every_field_has_a_default() -> None:
    assert all(not field.is_required() for field in IsoCapacity.model_fields.values())
