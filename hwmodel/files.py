"""Strict YAML: what could be misread is refused."""

from pathlib import Path
from typing import Any

from circuits.errors import InputError

MAX_YAML_BYTES = 1 << 20


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file. A key given twice is an error; so is `1e-9`, which YAML reads as text.

    Raises:
        InputError: where the file is missing, too large, not text, not YAML or not a mapping.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            twice = next((key for position, key in enumerate(keys) if key in keys[:position]), None)
            if twice is not None:
                raise InputError(f"{path}: the key {twice!r} is given twice; keep one")
            return super().construct_mapping(node, deep)

        def construct_yaml_str(self, node: yaml.ScalarNode) -> str:
            text = super().construct_scalar(node)
            if node.style is None and _is_number(text):
                raise InputError(f"{path}: {text!r} is text to YAML, not a number; write {float(text)!r} with a point")
            return text

    Loader.add_constructor("tag:yaml.org,2002:str", Loader.construct_yaml_str)
    try:
        if path.stat().st_size > MAX_YAML_BYTES:
            raise InputError(f"{path}: larger than {MAX_YAML_BYTES} bytes; not one of our YAML files")
        document = yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506  (a SafeLoader)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise InputError(f"{path}: holds no mapping of names to values")
    return document


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return any(digit in text for digit in "0123456789")
