"""What the server says about itself, as OpenAPI."""

from collections.abc import Mapping
from typing import Any

from hwmodel.latency.query.predictor import Predictor
from hwmodel.latency.server.limits import Limits

ABOUT = 'What a network takes on a device, in seconds or joules, with an interval. Errors are {"error": one line}.'
_NUMBERS = {"type": ["array", "null"], "items": {"type": ["number", "null"]}}
_CLASSES = {
    "type": "array", "items": {"type": "array", "items": {"type": "string"}},
    "description": "Of a device whose layers are known: classes of each network's layers that nothing measured had",
}  # fmt: skip
_ERROR = {
    "description": "What is wrong",
    "content": {"application/json": {"schema": {
        "type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}}},
}  # fmt: skip
_Answers = dict[int | str, dict[str, Any]]
_ANY: _Answers = {421: _ERROR, 429: _ERROR}


def _found(description: str, properties: dict[str, Any], *required: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


HEALTH: _Answers = {
    **_ANY,
    200: _found("It does", {"status": {"const": "ok"}}, "status"),
}
_DEVICE = {
    "type": "object",
    "properties": {
        "device": {"type": "string"}, "kind": {"type": "string"}, "quantity": {"enum": ["latency_s", "energy_J"]},
        "levels": {"type": "array", "items": {"type": "number"}},
    },
    "required": ["device", "kind", "quantity", "levels"],
}  # fmt: skip
DEVICES: _Answers = {
    **_ANY,
    200: _found("All devices", {"devices": {"type": "array", "items": _DEVICE}}, "devices"),
}
PREDICTIONS: _Answers = {
    **_ANY,
    200: _found("A number a network, in the order they came; null where there is none", {
        "device": {"type": "string"}, "level": {"type": ["number", "null"]}, "latency_s": _NUMBERS,
        "energy_J": _NUMBERS, "low_s": _NUMBERS, "high_s": _NUMBERS, "low_J": _NUMBERS, "high_J": _NUMBERS,
        "unseen": _CLASSES,
    }, "device", "level"),
    **dict.fromkeys((400, 408, 413, 415, 422, 503), _ERROR),
}  # fmt: skip


def request_of(predictors: Mapping[str, Predictor], limits: Limits) -> dict[str, Any]:
    """Return the description of a request for predictions of some devices."""
    levels = sorted({level for one in predictors.values() for level in one.levels})
    kinds = list({str(kind): kind for one in predictors.values() for kind in one.schemas()}.values())
    networks = {
        "description": "Networks of the device's space: lists of its layers' choices by number, or texts; "
        "of a device whose layers are known: graphs, as hwmodel.latency.graph describes them",
        "anyOf": [{"type": "array", "minItems": 1, "maxItems": limits.networks, "items": kind} for kind in kinds],
    }
    properties = {
        "device": {"enum": list(predictors), "description": "Needed where there are several"},
        "networks": networks,
        "level": {"enum": [*levels, None], "description": "Of the interval; 0.9 as it comes"},
    }
    schema = {
        "type": "object", "properties": properties, "additionalProperties": False,
        "required": ["networks"] if len(predictors) == 1 else ["device", "networks"],
        "example": {"device": next(iter(predictors)), "networks": [next(iter(predictors.values())).example()]},
    }  # fmt: skip
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
