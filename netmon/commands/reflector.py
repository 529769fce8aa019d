"""``netmon reflector``: the other end of capacity tests, to be run at a site; and the key that both ends share."""

from __future__ import annotations

import os
import secrets
import signal
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final

import typer

from netmon.commands.terminal import EXIT_FAULT, EXIT_USAGE, fail, say
from netmon.i18n import _

__all__ = ["reflector"]

DEFAULT_LISTEN: Final = ["0.0.0.0:9736", "[::]:9736"]
NEW_KEY_BYTES: Final = 32


def reflector(
    key_file: Annotated[Path | None, typer.Option(help="The key that netmon has, too.")] = None,
    new_key: Annotated[
        Path | None, typer.Option(help="Make a key in this file, which only its owner can read, and end.")
    ] = None,
    listen: Annotated[
        list[str] | None, typer.Option(help="host:port, UDP; more than once for several. Default: port 9736 of all.")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="An address or network that may test; left out: all that have the key.")
    ] = None,
    most: Annotated[str, typer.Option(help="Of all tests together, IP packets: 120M.")] = "120M",
    longest: Annotated[str, typer.Option(help="One direction's test at the most.")] = "60s",
    tests_an_hour: Annotated[int, typer.Option(min=1, help="Of one address; a direction is a test.")] = 60,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
    log_format: Annotated[str, typer.Option(help="key-value or json.")] = "key-value",
) -> None:
    """Answer capacity tests of netmon until SIGTERM. It answers nobody without the key, and nothing but tests."""
    from netmon import logs, systemd
    from netmon.config import parse_duration
    from netmon.config.secrets import from_file
    from netmon.config.units import parse_quantity
    from probes.wire.capacity_message import KEY_BYTES
    from probes.wire.capacity_reflector import Limits, serve

    if new_key is not None:
        _make_key(new_key)
        return
    if key_file is None:
        fail(_("say --key-file, or --new-key to make one"), EXIT_USAGE)
    try:
        logs.set_up(log_level, log_format)
        key = from_file(key_file).encode()
        limits = Limits(
            bits_per_second=parse_quantity(most, "most_bits_per_second"),
            seconds=parse_duration(longest),
            tests_an_hour=tests_an_hour,
            allow=tuple(ip_network(text) for text in allow or ()),
        )
        addresses = [_address(text) for text in listen or DEFAULT_LISTEN]
    except ValueError as error:
        fail(str(error), EXIT_USAGE)
    if len(key) < KEY_BYTES:
        fail(_("the key is shorter than {least} characters").format(least=KEY_BYTES), EXIT_USAGE)
    stops: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stops.append(received))

    def ready(names: list[tuple[str, int]]) -> None:
        shown = ", ".join(f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}" for name in names)
        say(_("capacity tests are answered at {addresses}").format(addresses=shown))
        systemd.notify_ready()

    try:
        counts = serve(addresses, key, limits, stopped=lambda: bool(stops), ready=ready)
    except OSError as error:
        fail(_("cannot listen: {error}").format(error=error.strerror or error), EXIT_FAULT)
    text = _("{tests} tests, {refused} refused, {strangers} datagrams of strangers")
    say(text.format(tests=counts.tests, refused=counts.refused, strangers=counts.strangers))


def _make_key(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        fail(_("cannot write {path}: {error}").format(path=path, error=error.strerror), EXIT_USAGE)
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 (a descriptor, so that nobody else ever reads it)
        file.write(secrets.token_urlsafe(NEW_KEY_BYTES) + "\n")
    say(_("{path} holds a new key; bring it to both ends by a safe way").format(path=path))


def _address(text: str) -> tuple[str, int]:
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise ValueError(_("{address} is no address to listen on: write host:port").format(address=text))
    return host.strip("[]"), int(port)
