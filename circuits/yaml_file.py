"""Strict YAML: what could be misread is refused."""

import functools
import re
from pathlib import Path
from typing import Any

from circuits.errors import InputError

MAX_BYTES = 1 << 20  # our files are a page or two of text; a larger one is not ours
_FLOAT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")  # 6e-8 and 6.0e8: text to YAML 1.1, numbers to people


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file, in which no key is given twice.

    A file is read once: what stands within its mapping is shared, and not to be changed.

    Raises:
        InputError: the file is missing, unreadable, larger than 1 MiB, no YAML, or no mapping.
    """
    try:
        status = path.stat()
        if not path.is_file():
            raise InputError(f"{path}: a {'directory' if path.is_dir() else 'device'}, not a YAML file")
        if status.st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES >> 20} MiB; not one of our YAML files")
        return dict(_parse(path, status.st_mtime_ns, status.st_size))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # a name that no file can have
        raise error if isinstance(error, InputError) else InputError(f"{str(path)!r}: {error}") from None


@functools.lru_cache(maxsize=64)
def _parse(path: Path, _changed: int, _size: int) -> dict[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            twice = next((key for position, key in enumerate(keys) if key in keys[:position]), None)
            if twice is not None:
                raise InputError(f"{path}: the key {twice!r} is given twice; keep one")
            return super().construct_mapping(node, deep)

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789"))
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(document, dict):
        raise InputError(f"{path}: holds no mapping of names to values")
    return document
