"""Commands about who may log in: ``netmon hash-password`` and ``netmon check-web-config``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from netmon.commands.terminal import EXIT_USAGE, fail, say
from netmon.i18n import _

__all__ = ["check_web_config", "hash_password"]


def check_web_config(file: Annotated[Path, typer.Argument(help="The web configuration.")]) -> None:
    """Say everything that is wrong with a web configuration (users and TLS, in Prometheus's format)."""
    from netmon.config import ConfigError
    from netmon.web.auth import load_web_config

    try:
        loaded = load_web_config(file)
    except ConfigError as error:
        fail(str(error), EXIT_USAGE)
    for warning in loaded.warnings:
        typer.echo(str(warning), err=True)
    text = _("{file} is right: {users} users, TLS {tls}")
    say(text.format(file=file, users=len(loaded.users), tls=_("on") if loaded.tls is not None else _("off")))


def hash_password(
    cost: Annotated[int, typer.Option(min=10, max=15, help="Each step doubles the time of guessing.")] = 12,
) -> None:
    """Read a password, from a prompt or from standard input, and print its hash for `basic_auth_users`."""
    from netmon.web.auth import hash_password as make_hash

    if sys.stdin.isatty():
        password = typer.prompt(_("password"), hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        say(make_hash(password, cost))
    except ValueError as error:
        fail(str(error), EXIT_USAGE)
