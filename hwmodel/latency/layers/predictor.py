"""A predictor of any network, from its layers; kept in a file as the other predictors are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from circuits.errors import InputError
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.described import of_description
from hwmodel.latency.graph.graph import Graph
from hwmodel.latency.graph.read import read_graph
from hwmodel.latency.layers.model import LayerModel
from hwmodel.latency.layers.terms import CLASSES, SHAPE, names
from hwmodel.latency.query.container import Container, write_container
from hwmodel.latency.query.form import Form, Numbers
from hwmodel.latency.query.predictor import LEVEL, Prediction
from hwmodel.latency.spaces import Space

KIND = "layers"
_ARRAYS = ("prices", "parameters", "classes", "shapes", "shares", "of", "fitted", "inverse")
RANK = 24  # directions of uncertainty that a space's tables keep


class LayersPredictor:
    """Of graphs, files (.onnx), networks by name, and descriptions of graphs."""

    kind = KIND

    def __init__(self, numbers: Numbers, model: LayerModel) -> None:
        self.numbers, self.model = numbers, model
        self.device, self.quantity = numbers.device, numbers.quantity
        self._reach = {level: (low, high) for level, low, high in numbers.quantiles}
        self.levels = sorted(self._reach)

    def predict(self, networks: Any, level: float | None = None) -> Prediction:
        """Return what networks take: a Graph, a text as `hwmodel latency graph` takes it, a description, or a list."""
        graphs = [self._graph(network) for network in (networks if isinstance(networks, (list, tuple)) else [networks])]
        mean, deviation = self.model.predict(graphs)
        mean = np.maximum(mean, 0)
        if not self.levels:
            return Prediction(self.quantity, None, mean)
        asked = min(self.levels, key=lambda known: abs(known - LEVEL)) if level is None else level
        if asked not in self._reach:
            raise InputError(f"level {asked}: no interval of it; there are {', '.join(map(str, self.levels))}")
        low, high = self._reach[asked]
        # Of the logarithm, so that no interval reaches below nothing.
        return Prediction(self.quantity, asked, mean, mean * np.exp(-low * deviation), mean * np.exp(high * deviation))

    def tables(self, space: Space, blocks: Mapping[tuple[int, int], Graph | None], rest: Graph | None = None) -> Form:
        """Return the predictor of a space, whose layer l and choice c is the block `blocks[l, c]` (None: nothing).

        `rest` is what all networks of the space have besides. The form is queried and differentiated as any other.

        Raises:
            InputError: where a choice of the space has no block.
        """
        places = [(layer, choice) for layer, count in enumerate(space.counts) for choice in range(count)]
        missing = [place for place in places if place not in blocks]
        if missing:
            raise InputError(f"space {space.name}: layer {missing[0][0]}, choice {missing[0][1]}: no block is given")
        asked = [(place, graph) for place in places if (graph := blocks[place]) is not None]
        graphs = [canonical(graph) for _, graph in asked] + ([canonical(rest)] if rest is not None else [])
        mean, covariance = self.model.joint(graphs)
        values, vectors = np.linalg.eigh(covariance)
        kept = np.argsort(values)[::-1][:RANK]
        kept = kept[values[kept] > 0]
        directions = vectors[:, kept] * np.sqrt(values[kept])
        table = np.zeros((len(space.layers), space.choices))
        factor = np.zeros((*table.shape, len(kept)))
        for row, (place, _) in enumerate(asked):
            table[place], factor[place] = mean[row], directions[row]
        offset, base = (float(mean[-1]), directions[-1]) if rest is not None else (0.0, np.zeros(len(kept)))
        noise = float(np.exp(self.model.parameters[-1] / 2))
        quantiles = tuple((level, *self._reach[level]) for level in self.levels)
        return Form(
            space, self.device, self.numbers.quantity, "identity", table, offset=offset, relative=noise, base=base,
            factor=factor, quantiles=quantiles, conditions=self.numbers.conditions, provenance=self.numbers.provenance,
        )  # fmt: skip

    def about(self) -> dict[str, Any]:
        """Return what it predicts, for whom, and from what it was made."""
        numbers = self.numbers
        return {
            "device": self.device, "kind": self.kind, "quantity": self.quantity, "levels": self.levels,
            "blocks": len(self.model.fitted), "conditions": numbers.conditions, "provenance": numbers.provenance,
        }  # fmt: skip

    def schemas(self) -> list[dict[str, Any]]:
        """Return the JSON schema of one network: a graph's description."""
        return [{
            "type": "object", "required": ["format", "version", "inputs", "layers", "outputs"],
            "properties": {"format": {"const": "hwmodel.graph"}, "version": {"const": 1}},
        }]  # fmt: skip

    def example(self) -> Any:
        """Return a network: a linear layer, described."""
        image, result = [{"name": "x", "shape": [1, 64], "dtype": "float32"}], [1, 10]
        layer = {
            "name": "y", "shape": result, "dtype": "float32", "kind": "linear", "inputs": ["x"],
            "attributes": {"activation": None}, "constants": {"weight": [10, 64]},
        }  # fmt: skip
        return {"format": "hwmodel.graph", "version": 1, "inputs": image, "layers": [layer], "outputs": ["y"]}

    @staticmethod
    def _graph(network: Any) -> Graph:
        if isinstance(network, Graph):
            return canonical(network)
        return canonical(read_graph(network) if isinstance(network, str) else of_description(network))


def write_layers(path: Path, numbers: Numbers, model: LayerModel) -> None:
    """Write a predictor's file; raises InputError where it cannot be written."""
    said = numbers.model_dump() | {"terms": list(names()), "classes": list(CLASSES)}
    write_container(path, Container(KIND, said, {name: np.asarray(getattr(model, name)) for name in _ARRAYS}))


def layers_predictor(container: Container, where: str) -> LayersPredictor:
    """Return the predictor of a file of kind `layers`.

    Raises:
        InputError: naming `where`, for a file that is damaged, or was learned with other terms than these.
    """
    said = dict(container.about)
    if said.pop("terms", None) != list(names()) or said.pop("classes", None) != list(CLASSES):
        raise InputError(f"{where}: learned with other terms than this hwmodel has; fit it anew")
    try:
        numbers = Numbers.model_validate(said)
        arrays = {name: np.asarray(container.arrays[name]) for name in _ARRAYS}
    except (ValidationError, KeyError) as error:
        raise InputError(
            f"{where}: not a predictor of layers, or damaged: {str(error).splitlines()[0][:120]}"
        ) from None
    _check(arrays, where)
    return LayersPredictor(numbers, LayerModel(**arrays))


def _check(arrays: Mapping[str, np.ndarray], where: str) -> None:
    blocks, count = arrays["fitted"].size, arrays["of"].size
    shapes: Mapping[str, Sequence[int]] = {
        "prices": (len(names()),), "parameters": (len(SHAPE) + 4,), "classes": (count,), "shapes": (count, len(SHAPE)),
        "shares": (count,), "of": (count,), "fitted": (blocks,), "inverse": (blocks, blocks),
    }  # fmt: skip
    for name, shape in shapes.items():
        array = arrays[name]
        whole = name in ("classes", "of")
        if array.shape != tuple(shape) or array.dtype.kind not in ("iu" if whole else "f"):
            raise InputError(f"{where}: {name} is not as a predictor of layers has it")
    if not count or arrays["of"].min() < 0 or arrays["of"].max() >= blocks:
        raise InputError(f"{where}: layers of blocks that are not there")
    if np.abs(arrays["parameters"]).max() > 50:
        raise InputError(f"{where}: parameters out of range")
