"""Runs a part of the document through a pydantic model and says in words what is wrong, and where."""

from __future__ import annotations

import typing
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from netmon.config.errors import nearest, shown
from netmon.config.yaml_positions import Document, Path
from netmon.i18n import _, _n

__all__ = ["validate"]

M = TypeVar("M", bound=BaseModel)

WANTED = {
    "bool_type": _n("true or false"),
    "bool_parsing": _n("true or false"),
    "int_type": _n("a whole number"),
    "int_parsing": _n("a whole number"),
    "float_type": _n("a number"),
    "float_parsing": _n("a number"),
    "list_type": _n("a list, each item after '- '"),
    "dict_type": _n("`key: value`"),
}


def validate(document: Document, path: Path, model: type[M], value: Any) -> M | None:
    """The value as an instance of ``model``; ``None`` after having reported every problem with it."""
    if not isinstance(value, dict):
        what = _("{value} stands where a mapping is wanted").format(value=shown(value))
        document.report(path, what, write=_("keys such as {keys}").format(keys=_keys(model)))
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _report(document, path, model, detail)
        return None


def _keys(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)


def _report(document: Document, path: Path, model: type[BaseModel], detail: ErrorDetails) -> None:
    place = (*path, *detail["loc"])
    context = detail.get("ctx", {})
    value = shown(detail["input"])
    match detail["type"]:
        case "netmon":
            document.report(place, context["what"], write=context["write"])
        case "extra_forbidden":
            key, owner = str(detail["loc"][-1]), _owner(model, detail["loc"][:-1])
            document.report(
                place, _("unknown key {key}").format(key=shown(key)), key=True,
                nearest=nearest(key, owner.model_fields), write=_("one of {keys}").format(keys=_keys(owner)),
            )  # fmt: skip
        case "missing":
            document.report(place[:-1], _("the key {key} is missing").format(key=detail["loc"][-1]))
        case "literal_error" | "enum":
            words = str(context.get("expected", ""))
            choices = [word.strip("' ") for word in words.replace(" or ", ",").split(",")]
            given = detail["input"] if isinstance(detail["input"], str) else ""
            document.report(
                place, _("{value} is not possible here").format(value=value),
                nearest=nearest(given, choices), write=_("one of {keys}").format(keys=", ".join(choices)),
            )  # fmt: skip
        case "string_type":
            document.report(
                place, _("{value} stands where text is wanted").format(value=value),
                write=_("it in quotes: {text}").format(text=f'"{document.word_at(place) or "..."}"'),
            )  # fmt: skip
        case kind if kind in WANTED:
            document.report(
                place, _("{value} stands where something else is wanted").format(value=value), write=_(WANTED[kind])
            )
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            limit = next((context[name] for name in ("ge", "le", "gt", "lt") if name in context), "")
            words = _("at least {limit}") if detail["type"].startswith("greater") else _("at most {limit}")
            document.report(place, _("{value} is out of range").format(value=value), write=words.format(limit=limit))
        case "value_error":
            document.report(place, str(context["error"]))
        case _:
            document.report(place, _("{value}: {message}").format(value=value, message=detail["msg"]))


def _owner(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    """The model of the mapping at ``path`` within ``model``, as far as the types say."""
    here: Any = model
    for part in path:
        if not (isinstance(here, type) and issubclass(here, BaseModel)):
            break
        known = here.model_fields.get(str(part))
        if known is not None:  # else the part is an index or a key within what the field before holds
            here = _model_in(known.annotation) or here
    return here if isinstance(here, type) and issubclass(here, BaseModel) else model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in typing.get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
