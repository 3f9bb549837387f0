"""A run, put together: environments, actors, a device, a learner, a server."""

import contextlib
import os
import sys
from typing import Any

from workloads.rl.actors import Actors
from workloads.rl.environments import Shape, make
from workloads.rl.parts import Parts, emulated
from workloads.rl.server import Server
from workloads.rl.settings import Settings


def train(settings: Settings) -> dict[str, Any]:
    """Run, and return what came of it.

    Raises:
        InputError: what was asked for cannot be.
        ActorError: an actor failed.
    """
    shape = make(settings.env).shape
    parts = _parts(settings, shape)
    with contextlib.ExitStack() as end:
        actors = Actors(settings, shape)
        end.callback(actors.stop)
        server = Server(settings, shape, actors, parts.policy, parts.learner and parts.learner.feed, parts.unrolls)
        if parts.learner:
            end.callback(parts.learner.stop)
            parts.learner.start()
        server.run(lambda: _tell(server, shape))
    return _document(settings, shape, server, parts)


def _parts(settings: Settings, shape: Shape) -> Parts:
    if settings.device == "emulated":
        return emulated(settings, shape)
    from workloads.rl.torch_parts import real

    return real(settings, shape)


def _tell(server: Server, shape: Shape) -> None:
    frames = server.steps * shape.frames_per_step
    line = f"{server.seconds:.1f} s, {frames} frames, {frames / server.seconds:.1f} frames/s"
    if server.returns:
        line += f", return {server.return_mean:.2f}"
    print(line, file=sys.stderr, flush=True)


def _document(settings: Settings, shape: Shape, server: Server, parts: Parts) -> dict[str, Any]:
    steps, seconds, learner = server.steps, server.seconds, parts.learner
    found = {
        "env": settings.env,
        "algorithm": settings.algorithm if settings.device != "emulated" else None,
        "device": settings.device,
        "actors": settings.actors,
        "envs_per_actor": settings.envs_per_actor,
        "seed": settings.seed,
        "seconds": seconds,
        "steps": steps,
        "frames": steps * shape.frames_per_step,
        "frames_per_step": shape.frames_per_step,
        "frames_per_s": steps * shape.frames_per_step / seconds,
        "batches": server.batches,
        "batch_mean": server.observations / server.batches,
        "batch_max": server.largest,
        "episodes": server.episodes,
        "return_mean": server.return_mean,
        "learner_batches": learner.batches if learner else 0,
        "stall_s": server.stall_s,
        "cores": len(os.sched_getaffinity(0)),
    }
    return found | parts.figures() | (learner.figures if learner else {})
