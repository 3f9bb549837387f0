"""From the networks that a table lists to others of their space."""

from dataclasses import replace

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.fit.features import basis, of_codes
from hwmodel.latency.fit.table import Table
from hwmodel.latency.fit.transfer import Transfer
from hwmodel.latency.spaces import Space, canonical_codes, encode, load_space


def same_space(table: Table, space: Space) -> None:
    """Raise InputError unless the table's architectures are of `space`."""
    if table.codes is None:
        raise InputError(f"{table.path}: its architectures are no choices of layers; leave out --space")
    codes = space.codes(table.codes, table.path)
    if "live choices" in table.features.additive and encode(load_space("nasbench201"), codes) != encode(space, codes):
        raise InputError(f"{table.path}: its architectures are cells of nasbench201, not of {space.name}")


def widened(table: Table, transfer: Transfer, codes: np.ndarray, space: Space) -> Transfer:
    """The transfer over the table's networks and `codes` (M, L) besides, on which sources are what their columns say.

    Raises:
        InputError: where sources are not described by choices, or not by all of the space's,
            so that nothing is known of other networks.
    """
    if table.codes is None or (len(transfer.sources) and transfer.weights is None):
        raise InputError(f"{table.path}: too few networks to tell what its devices would take for others of the space")
    both = np.concatenate([table.codes, codes])
    canonical = canonical_codes(space, both) if "live choices" in table.features.additive else None
    # As many choices as the table's features have, whose rows may have been left out since.
    told = table.features.additive["choices"].shape[1] // len(space.layers)
    features = of_codes(both, canonical, max(told, space.choices))
    described = np.zeros((0, len(both)))
    if transfer.weights is not None:
        all_told(table, space)
        columns = basis(both, canonical, told)
        more = np.maximum(
            transfer.weights @ columns[len(table.codes) :].T, transfer.described.min(axis=1, keepdims=True)
        )
        described = np.concatenate([transfer.described, more], axis=1)
    return replace(transfer, sources=described, described=described, features=features)


def all_told(table: Table, space: Space) -> None:
    """Raise InputError where a choice of the space is made by none of the table's networks."""
    assert table.codes is not None
    seen = (table.codes[:, :, None] == np.arange(space.choices)).any(axis=0)
    missing = np.argwhere(space.present & ~seen)
    if len(missing):
        layer, choice = (int(part) for part in missing[0])
        name = space.layers[layer].choices[choice]
        raise InputError(
            f"{table.path}: no architecture has choice {name!r} of layer {space.layers[layer].name!r}, so that what "
            f"others of {space.name} take is unknown; leave out --space"
        )
