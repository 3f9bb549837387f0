"""One form for networks that are the same to a runtime, however they were written."""

from collections.abc import Callable, Hashable, Mapping

from hwmodel.latency.graph import composed, folding, identities, zeros
from hwmodel.latency.graph.draft import Draft
from hwmodel.latency.graph.graph import KINDS, Graph, Node

Rule = Callable[[Draft, Node], bool]
EVERY: tuple[Rule, ...] = (zeros.zeroed, identities.take_out)
RULES: Mapping[str, tuple[Rule, ...]] = {
    "batch_norm": (folding.fold_batch_norm,),
    "mul": (zeros.hold_constant, composed.composed, identities.merge_factors, folding.fold_constant),
    "add": (zeros.forget_zeros, zeros.hold_channels, zeros.hold_constant, folding.fold_constant),
    "reshape": (identities.merge_reshapes, identities.mean_keeps),
    "transpose": (identities.merge_transposes, identities.as_reshape),
    "mean": (identities.merge_means, identities.as_reshape),
    "avg_pool": (identities.pooled_mean, folding.merge_pad),
    "max_pool": (folding.merge_pad,),
    "conv": (folding.merge_pad,),
    "pad": (identities.merge_pads,),
}
SMALL = 64  # elements of a constant that is compared by its numbers


def canonical(graph: Graph) -> Graph:
    """Return the graph as a runtime would run it, computing the same.

    Layers that reach no output, change nothing or carry zeros are left out; batch normalisations, constants a channel,
    paddings and activations go into the layers before them; activations and global average poolings spelled in several
    layers become one; what is computed twice is computed once. Canonical graphs stay as they are.
    """
    draft = Draft(graph)
    draft.prune()
    while _rewrite(draft) or _fuse(draft) or _share(draft):
        draft.prune()
    return draft.graph()


def _rewrite(draft: Draft) -> bool:
    """Apply rules to each layer until none applies; return whether one did."""
    ever, again = False, True
    while again:
        again = False
        for node in list(draft.nodes.values()):
            if draft.nodes.get(node.output.name) is node:
                again |= any(rule(draft, node) for rule in (*EVERY, *RULES.get(node.kind, ())))
        draft.prune()
        ever |= again
    return ever


def _fuse(draft: Draft) -> bool:
    """Fuse activations: last, for a spelled activation has steps that look like one that could be fused."""
    names = [name for name, node in draft.nodes.items() if node.kind == "activation"]
    return sum(folding.fuse_activation(draft, draft.nodes[name]) for name in names) > 0


def _share(draft: Draft) -> bool:
    """Let layers that compute the same from the same be one."""
    seen: dict[Hashable, Node] = {}
    again = False
    for name in list(draft.nodes):
        node = draft.nodes[name]
        key = _key(node)
        if key is not None and (first := seen.setdefault(key, node)) is not node:
            draft.forward(node, first.output.name)
            again = True
    return again


def _key(node: Node) -> Hashable | None:
    """Return what two layers that compute the same have in common; None where constants are not known."""
    if node.weights.keys() != node.weight_shapes.keys():
        return None
    constants = tuple((name, array.tobytes() if array.size <= SMALL else id(array))
                      for name, array in sorted(node.weights.items()))  # fmt: skip
    attributes = tuple(node.attributes[name] for name in KINDS[node.kind])
    return node.kind, node.inputs, node.output.shape, node.output.dtype, attributes, constants
