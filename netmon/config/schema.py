"""The inventory's JSON Schema (draft 2020-12), for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from netmon.config.defaults import EQUIPMENT_CHECKS
from netmon.config.shape import (
    CheckShape,
    DefaultsShape,
    EquipmentShape,
    FileShape,
    KindDefaultsShape,
    SiteShape,
    SnmpAuthShape,
)
from probes.base import ProbeKind

__all__ = ["schema"]


def schema(kinds: Mapping[str, ProbeKind[Any]]) -> dict[str, Any]:
    """The schema of the file, with the parameters of these probe kinds."""
    shapes: list[type[BaseModel]] = [
        FileShape, SiteShape, EquipmentShape, CheckShape, DefaultsShape, KindDefaultsShape, SnmpAuthShape,
    ]  # fmt: skip
    models = [*shapes, *(kind.params for kind in kinds.values())]
    _keys, made = models_json_schema([(model, "validation") for model in dict.fromkeys(models)])
    definitions: dict[str, Any] = made["$defs"]
    file = definitions.pop("FileShape")
    properties = file["properties"]
    properties["sites"]["items"] = _ref("SiteShape")
    properties["snmp_auths"]["additionalProperties"] = _ref("SnmpAuthShape")
    for defaults in (properties["defaults"], definitions["SiteShape"]["properties"]["defaults"]):
        defaults.pop("additionalProperties", None)
        defaults |= {
            "additionalProperties": False,
            "properties": {
                kind.name: {
                    "allOf": [_ref("KindDefaultsShape"), {"properties": {"params": _ref(kind.params.__name__)}}],
                }
                for kind in kinds.values()
            },
        }
    definitions["SiteShape"]["properties"]["equipment"]["items"] = _ref("EquipmentShape")
    definitions["SiteShape"]["properties"]["required"]["propertyNames"] = {"enum": list(EQUIPMENT_CHECKS)}
    equipment = definitions["EquipmentShape"]["properties"]
    equipment["kind"] = {"enum": list(EQUIPMENT_CHECKS)}
    equipment["checks"]["additionalProperties"] = {"anyOf": [_ref("CheckShape"), {"type": ["boolean", "null"]}]}
    definitions["CheckShape"]["properties"]["kind"] = {"enum": list(kinds)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netmon inventory",
        **{key: value for key, value in file.items() if key != "title"},
        "$defs": definitions,
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}
