"""Small graphs of every kind of layer, for what reads or runs graphs."""

from hwmodel.latency.graph import Graph, Value
from hwmodel.latency.graph.graph import ACTIVATIONS
from hwmodel.latency.graph.writer import Writer


def vision(size: int = 33) -> Graph:
    """Stem, depthwise, residual, squeeze and excitation, grouped branch, head: most of what mobile networks have."""
    w = Writer()
    y = w.conv(w.input(1, 3, size, size), 16, 3, stride=2, activation="relu6")
    z = w.conv(w.depthwise(y, 5, activation="hardswish"), 16, 1)
    z = w.pool(w.add(z, y, "relu"), "max", 3, stride=2, padding=1)
    squeezed = w.conv(w.conv(w.mean(z), 4, 1, activation="relu"), 16, 1, activation="hardsigmoid")
    z = w.mul(z, squeezed)
    z = w.pool(w.concat([z, w.conv(z, 8, 3, groups=2, activation="silu")]), "avg", 2)
    flat = w.reshape(z, 1, z.elements)
    return w.graph(w.softmax(w.linear(w.linear(flat, 12, "gelu"), 10)), z)


def attention(tokens: int = 6, width: int = 8, heads: int = 2) -> Graph:
    """A transformer's layer on a patched image, its pixels turned into tokens."""
    w = Writer()
    patches = w.conv(w.input(1, 3, 4 * tokens, 8), width, 4, stride=4, padding=0)
    n, c, h, v = patches.shape
    x = w.transpose(w.reshape(patches, n, c, h * v), 0, 2, 1)
    y = _normed(w, x)
    q, k, v = (w.transpose(w.reshape(w.linear(y, c), n, x.shape[1], heads, c // heads), 0, 2, 1, 3)
               for _ in range(3))  # fmt: skip
    scores = w.softmax(w.matmul(q, w.transpose(k, 0, 1, 3, 2)))
    merged = w.reshape(w.transpose(w.matmul(scores, v), 0, 2, 1, 3), *x.shape)
    x = w.add(x, w.linear(merged, c))
    x = w.add(x, w.linear(w.linear(_normed(w, x), 4 * c, "gelu_tanh"), c))
    first = w.layer("slice", (x,), dimension=1, start=0, stop=1, step=1)
    return w.graph(w.linear(w.reshape(first, n, c), 5))


def _normed(w: Writer, x: Value) -> Value:
    weights = {"weight": x.shape[-1:], "bias": x.shape[-1:]}
    return w.layer("layer_norm", (x,), weights, dimensions=(2,), epsilon=1e-6)


def shuffled() -> Graph:
    """Channels shuffled between groups, resized, sliced, normed, padded; all activations but one; a constant."""
    w = Writer()
    x = w.input(1, 12, 5, 7)
    y = w.reshape(w.transpose(w.reshape(x, 1, 3, 4, 5, 7), 0, 2, 1, 3, 4), 1, 12, 5, 7)
    weights = dict.fromkeys(("weight", "bias", "mean", "variance"), (12,))
    y = w.layer("batch_norm", (y,), weights, epsilon=1e-5)
    y = w.layer("slice", (y,), dimension=1, start=1, stop=11, step=2)
    y = w.concat([w.resize(y, 10, 14), w.resize(y, 10, 14, "bilinear")])
    y = w.layer("pad", (y,), padding=(1, 0, 2, 1))
    for activation in ACTIVATIONS:
        y = w.activation(y, activation) if activation != "erf" else y  # which LiteRT has not
    constant = w.layer("constant", (), {"constant": (10, 1, 15)})
    y = w.layer("add", (w.mul(y, constant),), {"constant": (13, 1)}, activation="relu")
    y = w.softmax(y, 1)
    return w.graph(w.mean(y, keep=False), w.transpose(y, 0, 3, 1, 2))


def words() -> Graph:
    """Rows of a table, looked up."""
    w = Writer()
    rows = w.layer("embedding", (w.input(2, 3, dtype="int64"),), {"weight": (9, 4)})
    return w.graph(w.linear(rows, 3, "relu"))


GRAPHS = {"vision": vision, "attention": attention, "shuffled": shuffled, "words": words}
