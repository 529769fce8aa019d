"""``MAP.yaml``: which column of the ledger holds what, and what its words mean."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field

from netmon.config.defaults import EQUIPMENT_CHECKS
from netmon.config.errors import ConfigError, Problem, nearest, shown
from netmon.config.shape import Line, Shape
from netmon.config.validate import validate
from netmon.config.yaml_reader import read
from netmon.i18n import _

__all__ = ["FIELDS", "Mapping", "load_map"]

FIELDS: Final = (
    "site", "kind", "id", "name", "name_en", "model", "address", "commissioned", "retired", "parent",
)  # fmt: skip


class ColumnsShape(Shape):
    """The heads of the columns."""

    site: Line = Field(description="The site's name or id.")
    kind: Line = Field(description="The kind of equipment.")
    name: Line = Field(description="The equipment's name.")
    id: Line | None = Field(default=None, description="The equipment's id at its site.")
    name_en: Line | None = None
    model: Line | None = None
    address: Line | None = None
    commissioned: Line | None = None
    retired: Line | None = None
    parent: Line | None = Field(default=None, description="What it hangs on: a name or an id at the same site.")


class ValuesShape(Shape):
    """What the ledger's words mean."""

    site: dict[str, Line] = Field(default_factory=dict, description="The ledger's word: a site's id.")
    kind: dict[str, Line] = Field(default_factory=dict, description="The ledger's word: a kind of equipment.")


class Mapping(Shape):
    """The whole file."""

    sheet: Line = Field(default="", description="The first visible one if it is left out.")
    header: int = Field(default=1, ge=1, le=100, description="The row of the columns' heads.")
    columns: ColumnsShape
    values: ValuesShape = ValuesShape()

    def head(self, field: str) -> str:
        """The head of the column that holds a field; empty if the ledger does not have it."""
        return str(getattr(self.columns, field) or "")


def load_map(path: Path) -> Mapping:
    """Read the file.

    Raises:
        ConfigError: with everything that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        what = _("cannot be read: {error}").format(error=error.strerror)
        raise ConfigError([Problem(str(path), 1, 1, what)]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), 1, 1, _("this is not UTF-8 text"))]) from error
    document = read(text, str(path))
    mapping = None if document.broken else validate(document, (), Mapping, document.root)
    if mapping is not None:
        for word, kind in mapping.values.kind.items():
            if kind not in EQUIPMENT_CHECKS:
                document.report(
                    ("values", "kind", word), _("no kind of equipment {name}").format(name=shown(kind)),
                    nearest=nearest(kind, EQUIPMENT_CHECKS),
                    write=_("one of {keys}").format(keys=", ".join(EQUIPMENT_CHECKS)),
                )  # fmt: skip
        heads = [head for field in FIELDS if (head := mapping.head(field))]
        for head in sorted({head for head in heads if heads.count(head) > 1}):
            document.report(("columns",), _("two fields are read from the column {name}").format(name=shown(head)))
    if document.problems or mapping is None:
        raise ConfigError(document.problems)
    return mapping
