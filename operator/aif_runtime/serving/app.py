"""The HTTP interface: inference in two forms, streams, health and metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus

import numpy as np
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from aif_runtime.serving.draining import Ending
from aif_runtime.serving.engine import Engine, Model
from aif_runtime.serving.errors import InvalidRequest, NoSuchModel, RequestFailed
from aif_runtime.serving.messages import (
    DATATYPE,
    Json,
    document,
    short_input,
    short_output,
    tensor_input,
    tensor_output,
)
from aif_runtime.serving.metrics import CONTENT_TYPE, Exposition
from aif_runtime.serving.streams import Pace, Stream
from aif_runtime.serving.watching import Watched

LARGEST_BODY = 8 * 2**20
_JSON = "application/json"


def build(engine: Engine, metrics: Exposition, ending: Ending) -> Watched:
    """Return the application, with what counts and closes around it."""
    here = _Endpoints(engine, metrics, ending)
    routes = [
        Route("/v1/infer", here.infer, methods=["POST"]),
        Route("/v1/stream", here.stream, methods=["GET", "POST"]),
        Route("/v2/models/{model}/infer", here.infer_tensor, methods=["POST"]),
        Route("/v2/models/{model}", here.describe),
        Route("/v2/models/{model}/ready", here.ready),
        Route("/v2/health/live", here.live),
        Route("/v2/health/ready", here.ready),
        Route("/healthz", here.live),
        Route("/readyz", here.ready),
        Route("/metrics", here.expose),
    ]
    app = Starlette(
        routes=routes, exception_handlers={RequestFailed: _failed, HTTPException: _refused, Exception: _broken}
    )
    return Watched(app, metrics, ending)


@dataclass(frozen=True, slots=True)
class _Endpoints:
    engine: Engine
    metrics: Exposition
    ending: Ending

    async def infer(self, request: Request) -> Response:
        asked = document(await _body(request))
        outputs = await self.engine.infer(short_input(asked, self.engine.model.shape))
        return self._answer(short_output(outputs), len(outputs))

    async def infer_tensor(self, request: Request) -> Response:
        model = self._model(request)
        asked = document(await _body(request))
        outputs = await self.engine.infer(tensor_input(asked, model.input_name, model.shape))
        return self._answer(tensor_output(outputs, model.name, model.output_name, asked.get("id")), len(outputs))

    async def stream(self, request: Request) -> Response:
        begun, pace = time.perf_counter(), Pace.of(request.query_params)
        shape = self.engine.model.shape
        values = np.zeros((1, *shape), dtype=np.float32)
        if request.method == "POST":
            values = short_input(document(await _body(request)), shape)[:1]
        events = Stream(self.engine, self.metrics, self.ending, pace, values, begun).events()
        return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def describe(self, request: Request) -> Response:
        model = self._model(request)
        ends = ((model.input_name, [-1, *model.shape]), (model.output_name, [-1]))
        inputs, outputs = ([{"name": name, "datatype": DATATYPE, "shape": shape}] for name, shape in ends)
        told = {"name": model.name, "platform": "onnxruntime", "inputs": inputs, "outputs": outputs}
        return _json(told)

    async def live(self, _: Request) -> Response:
        return _json({"live": True})

    async def ready(self, request: Request) -> Response:
        if "model" in request.path_params:
            self._model(request)
        status = HTTPStatus.SERVICE_UNAVAILABLE if self.ending.begun else HTTPStatus.OK
        return _json({"ready": not self.ending.begun, "draining": self.ending.begun}, status)

    async def expose(self, _: Request) -> Response:
        self.metrics.inside.set(self.engine.inside)
        self.metrics.draining.set(self.ending.begun)
        return Response(self.metrics.text(), media_type=CONTENT_TYPE)

    def _model(self, request: Request) -> Model:
        model = self.engine.model
        if request.path_params["model"] != model.name:
            raise NoSuchModel(f"no model {request.path_params['model']!r} is served here, only {model.name!r}")
        return model

    def _answer(self, told: Json, rows: int) -> Response:
        self.metrics.operations.inc(self.engine.flops_per_request * rows)
        return _json(told)


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise InvalidRequest(f"the body is larger than {LARGEST_BODY} bytes")
        parts.append(part)
    return b"".join(parts)


async def _failed(_: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RequestFailed) else HTTPStatus.INTERNAL_SERVER_ERROR
    field = {"field": error.field} if isinstance(error, RequestFailed) and error.field else {}
    told = _json({"error": str(error), **field}, status)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        told.headers["Retry-After"] = "1"
    return told


async def _refused(request: Request, error: Exception) -> Response:
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    return _json({"error": f"{request.method} {request.url.path}: {status.phrase}"}, status)


async def _broken(_: Request, error: Exception) -> Response:
    return _json(
        {"error": f"{type(error).__name__} in the server: its log says more"}, HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _json(content: Json, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(orjson.dumps(content), status, media_type=_JSON)
