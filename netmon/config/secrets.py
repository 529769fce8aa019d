"""Secrets come from files and environment variables that the inventory names; they never stand in it."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from netmon.config.units import UnitError
from netmon.i18n import _

__all__ = ["from_environment", "from_file", "readable_by_all"]

MAX_BYTES = 4096


def from_file(path: Path) -> str:
    """The first line's worth of a secret file, without its line end.

    Raises:
        UnitError: the file cannot be read, is empty or is too large; no part of it is in the message.
    """
    write = _("the path of a file that holds the secret and nothing else")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise UnitError(_("cannot read {path}: {error}").format(path=path, error=error.strerror), write) from None
    except UnicodeDecodeError:
        raise UnitError(_("{path} is not UTF-8 text").format(path=path), write) from None
    if not text or len(data) > MAX_BYTES:
        raise UnitError(_("{path} is empty or too long for a secret").format(path=path), write)
    return text


def from_environment(name: str, environ: Mapping[str, str]) -> str:
    """The secret in an environment variable.

    Raises:
        UnitError: it is not set.
    """
    secret = environ.get(name, "")
    if not secret:
        what = _("the environment variable {name} is not set").format(name=name)
        raise UnitError(what, _("the name of a variable that netmon is started with"))
    return secret


def readable_by_all(path: Path) -> bool:
    """Whether every user of this machine can read the file."""
    return bool(path.stat().st_mode & stat.S_IROTH)
