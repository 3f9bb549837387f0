"""Settings of a job for tests: drawn by Hypothesis, or at random with a seed."""

import numpy as np
from hypothesis import strategies as st

from hwmodel.balance.model.demands import Demands

TIMES = ("actor_s", "delay_s", "gather_s", "gather_each_s", "device_s", "device_each_s", "reply_s", "reply_each_s",
         "learn_cpu_s", "learn_device_s")  # fmt: skip
PLAIN = Demands(
    actors=1, threads=1, actor_s=1e-3, delay_s=0.0, gather_s=0.0, gather_each_s=0.0, device_s=0.0, device_each_s=0.0,
    reply_s=0.0, reply_each_s=0.0, least=1, most=1 << 20, learn_every=0.0, learn_cpu_s=0.0, learn_device_s=0.0,
    ahead=2.0, turns=0, slice_s=2.8e-3,
)  # fmt: skip


def setting(**given: float) -> Demands:
    """Return a setting of one actor of 1 ms, without server or learner but for what is given."""
    return PLAIN._replace(**given)


@st.composite
def demands(draw: st.DrawFn, most: int = 8) -> Demands:
    """Draw a setting of up to `most` actors; times are round half the time, so that much happens at once."""
    even = draw(st.booleans())
    time = st.sampled_from([0.0, 1e-4, 1e-3, 2e-3, 5e-3]) if even else st.one_of(st.just(0.0), st.floats(1e-5, 1e-2))
    times = {name: draw(time) for name in TIMES}
    actors = draw(st.integers(1, most))
    return Demands(
        **times | {"actor_s": times["actor_s"] or 1e-3},
        actors=actors,
        threads=draw(st.integers(1, 5)),
        least=draw(st.integers(1, actors)),
        most=draw(st.integers(1, actors + 2)),
        learn_every=draw(st.sampled_from([0.0, 1.0, 3.0, actors / 2, 7.5])),
        ahead=draw(st.sampled_from([0.0, 0.5, 1.0, 2.0])),
        turns=draw(st.integers(0, 1)),
        slice_s=draw(st.sampled_from([1e-4, 7e-4, 2.8e-3])),
    )


def at_random(number: int, seed: int = 1, *, learner: bool = True) -> list[Demands]:
    """Return settings from 1 to 256 actors on 1 to 64 threads, times over decades, with devices and learners or not."""
    drawn = np.random.default_rng(seed)

    def time(low: float, high: float, *, there: bool = True) -> float:
        found = float(10 ** drawn.uniform(low, high))
        return found if there else 0.0

    found = []
    for _ in range(number):
        actors, threads = int(2 ** drawn.uniform(0, 8)), int(2 ** drawn.uniform(0, 6))
        device, learns = drawn.random() < 0.7, drawn.random() < 0.5 and learner
        found.append(Demands(
            actors=actors, threads=threads, actor_s=time(-4, -2), delay_s=time(-4, -2, there=drawn.random() < 0.3),
            gather_s=time(-4.5, -3), gather_each_s=time(-6, -4), device_s=time(-4, -2.5, there=device),
            device_each_s=time(-6, -4, there=device), reply_s=time(-6, -4), reply_each_s=time(-6, -4.5),
            least=1, most=1 << 20, learn_every=float(actors * drawn.integers(1, 20)) if learns else 0.0,
            learn_cpu_s=time(-4, -2, there=learns), learn_device_s=time(-4, -2, there=learns and device), ahead=2.0,
            turns=int(drawn.random() < 0.5), slice_s=7e-4 * (1 + min(float(np.log2(threads)), 3)),
        ))  # fmt: skip
    return found
