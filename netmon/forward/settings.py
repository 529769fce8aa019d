"""``forward.yaml``: where observations go. As strict as the inventory, every mistake at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field

from netmon.config import ConfigError, read_document, secrets
from netmon.config.fields import Seconds, Url
from netmon.config.shape import Line, Shape
from netmon.config.units import UnitError
from netmon.config.validate import validate
from netmon.i18n import _

__all__ = ["ForwardSettings", "load_forward"]


class ForwardShape(Shape):
    """The whole file."""

    url: Url
    org: Line = "netmon"
    bucket: Line = "netmon"
    token_file: str | None = None
    token_env: str | None = None
    ca_file: str | None = None
    plain_http: bool = False
    batch: int = Field(default=2000, ge=1, le=50_000)
    timeout: Seconds = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardSettings:
    """A store that takes line protocol by InfluxDB's v2 API.

    Attributes:
        batch: observations in one request.
        timeout_seconds: for the answer.
    """

    url: str
    org: str = "netmon"
    bucket: str = "netmon"
    token: str = field(default="", repr=False)
    ca_file: Path | None = None
    batch: int = 2000
    timeout_seconds: float = 30.0


def load_forward(path: Path, environ: Mapping[str, str]) -> ForwardSettings:
    """Read the file.

    Raises:
        ConfigError: with everything that is wrong, as ``file:line:column``.
    """
    _text, document = read_document(path)
    shape = validate(document, (), ForwardShape, document.root)
    if shape is None:
        raise ConfigError(document.problems)
    token, key = "", "token_file"
    try:
        if shape.token_file is not None:
            token = secrets.from_file(path.parent / shape.token_file)
        elif shape.token_env is not None:
            key = "token_env"
            token = secrets.from_environment(shape.token_env, environ)
    except UnitError as error:
        document.report((key,), error.what, write=error.write)
    way = urlsplit(shape.url)
    if (
        token
        and way.scheme == "http"
        and way.hostname not in ("127.0.0.1", "::1", "localhost")
        and not shape.plain_http
    ):
        document.report(("url",), _("the token would cross the network in clear text"), write="https://")
    ca_file = None if shape.ca_file is None else path.parent / shape.ca_file
    if ca_file is not None and not ca_file.is_file():
        document.report(("ca_file",), _("there is no file {path}").format(path=ca_file))
    if document.problems:
        raise ConfigError(document.problems)
    return ForwardSettings(
        url=shape.url, org=shape.org, bucket=shape.bucket, token=token, ca_file=ca_file, batch=shape.batch,
        timeout_seconds=shape.timeout,
    )  # fmt: skip
