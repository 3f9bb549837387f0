"""The version of the model, by the contents of its sources: what one version computed is never taken for another's."""

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

NETWORKS = ("workloads.networks", "workloads.recipes", "workloads.channels", "workloads.vip")
PARTS = {  # kind of a point -> the packages that its answer is computed by
    "cache": ("circuits",),
    "variation": ("circuits",),
    "traffic": ("traces", "hwmodel.cache", *NETWORKS),
    "stream": ("traces", "hwmodel.cache", *NETWORKS),
}
LIBRARIES = {
    "cache": ("numpy",), "variation": ("numpy", "scipy"), "traffic": ("numpy", "torch"), "stream": ("numpy", "torch")
}  # fmt: skip
KINDS = {".py", ".yaml", ".csv"}
OWN = ("points.py", "streams.py")  # of this folder: what is asked of the packages, and kept


@cache
def model_version(kind: str) -> str:
    """Return a hash, 16 hexadecimal digits, of every source and data file behind a kind of points, and of libraries."""
    found = hashlib.sha256()
    for name in PARTS[kind]:
        for folder in _folders(name):
            for path in sorted(folder.rglob("*")):
                if path.suffix in KINDS and path.is_file():
                    found.update(f"{name}/{path.relative_to(folder).as_posix()}\0".encode())
                    found.update(hashlib.sha256(path.read_bytes()).digest())
    for name in OWN:
        found.update(hashlib.sha256(Path(__file__).with_name(name).read_bytes()).digest())
    for library in LIBRARIES[kind]:
        found.update(f"{library} {version(library)}\0".encode())
    return found.hexdigest()[:16]


def _folders(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []


def contents_of(path: Path) -> str:
    """Return a hash of a user's file, which stands for it: its name may stay while its contents change."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
