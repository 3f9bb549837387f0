"""Forms drawn at random, and small ones."""

from itertools import combinations

import numpy as np
from hypothesis import strategies as st

from hwmodel.latency.query.form import Form
from hwmodel.latency.spaces import make_space


def space_of(counts):
    layers = [{"name": f"l{n}", "choices": [f"c{c}" for c in range(count)]} for n, count in enumerate(counts)]
    return make_space({"name": "drawn", "layers": layers})


def form_with(counts, seed=0, which="all", rank=3, link="log", **more):
    """A form over layers of so many choices, with numbers about 0."""
    space, draw = space_of(counts), np.random.default_rng(seed)
    present = space.present
    every = list(combinations(range(len(counts)), 2))
    chosen = every if which == "all" else [every[i] for i in which if i < len(every)]
    pair = np.array([np.outer(present[i], present[j]) * draw.normal(size=(space.choices,) * 2) for i, j in chosen])
    given = {
        "table": present * draw.normal(size=present.shape), "offset": float(draw.normal()),
        "noise": float(draw.random()), "relative": float(draw.random()),
        "pairs": np.array(chosen, np.int64).reshape(len(chosen), 2),
        "pair": pair.reshape(len(chosen), space.choices, space.choices), "base": draw.normal(size=rank),
        "factor": present[:, :, None] * draw.normal(size=(*present.shape, rank)),
        "quantiles": ((0.5, 0.6, 0.7), (0.9, 1.5, 1.8)),
    }  # fmt: skip
    return Form(space, **({"device": "drawn", "quantity": "latency_s", "link": link} | given | more))


def told_whole(form, seed=0, link="log"):
    """Drawn means and variances of every network of a form's space, which are no sums."""
    draw, size = np.random.default_rng(seed), form.space.size
    whole = np.stack([draw.normal(size=size), draw.random(size)])
    return Form(form.space, "drawn", "latency_s", link, np.zeros(form.table.shape), whole=whole,
                relative=form.relative, quantiles=form.quantiles)  # fmt: skip


@st.composite
def forms(draw, most_layers=9, most_choices=9):
    counts = draw(st.lists(st.integers(1, most_choices), min_size=1, max_size=most_layers))
    pairs = draw(st.one_of(st.just("all"), st.lists(st.integers(0, 36), unique=True, max_size=8)))
    return form_with(
        counts, draw(st.integers(0, 2**32)), pairs, draw(st.sampled_from([0, 1, 5, 40])),
        draw(st.sampled_from(["log", "identity"])),
    )  # fmt: skip
