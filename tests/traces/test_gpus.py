"""Descriptions of GPUs: what ships, and what a user's file may get wrong."""

from dataclasses import fields

import pytest
import yaml

import traces.gpus as gpus
from traces.errors import InputError
from traces.gpus import Gpu, load_gpu


def description():
    with (gpus._FOLDER / "gtx1080ti.yaml").open(encoding="utf-8") as file:
        return yaml.safe_load(file)


def written(tmp_path, document):
    path = tmp_path / "mine.yaml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document), encoding="utf-8")
    return path


def test_the_simulated_machine():
    gpu = load_gpu("gtx1080ti")
    assert (gpu.sms, gpu.threads_per_sm, gpu.registers_per_sm, gpu.l1_bytes) == (28, 2048, 65536, 49152)
    assert gpu.l2_simulated_bytes == 24 * 131072
    assert gpu.l2_bytes == gpu.l2_slices * 131072
    assert gpu.core_Hz == 1.481e9
    # Two transfers a cycle of a 352-bit bus: the bandwidth the vendor states.
    assert 2 * 2 * gpu.memory_Hz * 352 / 8 == gpu.dram_bytes_per_s
    assert not gpu.l1_holds_global_loads


def test_every_figure_names_a_source():
    gpu = load_gpu("gtx1080ti")
    named = {field.name for field in fields(Gpu)} - {"name", "sources", "works"}
    assert set(gpu.sources) == named
    assert set(gpu.sources.values()) == set(gpu.works)


def test_waves_follow_from_registers_and_threads():
    gpu = load_gpu("gtx1080ti")
    assert [gpu.wave(tile) for tile in gpu.tiles] == [28 * 2, 28 * 4, 28 * 8]
    assert gpu.resident(128) == 28 * 16
    assert gpu.resident(32) == 28 * 32


def test_an_unknown_gpu_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="gpu 'gtx9999': not known; give one of gtx1080ti"):
        load_gpu("gtx9999")


def test_a_user_may_bring_a_machine(tmp_path):
    mine = description() | {"name": "mine", "sms": {"value": 4, "source": "assumed"}}
    gpu = load_gpu(written(tmp_path, mine))
    assert (gpu.name, gpu.sms, gpu.sources["sms"]) == ("mine", 4, "assumed")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sms": None}, "sms must be"),
        ({"sms": {"value": 0, "source": "assumed"}}, "sms is 0; give a whole positive number"),
        ({"sms": {"value": True, "source": "assumed"}}, "sms is True"),
        ({"sms": {"value": 28, "source": "hearsay"}}, "sms must be"),
        ({"core_Hz": {"value": float("inf"), "source": "assumed"}}, "core_Hz is inf"),
        ({"warp": {"value": 32, "source": "assumed"}}, "unknown warp"),
        ({"tiles": {"value": [], "source": "assumed"}}, "tiles must be a list"),
        ({"works": []}, "works must map"),
        ({"name": 3}, "name must be text"),
    ],
)
def test_a_wrong_figure_is_named(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        load_gpu(written(tmp_path, description() | change))


def test_a_missing_figure_is_named(tmp_path):
    short = description()
    del short["l2_ways"]
    with pytest.raises(InputError, match="missing l2_ways"):
        load_gpu(written(tmp_path, short))


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "\x00", "!!python/object:os.system {}"])
def test_a_foreign_file_is_refused_in_one_line(tmp_path, text):
    with pytest.raises(InputError) as caught:
        load_gpu(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_missing_and_an_enormous_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_gpu(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="more than 1 MiB"):
        load_gpu(written(tmp_path, "a: 1\n" * 300_000))
