"""The facade: networks as codes or as text, devices by name or file, kinds by what a file says."""

import numpy as np
import pytest

from circuits.errors import InputError
from hwmodel.latency.query import predictor as module
from hwmodel.latency.query.container import Container, write_container
from hwmodel.latency.query.form import write_form
from hwmodel.latency.query.predictor import SpacePredictor, load
from tests.hwmodel.latency.forms import form_with


@pytest.fixture
def predictor(tmp_path):
    write_form(form_with((4, 3, 2)), tmp_path / "a.safetensors")
    return load(tmp_path / "a.safetensors")


def test_networks_come_as_codes_or_as_text(predictor):
    codes = [[3, 2, 1], [0, 1, 0]]
    expected = predictor.predict(np.array(codes, np.int8))
    assert expected.level == 0.9
    assert (expected.low < expected.mean).all()
    assert (expected.mean < expected.high).all()
    for same in (codes, np.array(codes), tuple(codes), [str(code) for code in codes], ['["c3", 2, 1]', "[0, 1, 0]"]):
        np.testing.assert_array_equal(predictor.predict(same).mean, expected.mean)
    for one in (codes[0], str(codes[0])):
        np.testing.assert_array_equal(predictor.predict(one).mean, expected.mean[:1])
    assert predictor.predict([str(codes[0])], 0.5).high < expected.high[0]


@pytest.mark.parametrize("networks", [[[3, 2, 2]], "[3, 2, 2]", [], None, {"a": 1}, ["[0, 0, 0]", 3], [[0, 0, 0], "a"]])
def test_what_is_no_network(predictor, networks):
    with pytest.raises(InputError):
        predictor.predict(networks)


def test_levels(predictor):
    with pytest.raises(InputError, match=r"level 0.75: none of drawn's; give 0.5, 0.9"):
        predictor.predict([[0, 0, 0]], 0.75)
    bare = SpacePredictor(form_with((4, 3), quantiles=()))
    assert bare.predict([[0, 0]]).high is None
    with pytest.raises(InputError, match="it has no intervals"):
        bare.predict([[0, 0]], 0.9)
    assert SpacePredictor(form_with((4, 3), quantiles=((0.8, 1, 1), (0.99, 3, 3)))).predict([[0, 0]]).level == 0.99


def test_what_it_says_about_itself(predictor):
    said = predictor.about()
    assert said["device"] == "drawn"
    assert said["choices"] == [4, 3, 2]
    assert said["levels"] == [0.5, 0.9]


def test_devices_and_kinds(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"device 'pixel99': unknown; known are .*or give a file \*.safetensors"):
        load("pixel99")
    path = tmp_path / "shipped.safetensors"
    write_container(path, Container("line", {"slope": 2.0}, {"a": np.zeros(1)}))
    with pytest.raises(InputError, match="a predictor of kind 'line'; known are layers, listed, space"):
        load(path)
    monkeypatch.setattr(module, "DEVICES", tmp_path)
    monkeypatch.setitem(module.KINDS, "line", f"{__name__}:of_kind_line")
    assert module.known_devices() == ["shipped"]
    assert load("shipped") == (2.0, str(path))


def of_kind_line(container, where):
    return container.about["slope"], where
