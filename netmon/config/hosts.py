"""Addresses and names of the ends that are probed: each must be exactly one host."""

from __future__ import annotations

import ipaddress
import re

from netmon.config.errors import shown
from netmon.config.units import UnitError
from netmon.i18n import _
from probes.base import Family

__all__ = ["check_host"]

LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
DIGITS_AND_DOTS = re.compile(r"[0-9.]+")
RANGE = re.compile(r"[0-9a-fA-F.:]+ ?(-|\.\.) ?[0-9a-fA-F.:]+")
HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]+):[0-9]*")
LIMITED_BROADCAST = ipaddress.IPv4Address("255.255.255.255")


def check_host(text: str) -> Family | None:
    """Make sure that ``text`` is one host; its address family, or ``None`` for a name (RFC 1123).

    Raises:
        UnitError: it is a URL, a network, a range, a group address, or nothing that could be a host.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        _check_name(text)
        return None
    kind = ""
    if address.is_unspecified:
        kind = _("the unspecified address")
    elif address.is_multicast:
        kind = _("a multicast address")
    elif address == LIMITED_BROADCAST:
        kind = _("the broadcast address")
    elif isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        raise UnitError(_("{host} is an IPv4 address in IPv6 clothes").format(host=text), str(address.ipv4_mapped))
    if kind:
        what = _("{host} is {kind}, not the address of one host").format(host=text, kind=kind)
        raise UnitError(what, _("the address of one host"))
    return Family.IPV4 if address.version == 4 else Family.IPV6


def _check_name(text: str) -> None:
    host = shown(text)
    if "://" in text:
        raise UnitError(_("{host} is a URL, not a host").format(host=host), _("the host alone; a path goes to params"))
    if "/" in text:
        raise UnitError(_("{host} is a network or a path, not one host").format(host=host), _("one address or name"))
    if RANGE.fullmatch(text) and any(mark in text for mark in (".", ":")):
        raise UnitError(_("{host} is a range of addresses").format(host=host), _("one piece of equipment per address"))
    if HOST_AND_PORT.fullmatch(text):
        raise UnitError(_("{host} holds a port").format(host=host), _("the host alone, and `port:` beside it"))
    if text.startswith("["):
        raise UnitError(_("{host} has brackets").format(host=host), _("the IPv6 address without brackets"))
    if ":" in text:
        raise UnitError(_("{host} is no IPv6 address").format(host=host), _("an address such as 2001:db8::1"))
    labels = text.split(".")
    if DIGITS_AND_DOTS.fullmatch(text) or labels[-1].isdigit():
        raise UnitError(_("{host} is no IPv4 address").format(host=host), _("an address such as 192.0.2.1"))
    if len(text) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        write = _("an address, or a name of letters, digits, '-' and '.'")
        raise UnitError(_("{host} is neither an address nor a host name").format(host=host), write)
