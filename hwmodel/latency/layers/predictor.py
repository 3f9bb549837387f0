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
from hwmodel.latency.layers.model import LayerModel
from hwmodel.latency.layers.terms import CLASSES, FREE, SHAPE, Tile, names
from hwmodel.latency.query.container import Container, write_container
from hwmodel.latency.query.form import Form, Numbers, levels_of, reach
from hwmodel.latency.query.predictor import Prediction, level_asked
from hwmodel.latency.spaces import Space

KIND = "layers"
_ARRAYS = ("tile", "prices", "parameters", "classes", "shapes", "shares", "of", "fitted", "inverse")
MOST_KNOWN = 20_000  # blocks, and layers of them, that a file may hold
MOST_LOGARITHM = 600.0  # of an interval's end over its mean: what a float holds
# Of what a file may hold; wide, so that sums stay finite.
BOUNDS = {
    "tile": (1, 4096), "prices": (0, 1e6), "parameters": (-50, 50), "classes": (0, len(CLASSES) - 1),
    "shapes": (-1e3, 1e3), "shares": (0, 1 + 1e-9), "fitted": (-1e15, 1e15), "inverse": (-1e12, 1e12),
}  # fmt: skip
RANK = 24  # directions of uncertainty that a space's tables keep


class LayersPredictor:
    """Of graphs, and of descriptions of graphs; files and names are read first, by `graph.read.read_graph`.

    Texts are refused: who asks over HTTP must not choose what is opened or imported here.
    """

    kind = KIND

    def __init__(self, numbers: Numbers, model: LayerModel) -> None:
        self.numbers, self.model = numbers, model
        self.device, self.quantity = numbers.device, numbers.quantity
        self.levels = levels_of(numbers.quantiles)

    def predict(self, networks: Any, level: float | None = None) -> Prediction:
        """Return what networks take: a Graph, a description, or a list of either; see Predictor."""
        graphs = _graphs(networks)
        try:
            mean, deviation, unseen = self.model.answer(graphs)
        except InputError as error:
            raise InputError(f"networks: {error}") from None
        asked = level_asked(self.levels, level)
        if asked is None:
            return Prediction(self.quantity, None, mean, unseen=unseen)
        reached = reach(self.numbers.quantiles, asked, self.device)
        low, high = (np.minimum(by * deviation, MOST_LOGARITHM) for by in reached)
        # Of the logarithm, so that no interval reaches below nothing.
        return Prediction(self.quantity, asked, mean, mean * np.exp(-low), mean * np.exp(high), unseen)

    def layers(self, network: Any) -> list[dict[str, Any]]:
        """Return a row a layer that is run, in order.

        Each tells its name, class, mean, share of the network, and whether a block had its class.
        """
        (graph,) = _graphs(network)
        names = [node.name for node in graph.nodes if node.kind not in FREE]
        classes, times = self.model.each(graph)
        unseen = set(self.model.unseen(graph))
        return [
            {"layer": name, "layer_class": CLASSES[place], self.quantity: float(time),
             "share": float(time / times.sum()), "seen": CLASSES[place] not in unseen}
            for name, place, time in zip(names, classes, times, strict=True)
        ]  # fmt: skip

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
        quantiles = tuple((level, low, high) for level, low, high in self.numbers.quantiles)
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
        """Return a network: a linear layer, described, without nulls, which OpenAPI's writer would drop."""
        image, result = [{"name": "x", "shape": [1, 64], "dtype": "float32"}], [1, 10]
        layer = {
            "name": "y", "shape": result, "dtype": "float32", "kind": "linear", "inputs": ["x"],
            "attributes": {"activation": "relu"}, "constants": {"weight": [10, 64]},
        }  # fmt: skip
        return {"format": "hwmodel.graph", "version": 1, "inputs": image, "layers": [layer], "outputs": ["y"]}


def _graphs(networks: Any) -> list[Graph]:
    """Canonical graphs of a network, or of a list of networks; raises InputError that says which is none."""
    given = networks if isinstance(networks, (list, tuple)) else [networks]
    if not given:
        raise InputError("networks: none is given")
    found = []
    for number, network in enumerate(given):
        try:
            if isinstance(network, str):
                raise InputError(f"{network[:60]!r}: a text; give a graph, or its description")
            found.append(canonical(network if isinstance(network, Graph) else of_description(network)))
        except InputError as error:
            raise InputError(f"network {number}: {error}") from None
    return found


def write_layers(path: Path, numbers: Numbers, model: LayerModel) -> None:
    """Write a predictor's file; raises InputError where it cannot be written."""
    said = numbers.said() | {"terms": list(names()), "classes": list(CLASSES)}
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
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{where}: not a predictor of layers, or damaged: {reason}") from None
    _check(arrays, where)
    return LayersPredictor(numbers, LayerModel(**arrays))


def _check(arrays: Mapping[str, np.ndarray], where: str) -> None:
    blocks, count = arrays["fitted"].size, arrays["of"].size
    shapes: Mapping[str, Sequence[int]] = {
        "tile": (len(Tile._fields),), "prices": (len(names()),), "parameters": (len(SHAPE) + 4,), "classes": (count,),
        "shapes": (count, len(SHAPE)), "shares": (count,), "of": (count,), "fitted": (blocks,),
        "inverse": (blocks, blocks),
    }  # fmt: skip
    for name, shape in shapes.items():
        array = arrays[name]
        whole = name in ("tile", "classes", "of")
        if array.shape != tuple(shape) or array.dtype.kind not in ("iu" if whole else "f"):
            raise InputError(f"{where}: {name} is not as a predictor of layers has it")
    if not 0 < count <= MOST_KNOWN or blocks > MOST_KNOWN:
        raise InputError(f"{where}: {count} layers of {blocks} blocks; 1 to {MOST_KNOWN} of each are read")
    if not np.array_equal(np.unique(arrays["of"]), np.arange(blocks)):
        raise InputError(f"{where}: blocks without layers, or layers of blocks that are not there")
    for name, (least, most) in BOUNDS.items():
        if arrays[name].min() < least or arrays[name].max() > most:
            raise InputError(f"{where}: {name} out of range")
