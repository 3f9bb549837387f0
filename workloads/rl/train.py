"""A run, put together: environments, actors, a device, a learner, a server."""

import contextlib
import os
from pathlib import Path
from typing import Any

from workloads.rl.actors import Actors
from workloads.rl.environments import Shape, make
from workloads.rl.output import Output
from workloads.rl.parts import Parts, emulated
from workloads.rl.recipe import recipe
from workloads.rl.server import Server
from workloads.rl.settings import Settings


def train(settings: Settings, folder: Path | None = None, resume: bool = False) -> dict[str, Any]:
    """Run, and return what came of it.

    Args:
        settings: of the run.
        folder: gets its curve, its settings and checkpoints; None: no files.
        resume: go on from the folder's checkpoint.

    Raises:
        InputError: what was asked for cannot be.
        ActorError: an actor failed.
    """
    shape = make(settings.env).shape
    parts = _parts(settings, shape)
    output = Output(folder, resume, settings, shape, parts)
    with contextlib.ExitStack() as end:
        actors = Actors(settings, shape, output.before["steps"])
        feed = parts.learner.feed if parts.learner else None
        server = Server(settings, shape, actors, parts.policy, feed, parts.unrolls, output.before["steps"])
        end.callback(output.close, server)
        end.callback(actors.stop)
        if parts.learner:
            end.callback(parts.learner.stop)
            parts.learner.start()
        server.run(lambda: output.tick(server))
    return _document(settings, shape, server, parts)


def _parts(settings: Settings, shape: Shape) -> Parts:
    told = recipe(settings.algorithm, len(shape.observation), dict(settings.replaced))
    if settings.device == "emulated":
        return emulated(settings, shape, told)
    from workloads.rl.torch_parts import real

    return real(settings, shape, told)


def _document(settings: Settings, shape: Shape, server: Server, parts: Parts) -> dict[str, Any]:
    seconds, learner = server.seconds, parts.learner
    found = {
        "env": settings.env,
        "algorithm": settings.algorithm if settings.learns else None,
        "device": settings.device,
        "actors": settings.actors,
        "envs_per_actor": settings.envs_per_actor,
        "seed": settings.seed,
        "cores": len(os.sched_getaffinity(0)),
        "seconds": seconds,
        "steps": server.steps,
        "frames": server.steps * shape.frames_per_step,
        "frames_per_step": shape.frames_per_step,
        "frames_per_second": server.stepped * shape.frames_per_step / seconds,
        "batches": server.batches,
        "batch_mean": server.observations / server.batches,
        "batch_max": server.largest,
        "episodes": server.episodes,
        "return_mean": server.return_mean,
        "learner_batches": learner.batches if learner else 0,
        "stall_s": server.stall_s,
    }
    return found | parts.figures() | (learner.figures if learner else {})
