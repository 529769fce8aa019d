"""The inventory: YAML -> :class:`Config`, strict, with every mistake at once and its place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netmon.config.build import build
from netmon.config.config import Config
from netmon.config.errors import ConfigError, Problem, nearest
from netmon.config.profiles import FOLDER, read_profiles
from netmon.config.schema import schema
from netmon.config.units import parse_duration, parse_share
from netmon.config.yaml_positions import Document
from netmon.config.yaml_reader import read_text, whole
from probes import profiles
from probes.base import ProbeKind

__all__ = [
    "Config",
    "ConfigError",
    "Problem",
    "load",
    "nearest",
    "parse_duration",
    "parse_share",
    "read_document",
    "recall",
    "schema",
]


def load(path: Path, *, kinds: Mapping[str, ProbeKind[Any]], environ: Mapping[str, str] = os.environ) -> Config:
    """Read an inventory, and the vendor profiles in the folder beside it, which are then known.

    Args:
        kinds: the probe kinds that checks may use.
        environ: where ``*_env`` secrets are.

    Raises:
        ConfigError: with everything that is wrong.
    """
    text, document = read_document(path)
    before = profiles.added()
    profiles.use(read_profiles(path.parent / FOLDER))
    try:
        return _made(document, text, kinds, environ)
    except ConfigError:
        profiles.use(before)
        raise


def read_document(path: Path) -> tuple[str, Document]:
    """A YAML file's text, and its data with their places.

    Raises:
        ConfigError: it cannot be read to its end.
    """
    text = read_text(path)
    return text, whole(text, str(path))


def recall(text: str, name: str, *, kinds: Mapping[str, ProbeKind[Any]]) -> Config:
    """An inventory that was in force before, by its text, without credentials: nothing can be probed with it.

    Args:
        name: what to call it in messages.

    Raises:
        ConfigError: this netmon does not take it any more.
    """
    return _made(whole(text, name), text, kinds, None)


def _made(
    document: Document, text: str, kinds: Mapping[str, ProbeKind[Any]], environ: Mapping[str, str] | None
) -> Config:
    config = build(document, text, kinds=kinds, environ=environ)
    if document.problems:
        raise ConfigError(document.problems)
    return config
