"""Sums of decision trees as plain arrays: nothing of the library that grew them is needed to ask them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from traces.compiled import kernel as _kernel
from traces.compiled import stamp_of


@dataclass(frozen=True)
class Trees:
    """Inner nodes (n,): the feature that is looked at, its threshold, and where to go if it is at most that, and else.

    Places below 0 are leaves: ~place in `leaf` (m,). `roots` (t,) says where each tree begins.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    leaf: np.ndarray
    roots: np.ndarray

    def predict(self, columns: np.ndarray) -> np.ndarray:
        """The trees' sum for each row of `columns` (N, d), which are finite: (N,)."""
        out = np.empty(len(columns))
        own = (self.feature, self.threshold, self.left, self.right, self.leaf, self.roots)
        sum_trees(np.ascontiguousarray(columns, float), *own, out)
        return out


def trees_of(dump: Mapping[str, Any]) -> Trees:
    """From what LightGBM's `Booster.dump_model` tells of numerical features without missing values.

    Raises:
        ValueError: for trees of other kinds, which are read wrongly otherwise.
    """
    nodes: list[list[Any]] = []
    leaves: list[float] = []

    def placed(node: Mapping[str, Any]) -> int:
        if "leaf_value" in node:
            leaves.append(node["leaf_value"])
            return ~(len(leaves) - 1)
        if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
            raise ValueError(f"a tree that decides by {node['decision_type']!r}, missing {node['missing_type']!r}")
        place = len(nodes)
        nodes.append([node["split_feature"], node["threshold"], 0, 0])
        nodes[place][2] = placed(node["left_child"])
        nodes[place][3] = placed(node["right_child"])
        return place

    roots = [placed(tree["tree_structure"]) for tree in dump["tree_info"]]
    feature, threshold, left, right = zip(*nodes, strict=True) if nodes else ((), (), (), ())
    return Trees(
        np.array(feature, np.int32), np.array(threshold, float), np.array(left, np.int32), np.array(right, np.int32),
        np.array(leaves, float), np.array(roots, np.int32),
    )  # fmt: skip


@_kernel(stamp_of(Path(__file__)), _nrt=False)
def sum_trees(
    columns: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    leaf: np.ndarray,
    roots: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write to `out` (N,) the sum over trees of the leaf that each row of `columns` (N, d) falls into."""
    for row in range(columns.shape[0]):
        total = 0.0
        for tree in range(roots.shape[0]):
            place = roots[tree]
            while place >= 0:
                place = left[place] if columns[row, feature[place]] <= threshold[place] else right[place]
            total += leaf[~place]
        out[row] = total
