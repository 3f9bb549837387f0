"""A request's body: read within its limits, and what it says."""

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from circuits.errors import InputError
from hwmodel.latency.query.predictor import Predictor
from hwmodel.latency.server.limits import Limits

FIELDS = ("device", "networks", "level")


class Refused(Exception):  # noqa: N818  (it is an answer)
    """A request that is not answered: the status, and one line that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Asked:
    """What a client asks."""

    predictor: Predictor
    networks: list[Any]
    level: float | None


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return a JSON request's body; never holds more of it than the limit and one piece.

    Raises:
        Refused: for another type, for more bytes or time than the limits, and for a client that is gone.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "content type: not application/json")
    too_large = Refused(413, f"body: more than {limits.body_bytes} bytes; send fewer networks at once")
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > limits.body_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_s):
            async for piece in request.stream():
                body += piece
                if len(body) > limits.body_bytes:
                    raise too_large
    except TimeoutError:
        raise Refused(408, f"body: not there after {limits.body_s:g} s") from None
    except ClientDisconnect:
        raise Refused(400, "body: not whole") from None
    return bytes(body)


def parse_body(body: bytes, predictors: Mapping[str, Predictor], limits: Limits) -> Asked:
    """Return what a body asks; networks are looked at by whoever predicts.

    Raises:
        Refused: for what is no JSON, and fields that are missing, unknown or of another type.
    """
    asked = _mapping(body)
    if unknown := set(asked) - set(FIELDS):
        raise Refused(422, f"{min(unknown)[:40]!r}: unknown; give {', '.join(FIELDS)}")
    device = asked.get("device", next(iter(predictors)) if len(predictors) == 1 else None)
    if not isinstance(device, str) or device not in predictors:
        given = "no device" if device is None else f"device {str(device)[:60]!r}: unknown"
        raise Refused(422, f"{given}; give one of {', '.join(predictors)}")
    networks, level = asked.get("networks"), asked.get("level")
    if not isinstance(networks, list) or not networks or isinstance(networks[0], (int, float)):
        raise Refused(422, "networks: no list of networks")
    if len(networks) > limits.networks:
        raise Refused(422, f"networks: {len(networks)}, more than {limits.networks} at once")
    if (b"true" in body or b"false" in body) and any(
        isinstance(number, bool) for network in networks if isinstance(network, list) for number in network
    ):
        raise InputError("networks: true and false are no choices")  # which numpy would take for 1 and 0
    if level is not None and (isinstance(level, bool) or not isinstance(level, (int, float)) or not 0 < level < 1):
        raise Refused(422, "level: no number between 0 and 1")
    return Asked(predictors[device], networks, level)


def _mapping(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body.decode("utf-8"), parse_constant=_no_number, parse_float=_number)
    except RecursionError:
        raise Refused(400, "body: nested too deep") from None
    except ValueError as error:
        raise Refused(400, f"body: no JSON: {' '.join(str(error).split())[:120]}") from None
    if not isinstance(asked, dict):
        raise Refused(422, f"body: no object; give {', '.join(FIELDS)}")
    return asked


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _number(text: str) -> float:
    """Return a number with a point; 3.0 is the integer 3, as JSON Schema has it."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number beyond what floats hold")
    return int(number) if number.is_integer() else number
