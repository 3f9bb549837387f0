"""Descriptions of GPUs: what ships, and what a user's file may get wrong."""

import re
from dataclasses import fields

import pytest
import yaml

import traces.gpus as gpus
from traces.errors import InputError
from traces.gpus import Gpu, known_gpus, load_gpu
from traces.lowering.tiles import choose


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


@pytest.mark.parametrize("name", known_gpus())
def test_every_figure_names_a_source(name):
    gpu = load_gpu(name)
    named = {field.name for field in fields(Gpu)} - {"name", "sources", "works"}
    assert gpu.name == name
    assert set(gpu.sources) == named
    assert set(gpu.sources.values()) == set(gpu.works)


@pytest.mark.parametrize("name", known_gpus())
def test_what_is_assumed_has_its_reason_beside_it(name):
    text = (gpus._FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    blocks = re.split(r"^(?=\w)", text, flags=re.MULTILINE)
    assumed = [block for block in blocks if re.search(r"source: assumed\b", block)]
    assert len(assumed) == sum(source == "assumed" for source in load_gpu(name).sources.values())
    assert all("#" in block for block in assumed)


# Bits of the memory bus and transfers a cycle of `memory_Hz`; bandwidth in units of GB/s, as the makers state it.
BUSES = {
    "a100_40gb": (5120, 2, 1555),
    "a100_80gb": (5120, 2, 2039),
    "gtx1080ti": (352, 4, 484),
    "h100": (5120, 2, 3350),
    "h200": (6144, 2, 4800),
    "orin": (256, 2, 204.8),
    "rtx4090": (384, 16, 1008),
    "v100": (4096, 2, 900),
}


@pytest.mark.parametrize("name", known_gpus())
def test_figures_agree_with_one_another(name):
    gpu, (bits, transfers, gigabytes) = load_gpu(name), BUSES[name]
    assert bits * transfers * gpu.memory_Hz / 8 == pytest.approx(gpu.dram_bytes_per_s, rel=2e-3)
    assert gpu.dram_bytes_per_s == gigabytes * 1e9
    assert gpu.l2_bytes % gpu.l2_slices == 0
    assert gpu.l2_simulated_bytes % (gpu.l2_simulated_slices * gpu.l2_ways * gpu.line_bytes) == 0
    assert gpu.threads_per_sm % 32 == 0
    for tiles in (gpu.tiles, gpu.half_tiles, gpu.tf32_tiles):
        areas = [tile.m * tile.n for tile in tiles]
        assert areas == sorted(areas, reverse=True)
        for tile in tiles:
            registers = tile.threads_per_block * tile.registers_per_thread
            assert registers <= gpu.registers_per_sm
            assert tile.m * tile.n <= registers  # a block's results lie in its registers
    heads = [tile.head_most for tile in gpu.attention]
    assert heads == sorted(set(heads))
    assert [gpu.attention_tile(head) for head in heads] == list(gpu.attention)
    assert gpu.attention_tile(1 << 20) == gpu.attention[-1]
    for tile in gpu.float_attention:
        assert gpu.attention_tile(tile.head_most, 4) == tile
        assert tile.queries * tile.keys == 32 * tile.threads_per_block  # a warp for 32 x 32 scores


def test_16_bit_products_have_their_own_tiles():
    gpu = load_gpu("a100_40gb")
    assert gpu.tiles_of(2) == gpu.half_tiles != gpu.tiles == gpu.tiles_of(4) == gpu.tiles_of(8)
    assert choose(gpu, 8192, 8192, 512, 2).shape == (256, 128, 32)


def test_products_that_round_to_tf32_have_their_own_tiles():
    gpu, pascal = load_gpu("a100_40gb"), load_gpu("gtx1080ti")
    assert gpu.tiles_of(4, "tf32") == gpu.tf32_tiles != gpu.tiles
    assert gpu.tiles_of(8, "tf32") == gpu.tiles
    assert gpu.tiles_of(2, "tf32") == gpu.half_tiles
    assert choose(gpu, 8192, 8192, 512, 4, products="tf32").shape == (256, 128, 16)
    assert pascal.tf32_tiles == ()
    assert pascal.tiles_of(4, "tf32") == pascal.tiles


@pytest.mark.parametrize("name", known_gpus())
def test_a_block_has_the_shared_memory_for_two_slabs(name):
    gpu = load_gpu(name)
    for tile in (*gpu.tiles, *gpu.half_tiles, *gpu.tf32_tiles):
        assert 2 * (tile.m + tile.n) * tile.depth_bytes <= gpu.shared_bytes_per_sm


def test_waves_follow_from_registers_and_threads():
    gpu = load_gpu("gtx1080ti")
    assert [gpu.wave(tile) for tile in gpu.tiles] == [28 * 2, 28 * 4, 28 * 8]
    assert gpu.resident(128) == 28 * 16
    assert gpu.resident(32) == 28 * 32


def test_an_unknown_gpu_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="gpu 'gtx9999': not known; give one of a100_40gb, "):
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
        ({"tf32_tiles": {"value": [], "source": "assumed"}}, "tf32_tiles must be a list"),
        ({"tiles": {"value": "none", "source": "assumed"}}, "tiles must be a list"),
        ({"attention": {"value": [{"head_most": 64}], "source": "assumed"}}, "attention must be a list"),
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
