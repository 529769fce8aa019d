"""Every text that a user reads is in the catalogue and translated, and the compiled catalogue is up to date."""

from __future__ import annotations

import re
import shutil
import string
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages import pofile
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from netmon.i18n import LOCALE_FOLDER, _, language_from_environment, use_language
from tests.lab.need import program

ROOT = Path(__file__).parents[2]
FOLDER = LOCALE_FOLDER / "zh_CN" / "LC_MESSAGES"
KEYWORDS = {"_": None, "_n": None, "ngettext": (1, 2)}


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (FOLDER / "netmon.po").open("rb") as file:
        return pofile.read_po(file)


def fields(text: str) -> set[str]:
    return {name for _literal, name, _spec, _conversion in string.Formatter().parse(text) if name}


def test_every_text_of_the_program_is_translated(catalogue: Catalog) -> None:
    """A new text without a translation fails here; so does a translation of a text that is gone."""
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    found = {
        message
        for folder in ("netmon", "grafana")
        for *_place, message, _comments, _context in extract_from_dir(ROOT / folder, methods, keywords=KEYWORDS)
    }
    known = {message.id for message in catalogue if message.id}
    assert found - {""} == known
    assert [message.id for message in catalogue if message.id and not message.string] == []


def test_a_translation_has_the_placeholders_of_its_text(catalogue: Catalog) -> None:
    """A missing or misspelt placeholder would lose a figure or raise in front of a user."""
    wrong = [m.id for m in catalogue if m.id and "{" in m.id and fields(m.id) != fields(m.string)]
    assert wrong == []


def test_a_translation_is_chinese(catalogue: Catalog) -> None:
    """Only code and units may stay as they are."""
    same = [m.id for m in catalogue if m.id and m.string == m.id and not re.fullmatch(r"`.*`", m.id)]
    assert same == []


def test_make_messages_changes_nothing(tmp_path: Path) -> None:
    """It was run: template, catalogue and compiled catalogue are what it makes of the code, without what is gone."""
    folder = tmp_path / "locale"
    shutil.copytree(LOCALE_FOLDER, folder)
    command = [
        program("make", "make"), "--old-file=.venv/.dev", "messages", f"BIN={Path(sys.executable).parent}",
        f"LOCALE={folder}",
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    names = [path.relative_to(folder) for path in sorted(folder.rglob("netmon.*"))]
    assert len(names) == 3
    changed = [str(name) for name in names if (folder / name).read_bytes() != (LOCALE_FOLDER / name).read_bytes()]
    assert changed == [], "run `make messages`"


def test_the_language_is_that_of_the_context() -> None:
    """English ids, Chinese on request."""
    use_language("zh")
    assert _("standby") == "待命"
    use_language("en")
    assert _("standby") == "standby"
    with pytest.raises(ValueError, match="unknown language"):
        use_language("xx")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"NETMON_LANG": "zh", "LC_ALL": "C"}, "zh"),
    ],
)
def test_the_environment_names_the_language(environment: dict[str, str], expected: str) -> None:
    """NETMON_LANG first, then POSIX order."""
    assert language_from_environment(environment) == expected
