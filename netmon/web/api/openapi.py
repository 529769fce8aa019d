"""The OpenAPI 3.1 document, made from the operations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema
from starlette.requests import Request

from netmon import __version__
from netmon.web.api.shapes import Fault, Shape

__all__ = ["PREFIX", "Operation", "describe"]

PREFIX: Final = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row of the interface: from it come the route and its description."""

    path: str
    summary: str
    query: type[Shape]
    answer: Any
    handler: Callable[[Request, Any], Awaitable[Any]]


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these operations."""
    adapters = [(TypeAdapter(operation.answer), operation) for operation in operations]
    models = [Fault, *(operation.answer for operation in operations if isinstance(operation.answer, type))]
    models += [operation.answer.__args__[0] for operation in operations if not isinstance(operation.answer, type)]
    _keys, made = models_json_schema(
        [(model, "serialization") for model in dict.fromkeys(models)], ref_template="#/components/schemas/{model}"
    )
    paths = {}
    for adapter, operation in adapters:
        schema = adapter.json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        if "$ref" not in schema and schema.get("type") == "object":
            schema = {"$ref": f"#/components/schemas/{operation.answer.__name__}"}
        paths[PREFIX + operation.path] = {"get": {
            "summary": operation.summary,
            "operationId": operation.path.strip("/").replace("/", "-").replace("{", "").replace("}", ""),
            "parameters": [*_path_parameters(operation.path), *_query_parameters(operation.query)],
            "responses": {
                "200": {"description": "Done.", "content": {"application/json": {"schema": schema}}},
                **{
                    code: {
                        "description": words,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Fault"}}},
                    }
                    for code, words in (("404", "There is no such check."), ("422", "A parameter is not right."),
                                        ("503", "The archive cannot be read."))
                },
            },
        }}  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {"title": "netmon", "version": __version__, "description": "What the status board shows, read only."},
        "paths": paths,
        "components": {"schemas": made["$defs"]},
    }


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(query: type[Shape]) -> list[dict[str, Any]]:
    properties = query.model_json_schema().get("properties", {})
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in properties.items()]
