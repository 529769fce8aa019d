"""The inventory: YAML -> :class:`Config`, strict, with every mistake at once and its place."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from netmon.config.build import build
from netmon.config.config import Config
from netmon.config.errors import ConfigError, Problem, nearest
from netmon.config.profiles import FOLDER, read_profiles, recall_profiles
from netmon.config.schema import schema
from netmon.config.units import parse_duration, parse_share
from netmon.config.yaml_positions import Document
from netmon.config.yaml_reader import read_text, whole
from probes import profiles
from probes.base import EMPTY, ProbeKind
from probes.profiles import Profile

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
    own, texts = read_profiles(path.parent / FOLDER)
    profiles.use(own)
    try:
        return replace(_made(document, text, kinds, environ, own), **_version(text, texts))
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


def recall(text: str, name: str, *, kinds: Mapping[str, ProbeKind[Any]], profiles: Mapping[str, str] = EMPTY) -> Config:
    """An inventory that was in force before, by its text, without credentials: nothing can be probed with it.

    Args:
        name: what to call it in messages.
        profiles: the texts of the vendor profiles beside it, by name.

    Raises:
        ConfigError: this netmon does not take it any more.
    """
    made = _made(whole(text, name), text, kinds, None, recall_profiles(profiles))
    return replace(made, **_version(text, profiles))


def _version(text: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """What makes this configuration another one: its text, and those of the profiles beside it."""
    whole_text = text + json.dumps(texts, ensure_ascii=False, sort_keys=True) if texts else text
    return {"profiles": texts, "config_id": hashlib.sha256(whole_text.encode()).hexdigest()}


def _made(
    document: Document,
    text: str,
    kinds: Mapping[str, ProbeKind[Any]],
    environ: Mapping[str, str] | None,
    own: Mapping[str, Profile],
) -> Config:
    config = build(document, text, kinds=kinds, environ=environ, profiles=own)
    if document.problems:
        raise ConfigError(document.problems)
    return config
