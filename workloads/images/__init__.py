"""Images to train on: sets that packages ship, and a user's own (.npz, CIFAR's binary files, a folder a class)."""

from workloads.images.augment import augmented
from workloads.images.image_set import ImageSet, Split
from workloads.images.load import BUILT_IN, load_images

__all__ = ["BUILT_IN", "ImageSet", "Split", "augmented", "load_images"]
