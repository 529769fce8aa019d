"""Vendor profiles of one's own: the folder ``profiles`` beside the inventory, checked like the inventory itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from netmon.config.errors import ConfigError, Problem, nearest
from netmon.config.shape import ID
from netmon.config.validate import validate
from netmon.config.yaml_positions import Document
from netmon.config.yaml_reader import read_text, whole
from netmon.i18n import _, _n
from probes import profiles
from probes.profiles.assemble import Fault, ProfileError, assemble
from probes.profiles.auto import AUTO
from probes.profiles.spec import Profile, ProfileFile

__all__ = ["FOLDER", "profile_schema", "read_profile", "read_profiles", "recall_profiles"]

FOLDER: Final = "profiles"
FAULTS: Final = (
    _n("there is no set of words {name}"),
    _n("there is no profile {name} to include"),
    _n("{name} is there twice, or its OID is"),
    _n("{name} has no short name: give `en` and `zh`"),
    _n("the device has no fact or state {name}"),
    _n("the profile reads nothing"),
)
"""The sentences of :mod:`probes.profiles.assemble`, for the catalogue."""


def read_profiles(folder: Path) -> tuple[dict[str, Profile], dict[str, str]]:
    """Every profile of a folder by its name, and its text; none if there is no such folder.

    Raises:
        ConfigError: with everything that is wrong in all of them.
    """
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    problems: list[Problem] = []
    documents: dict[str, Document] = {}
    texts: dict[str, str] = {}
    for file in files:
        if file.stem in (*profiles.shipped(), AUTO) or not ID.fullmatch(file.stem):
            what = _("{name} cannot be the name of a profile").format(name=repr(file.stem))
            write = _("lower-case letters, digits and '-', and not the name of a profile that netmon has")
            problems.append(Problem(str(file), 1, 1, what, write=write))
            continue
        try:
            texts[file.stem] = read_text(file)
            documents[file.stem] = whole(texts[file.stem], str(file), number_keys=True)
        except ConfigError as error:
            problems += error.problems
    found = _assembled(documents, problems)
    if problems:
        raise ConfigError(problems)
    return found, texts


def recall_profiles(texts: Mapping[str, str]) -> dict[str, Profile]:
    """Profiles that were known before, by their texts. One that this netmon does not take any more is left out."""
    documents: dict[str, Document] = {}
    for name, text in texts.items():
        with suppress(ConfigError):
            documents[name] = whole(text, name, number_keys=True)
    return _assembled(documents, [])


def _assembled(documents: dict[str, Document], problems: list[Problem]) -> dict[str, Profile]:
    """The profiles of these files, which may include each other; what is wrong with them is added to the problems."""
    found: dict[str, Profile] = {}

    def load(name: str) -> Profile:
        # Files may include each other: each is made when it is first needed, and one within itself does not exist.
        if name in found:
            return found[name]
        document = documents.pop(name, None)
        if document is None:
            return profiles.load(name, {})
        made = _made(name, document, load)
        problems.extend(document.problems)
        if made is None:
            raise ValueError(name)
        found[name] = made
        return made

    for name in tuple(documents):
        try:
            load(name)
        except ValueError:
            continue
    return found


def read_profile(file: Path) -> Profile:
    """One profile from a file, which may include those that are known.

    Raises:
        ConfigError: with everything that is wrong.
    """
    document = whole(read_text(file), str(file), number_keys=True)
    made = _made(file.stem, document, profiles.load)
    if made is None:
        raise ConfigError(document.problems)
    return made


def _made(name: str, document: Document, load: Callable[[str], Profile]) -> Profile | None:
    shape = validate(document, (), ProfileFile, document.root)
    if shape is None or document.problems:
        return None
    try:
        return assemble(name, shape, load)
    except ProfileError as error:
        for fault in error.faults:
            _report(document, shape, fault)
        return None


def _report(document: Document, shape: ProfileFile, fault: Fault) -> None:
    known = {"words": tuple(shape.words), "include": profiles.names()}
    close = nearest(fault.name, known.get(str(fault.place[-1]), known.get(str(fault.place[0]), ())))
    key = fault.name == fault.place[-1]
    document.report(fault.place, _(fault.sentence).format(name=repr(fault.name)), key=key, nearest=close)


def profile_schema() -> dict[str, Any]:
    """The JSON Schema of a profile's file, for editors."""
    schema = ProfileFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "netmon vendor profile"}
