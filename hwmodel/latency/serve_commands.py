"""`hwmodel latency serve`: predictors behind HTTP on this machine."""

import sys
from typing import Any

import click

PIP = "pip install 'hwmodel[serve]'"


@click.command()
@click.option("--device", "devices", multiple=True, required=True, metavar="DEVICE",
              help="A device that comes along, or a predictor's file; may be given more than once.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8181, show_default=True, help="0 takes one that is free."
)
@click.option("--remote", is_flag=True, help="Let other machines ask, where the host is an address they reach.")
@click.option("--rate", type=click.FloatRange(0, 1e6), default=10_000, show_default=True,
              help="Requests a second that a client may make on average; 0 for any number.")  # fmt: skip
@click.option("--batch", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True,
              help="Networks that a request may ask for.")  # fmt: skip
@click.option("--body", "body_bytes", type=click.IntRange(1024, 1 << 30), default=2 << 20, show_default=True,
              help="Bytes that a request may have.")  # fmt: skip
def serve(
    devices: tuple[str, ...], host: str, port: int, remote: bool, rate: float, batch: int, body_bytes: int
) -> dict[str, Any]:
    """Answer search loops in other languages over HTTP, until Ctrl-C.

    POST /v1/predict takes {"networks": [...], "level": 0.9, "device": "..."}; a network is a list of its layers'
    choices by number, or the text of its space. GET /v1/devices says what is served, /openapi.json how to ask.
    Where it listens is said on standard error.

    \b
    Example:
      hwmodel latency serve --device pixel1.safetensors
      curl -H 'content-type: application/json' -d '{"networks": [[0, 1]]}' http://127.0.0.1:8181/v1/predict
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise click.ClickException(f"serving needs FastAPI and uvicorn: {PIP}") from None
    from circuits.errors import InputError
    from hwmodel.latency.query.predictor import load
    from hwmodel.latency.server.limits import Limits
    from hwmodel.latency.server.run import listen
    from hwmodel.latency.server.run import serve as run

    loaded = [load(name) for name in devices]
    predictors = {one.device: one for one in loaded}
    if len(predictors) < len(loaded):
        raise InputError(f"--device: two predictors of one name among {', '.join(one.device for one in loaded)}")
    limits = Limits(networks=batch, body_bytes=body_bytes, requests_per_s=rate, burst=max(1, round(rate)))
    bound = listen(host, port, remote=remote)
    at = bound.getsockname()
    url = f"http://[{at[0]}]:{at[1]}" if ":" in at[0] else f"http://{at[0]}:{at[1]}"

    def tell(_: object) -> None:
        print(f"hwmodel: {', '.join(predictors)} at {url}; Ctrl-C ends it", file=sys.stderr, flush=True)

    return {"url": url, "devices": list(predictors)} | run(predictors, bound, limits, remote=remote, started=tell)
