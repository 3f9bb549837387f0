"""A user's own images: arrays, CIFAR's binary files, folders; and each mistake in one line."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from circuits.errors import InputError
from workloads.images import folder, load_images, parts


def refused(path, match, **options):
    with pytest.raises(InputError, match=match) as caught:
        load_images(path, **options)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def examples(count=40, shape=(6, 5, 3), classes=2, seed=0, dtype=np.uint8):
    draw = np.random.default_rng(seed)
    x = draw.integers(0, 256, (count, *shape)) if dtype == np.uint8 else draw.normal(size=(count, *shape))
    return x.astype(dtype), np.arange(count) % classes


def save(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


def pixels(images, split):
    mean, std = (torch.tensor(one)[None, :, None, None] for one in (images.mean, images.std))
    return split.images * std + mean


def test_arrays_come_back_as_they_were(tmp_path):
    x, y = examples()
    images = load_images(save(tmp_path / "a.npz", x=x, y=y))
    assert images.shape == (3, 6, 5)
    assert images.classes == 2
    assert [len(split.labels) for split in images.splits.values()] == [28, 6, 6]
    given_ = {tuple(np.round(one.transpose(2, 0, 1).ravel() / 255, 4)): label for one, label in zip(x, y, strict=True)}
    for split in images.splits.values():
        for one, label in zip(pixels(images, split), split.labels, strict=True):
            key = min(given_, key=lambda key, one=one: np.abs(np.array(key) - one.numpy().ravel()).max())
            assert np.abs(np.array(key) - one.numpy().ravel()).max() < 1e-4
            assert given_.pop(key) == label
    assert not given_


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_channels_first_or_last_and_any_float(dtype, tmp_path):
    x, y = examples(dtype=dtype)
    first, last = (
        load_images(save(tmp_path / f"{name}.npz", x=values, y=y))
        for name, values in (("first", np.asfortranarray(x.transpose(0, 3, 1, 2))), ("last", x))
    )
    assert first.fingerprint == last.fingerprint
    assert first.train.images.dtype == torch.float32


def test_splits_of_the_users_own_are_kept(tmp_path):
    own = {name: examples(n, (4, 5), 3, n) for name, n in (("train", 30), ("val", 12), ("test", 9))}
    arrays = {f"{key}_{name}": part[i] for name, part in own.items() for i, key in enumerate("xy")}
    images = load_images(save(tmp_path / "three.npz", **arrays))
    for name, split in (("train", images.train), ("val", images.validation), ("test", images.test)):
        assert sorted(split.labels.tolist()) == sorted(own[name][1].tolist())
        assert pixels(images, split).sum().item() == pytest.approx(own[name][0].sum() / 255, rel=1e-4)
    del arrays["x_val"]
    two = load_images(save(tmp_path / "two.npz", **arrays))
    assert len(two.test.labels) == 9
    assert len(two.train.labels) + len(two.validation.labels) == 30


def test_labels_with_gaps_are_renumbered(tmp_path):
    x, y = examples()
    images = load_images(save(tmp_path / "a.npz", images=x, labels=(y * 7 + 3)[:, None]))
    assert set(images.train.labels.tolist()) == {0, 1}
    assert "labels 3 to 10 were renumbered from 0 to 1" in images.notes


X, Y = examples()
NAN = np.where(np.arange(40)[:, None, None, None] == 11, np.nan, X.astype(np.float32))
WRONG = {
    "one class": ({"x": X, "y": Y * 0}, "all training images are of one class"),
    "nan": ({"x": NAN, "y": Y}, r"image 11 \(from 0\).* NaN or infinity"),
    "overflow": ({"x": X * 1e300, "y": Y}, "NaN or infinity"),
    "lengths": ({"x": X, "y": Y[:-1]}, "40 x, but 39 y"),
    "objects": ({"x": X, "y": np.array([{}] * 40, object)}, "Python objects, which would be unpickled"),
    "empty": ({"x": X[:0], "y": Y[:0]}, "hold no images"),
    "no pixels": ({"x": X[:, :0], "y": Y}, "hold no images"),
    "float labels": ({"x": X, "y": Y / 2}, "y are float64 .* one whole number an image"),
    "one-hot": ({"x": X, "y": np.eye(2, dtype=int)[Y]}, r"shape \(40, 2\)"),
    "negative": ({"x": X, "y": Y - 1}, "lie between -1 and 0"),
    "huge labels": ({"x": X, "y": Y.astype(np.uint64) * 2**60}, "give whole numbers from 0"),
    "bools": ({"x": X, "y": Y.astype(bool)}, "y are bool"),
    "ints": ({"x": X.astype(np.int64), "y": Y}, "x are int64; give uint8"),
    "complex": ({"x": X.astype(complex), "y": Y}, "x are complex128"),
    "structured": ({"x": np.zeros(40, [("a", "u1")]), "y": Y}, "give uint8"),
    "flat": ({"x": X.reshape(40, -1), "y": Y}, r"shape \(40, 90\)"),
    "both ways": ({"x": X[:, :3, :, :], "y": Y}, "last or second"),
    "many channels": ({"x": np.zeros((40, 6, 6, 6), np.uint8), "y": Y}, "last or second"),
    "keys": ({"data": X, "target": Y}, "keys data, target; give x and y"),
    "no keys": ({}, "keys none; give x and y"),
    "few": ({"x": X[:6], "y": Y[:6]}, "class 0 has 2 images, too few"),
    "lone": ({"x": X, "y": (np.arange(40) == 5).astype(int)}, "class 1 has 1 image, too few"),
    "unknown in test": ({"x_train": X, "y_train": Y, "x_test": X, "y_test": Y + 1}, "class 2 is among the test images"),
    "same": ({"x": X * 0 + 9, "y": Y}, "all training images are the same"),
}


@pytest.mark.parametrize("name", WRONG)
def test_arrays_that_cannot_be_learned_from(name, tmp_path):
    arrays, match = WRONG[name]
    refused(save(tmp_path / "wrong.npz", **arrays), match)


def test_a_limit_below_what_splits_need_is_refused(tmp_path):
    refused(save(tmp_path / "a.npz", x=X, y=Y), "too few", limit=5)


@pytest.mark.parametrize(
    ("kind", "shape", "match"),
    [
        ("|u1", (10**9, 10**4, 10**4, 3), "x claims 300,000,000,000,000,000 bytes, and 131 are there"),
        ("|S0", (40, 6, 5, 3), "x has shape"),
        ("|u1", (-40, 6, 5, 3), "x has shape"),
    ],
)
def test_a_header_that_claims_what_cannot_be(kind, shape, match, tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": kind, "fortran_order": False, "shape": shape})
    path = tmp_path / "claims.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header.getvalue() + b"few")
        archive.writestr("y.npy", b"")
    refused(path, match)


def test_more_than_fits_in_memory(tmp_path, monkeypatch):
    class Memory:
        available = 1000

    monkeypatch.setattr(parts.psutil, "virtual_memory", Memory)
    refused(save(tmp_path / "a.npz", x=X, y=Y), "bytes of memory, and 1,000 are free")


def test_files_that_are_no_npz(tmp_path):
    whole = save(tmp_path / "whole.npz", x=X, y=Y).read_bytes()
    for name, data in (("cut", whole[:-30]), ("empty", b""), ("pickle", pickle.dumps([1]))):
        path = tmp_path / f"{name}.npz"
        path.write_bytes(data)
        refused(path, "not a whole .npz")
    (tmp_path / "a.npy").write_bytes(b"")
    refused(tmp_path / "a.npy", "give a .npz file, or a folder")


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4), st.booleans())
def test_damaged_files_are_refused_in_a_line_or_read(tmp_path_factory, damage, inside):
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    if inside:  # within an array's file, whose checksum is then right
        member = io.BytesIO()
        np.save(member, X)
        data = bytearray(member.getvalue())
        for place, value in damage:
            data[int(place * 127)] = value
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", bytes(data))
            other = io.BytesIO()
            np.save(other, Y)
            archive.writestr("y.npy", other.getvalue())
    else:
        data = bytearray(save(path, x=X, y=Y).read_bytes())
        for place, value in damage:
            data[int(place * (len(data) - 1))] = value
        path.write_bytes(data)
    told = ""
    try:
        assert torch.isfinite(load_images(path).train.images).all()
    except InputError as error:
        told = str(error)
    assert "\n" not in told


def cifar(place, labels=1, count=60, classes=10):
    draw = np.random.default_rng(0)
    names = ("data_batch_1", "data_batch_2", "test_batch") if labels == 1 else ("train", "test")
    rows = {}
    for name in names:
        rows[name] = draw.integers(0, 256, (count, labels + 3072)).astype(np.uint8)
        rows[name][:, labels - 1] = np.arange(count) % classes
        rows[name].tofile(place / f"{name}.bin")
    return rows


def test_cifar_10(tmp_path):
    rows = cifar(tmp_path)
    images = load_images(tmp_path)
    assert images.shape == (3, 32, 32)
    assert len(images.test.labels) == 60
    assert len(images.train.labels) + len(images.validation.labels) == 120
    found = pixels(images, images.test)
    first = rows["test_batch"][:, 1:].reshape(-1, 3, 32, 32)
    match = [i for i in range(60) if np.abs(first[i] / 255 - found[0].numpy()).max() < 1e-3]
    assert [rows["test_batch"][i, 0] for i in match] == [images.test.labels[0].item()]
    assert images.augment == "shift+flip"


def test_cifar_100_has_its_fine_labels(tmp_path):
    cifar(tmp_path, labels=2, count=600, classes=100)
    images = load_images(tmp_path, side=8)
    assert images.classes == 100
    assert images.shape == (3, 8, 8)


def test_cifar_that_is_wrong(tmp_path):
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "data_batch_1").write_bytes(pickle.dumps({}))
    refused(pickled, "data_batch_1 is .* a pickle.* give the binary version")
    hundred = tmp_path / "hundred"
    hundred.mkdir()
    for name in ("train", "test", "meta"):
        (hundred / name).write_bytes(pickle.dumps({}))
    refused(hundred, "train is .* give the binary version")
    binary = tmp_path / "binary"
    binary.mkdir()
    cifar(binary)
    data = (binary / "data_batch_2.bin").read_bytes()
    (binary / "data_batch_2.bin").write_bytes(data[:-7])
    with pytest.raises(InputError, match=r"data_batch_2.bin: 184,373 bytes are no whole number of records of 3073"):
        load_images(binary)
    (binary / "data_batch_2.bin").write_bytes(b"\xff" + data[1:])
    with pytest.raises(InputError, match="label 255, where 10 classes"):
        load_images(binary)
    (binary / "test_batch.bin").unlink()
    refused(binary, "test_batch.bin is not beside data_batch_1.bin")


def pictures(place, classes=("cat", "dog"), count=8, size=(40, 30), ending="png"):
    for number, name in enumerate(classes):
        (place / name).mkdir(parents=True)
        for one in range(count):
            values = np.full((size[1], size[0], 3), (50 * number, 10 * one, 200), np.uint8)
            Image.fromarray(values).save(place / name / f"{one}.{ending}")


def test_a_folder_a_class(tmp_path):
    pictures(tmp_path / "train")
    (tmp_path / "train" / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "train" / ".hidden").mkdir()
    images = load_images(tmp_path, side=9)
    assert images.shape == (3, 9, 9)
    assert "classes, from 0: cat, dog" in images.notes
    assert [len(split.labels) for split in images.splits.values()] == [12, 2, 2]
    found = pixels(images, images.train)
    assert torch.allclose(found[:, 0, 4, 4], images.train.labels * 50 / 255, atol=2e-3)
    assert torch.allclose(found[:, 2], torch.tensor(200 / 255), atol=1e-3)
    assert load_images(tmp_path).shape == (3, 32, 32)


def test_a_val_folder_is_the_test_split(tmp_path):
    pictures(tmp_path / "train")
    pictures(tmp_path / "val", count=3, ending="jpg")
    images = load_images(tmp_path, side=4)
    assert len(images.test.labels) == 6
    assert any("validation images are the test split" in note for note in images.notes)
    pictures(tmp_path / "test", count=1)
    images = load_images(tmp_path, side=4)
    assert [len(split.labels) for split in images.splits.values()] == [16, 6, 2]


def test_only_the_files_that_a_limit_takes_are_opened(tmp_path, monkeypatch):
    pictures(tmp_path / "train", count=20)
    opened = []
    real = folder._image
    monkeypatch.setattr(folder, "_image", lambda path, side: (opened.append(path), real(path, side))[1])
    load_images(tmp_path, side=4, limit=12)
    assert len(opened) == len(set(opened)) == 12


def test_folders_that_are_wrong(tmp_path):
    refused(tmp_path, "no folder train/")
    (tmp_path / "train").mkdir()
    refused(tmp_path, "train/ holds no folders")
    (tmp_path / "train" / "cat").mkdir()
    refused(tmp_path, "cat: no images in it")
    (tmp_path / "train" / "cat").rmdir()
    pictures(tmp_path / "train", ("cat",))
    refused(tmp_path, "one class")
    pictures(tmp_path / "train", ("dog",))
    pictures(tmp_path / "val", ("cow",))
    refused(tmp_path, "cow: no class of train/")
    broken = tmp_path / "train" / "dog" / "3.png"
    for child in (tmp_path / "val" / "cow").iterdir():
        child.unlink()
    (tmp_path / "val" / "cow").rmdir()
    (tmp_path / "val").rmdir()
    broken.write_bytes(broken.read_bytes()[:50])
    with pytest.raises(InputError, match=r"dog/3.png: no image that can be read") as caught:
        load_images(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_image_of_too_many_pixels_is_not_decoded(tmp_path, monkeypatch):
    pictures(tmp_path / "train")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match="more pixels than an image should have"):
        load_images(tmp_path)
