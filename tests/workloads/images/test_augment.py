"""Augmentation beside a loop over examples, and its laws."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from circuits.errors import InputError
from workloads.images import augmented
from workloads.training import generator


def moved(image, down, right, mirrored):
    """The naive one: pixel by pixel."""
    height, width = image.shape[1:]
    out = torch.zeros_like(image)
    for row in range(height):
        for column in range(width):
            source = (row + down, (width - 1 - column if mirrored else column) + right)
            if 0 <= source[0] < height and 0 <= source[1] < width:
                out[:, row, column] = image[:, source[0], source[1]]
    return out


@given(
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 17),
    st.integers(1, 17),
    st.sampled_from(["shift", "shift+flip"]),
)
def test_each_image_is_moved_and_perhaps_mirrored(count, channels, height, width, kind):
    images = torch.rand(count, channels, height, width) + 1
    found = augmented(images, kind, generator(0, "augment"))
    down, right = max(1, round(height / 8)), max(1, round(width / 8))
    for before, after in zip(images, found, strict=True):
        ways = (
            moved(before, y, x, mirrored)
            for y in range(-down, down + 1)
            for x in range(-right, right + 1)
            for mirrored in ((False, True) if kind == "shift+flip" else (False,))
        )
        assert any(torch.equal(after, way) for way in ways)


def test_every_way_comes_up_as_often():
    image = torch.arange(1.0, 65).reshape(1, 1, 8, 8)
    found = augmented(image.expand(9000, 1, 8, 8), "shift+flip", generator(0, "augment"))
    ways = {}
    for one in found:
        ways[one.numpy().tobytes()] = ways.get(one.numpy().tobytes(), 0) + 1
    assert len(ways) == 18
    assert 400 < min(ways.values()) <= max(ways.values()) < 600


def test_none_changes_nothing_and_draws_nothing():
    images, chances = torch.rand(3, 1, 8, 8), generator(0, "augment")
    assert augmented(images, "none", chances) is images
    assert torch.equal(chances.get_state(), generator(0, "augment").get_state())
    assert augmented(images[:0], "shift", chances).shape == (0, 1, 8, 8)


def test_what_is_drawn_does_not_depend_on_the_images():
    after = []
    for images in (torch.rand(5, 1, 8, 8), torch.rand(5, 3, 16, 16)):
        chances = generator(0, "augment")
        augmented(images, "shift+flip", chances)
        after.append(torch.rand((), generator=chances).item())
    assert after[0] == after[1]


def test_no_such_kind():
    with pytest.raises(InputError, match="give one of none, shift, shift"):
        augmented(torch.rand(1, 1, 2, 2), "rotate", generator(0, "augment"))
