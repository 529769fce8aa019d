"""``netmon inventory import``: the inventory from the ledger that staff keep in Excel."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from netmon.commands.terminal import EXIT_FAULT, EXIT_USAGE, JsonOption, fail, say
from netmon.i18n import _
from netmon.words import printable

__all__ = ["app"]

app = typer.Typer(help="The inventory from an Excel ledger.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """One command now; the name leaves room for others."""


@app.command("import")
def import_(
    ledger: Annotated[Path, typer.Argument(help="The workbook (.xlsx).")],
    map_file: Annotated[Path, typer.Option("--map", "-m", help="Which column holds what: docs/ledger.md.")],
    config: Annotated[Path, typer.Option("--config", "-c", help="The inventory.")] = Path("config/sites.yaml"),
    write: Annotated[bool, typer.Option("--write", help="Take it over; without it, only show the difference.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a ledger would change in the inventory, and change it with --write. Nothing is ever removed."""
    import probes
    from netmon.config import ConfigError
    from netmon.ledger import LedgerError, import_ledger, load_map

    try:
        outcome = import_ledger(ledger, load_map(map_file), config, kinds=probes.KINDS, write=write)
    except (ConfigError, LedgerError) as error:
        fail(str(error), EXIT_USAGE)
    except OSError as error:
        fail(_("{path} cannot be written: {error}").format(path=config, error=error.strerror), EXIT_FAULT)
    comparison = outcome.comparison
    if as_json:
        say(json.dumps({**asdict(comparison), "written": outcome.written}, ensure_ascii=False))
        return
    table = Table()
    for head in (_("row"), _("equipment"), _("what"), _("before"), _("after")):
        table.add_column(head, overflow="fold")
    for change in comparison.changes:
        name = change.asset + (f" ({_('new')})" if change.new else "")
        for key, (before, after) in change.fields.items() or [("", ("", ""))]:
            table.add_row(str(change.row), *(escape(printable(text)) for text in (name, key, before, after)))
    if comparison.changes:
        Console(highlight=False).print(table)
    new = sum(change.new for change in comparison.changes)
    text = _("{new} new, {changed} changed, {same} the same")
    say(text.format(new=new, changed=len(comparison.changes) - new, same=comparison.same))
    if comparison.gone:
        say(_("in service and not in the ledger, left as it is: {names}").format(names=", ".join(comparison.gone)))
    if outcome.written:
        say(_("{path} is written; the one before is {path}.bak").format(path=config))
    elif comparison.changes:
        say(_("nothing is written: say --write"))
