"""What probes say in a sentence, in the reader's language.

A probe's ``detail`` is stored as the English sentence that it wrote; it may hold a device's own words. Here are the
patterns of these sentences: a sentence that fits one is said by the catalogue with the same words in its places, and
one that fits none stays as it is. So archives of any age can be read in both languages, and probes know nothing of
languages. A test reads the sources of the probes: each sentence there has its pattern here.
"""

from __future__ import annotations

import re
import string
from typing import Final

from netmon.i18n import _, _n, current_language

__all__ = ["in_words"]

PATTERNS: Final = (
    # what was being done
    _n("looking up {host}"),
    _n("TCP connection to {address} port {port}"),
    _n("TLS handshake with {peer}"),
    _n("sending to {peer}"),
    _n("reply of {peer}"),
    _n("response of {peer}"),
    _n("DNS reply of {address} port {port}"),
    _n("DNS reply of {address} port {port} over TCP"),
    _n("HTTP request to {address} port {port}"),
    _n("reading the body"),
    _n("SNMP to {address} port {port}"),
    _n("capacity test with {address} port {port}"),
    _n("iperf3 with {address} port {port}"),
    _n("near end"),
    _n("far end"),
    _n("this machine"),
    # the network
    _n("none of {sent} packets answered"),
    _n("{count} of {sent} packets answered"),
    _n("no_route from {router} ({told} of {sent} packets)"),
    _n("prohibited from {router} ({told} of {sent} packets)"),
    _n("ttl_exceeded from {router} ({told} of {sent} packets)"),
    _n("refused from {router} ({told} of {sent} packets)"),
    _n("too_big from {router}, MTU {mtu} bytes ({told} of {sent} packets)"),
    _n("too_big from {router} ({told} of {sent} packets)"),
    _n("no answer within {seconds} s"),
    _n("not done within the {seconds} s of this probe"),
    _n("the resolver had no answer for {host} within {seconds} s"),
    _n("the system gave up waiting"),
    _n("refused, nothing listens there"),
    _n("the other end broke off the connection"),
    _n("the connection was broken off"),
    _n("network unreachable"),
    _n("host unreachable"),
    _n("network down"),
    _n("host down"),
    _n("administratively prohibited"),
    _n("the packet is too big for the path"),
    _n("{host} is not an {family} address"),
    _n("{host} has no {family} address"),
    _n("{host} is not a possible host name"),
    _n("no address that a client can use among {addresses}"),
    # TLS
    _n("the certificate is not valid yet"),
    _n("the certificate has expired"),
    _n("unknown CA: the certificate is self-signed"),
    _n("unknown CA: the chain ends in a self-signed certificate that is not trusted"),
    _n("unknown CA: the issuer's certificate is not trusted"),
    _n("unknown CA: the issuer's certificate is missing"),
    _n("the certificate was revoked"),
    _n("wrong name: the certificate is for another host"),
    _n("wrong name: the certificate is for another address"),
    _n("certificate refused: {words}"),
    _n("TLS failed: {words}"),
    _n("the other end closed the connection inside TLS"),
    # HTTP
    _n("the service answered with status {status}"),
    _n("the other end closed the connection too early"),
    _n("not HTTP as it should be: {words}"),
    _n("{host} is not in the inventory; it was not contacted"),
    _n("{text} is not in the first {count} bytes of the body"),
    _n("more than {count} redirects, the last one to {location}"),
    _n("redirect to something that is no URL: {location}"),
    _n("redirect to something that is no http URL: {location}"),
    # TCP, DNS
    _n("the connection ended after {count} bytes, before the expected reply"),
    _n("expected {wanted}, the reply begins {received}"),
    _n("wrong answer: missing {missing}, unexpected {surplus}"),
    _n("the name does not exist (NXDOMAIN)"),
    _n("the name server answered {code}"),
    _n("the answer holds no {record} record for the name"),
    _n("the answer makes no sense: {words}"),
    _n("the name server closed the connection before its reply was complete"),
    _n("the reply of {address} does not fit the question: {words}"),
    _n("no reply of {address} fits the question ({count} came): {words}"),
    # SNMP
    _n(
        "no SNMP answer from {host} port {port} within {seconds} s, asked {count} times (devices also keep "
        "silent when the community is wrong)"
    ),
    _n("no SNMP answer from {where} within {seconds} s"),
    _n("no SNMP answer from {where} within {seconds} s (devices also keep silent when the privacy password is wrong)"),
    _n("{address} port {port} sent no SNMP response: {words}"),
    _n("{host} port {port} was asked, but {other} port {another} answered"),
    _n("an answer in another SNMP version than the request's"),
    _n("{address} port {port} answered with a request-id that was not asked for"),
    _n("{address} answers too slowly: the time was up half-way"),
    _n("{where} refused our SNMP credentials: {words}"),
    _n("{where} gave no usable SNMP answer: {words}"),
    _n("{count} of the objects asked for are not in the answer"),
    _n("the agent answered with error-status {status} ({words}) for {oid}"),
    _n("the walk of {root} was stopped: after {oid} the OIDs do not increase"),
    _n("the walk was stopped after {count} values: too many"),
    _n("the agent has none of these objects: is it another kind of device?"),
    _n("SNMP answers, ping does not: {why}"),
    _n("ping answers, SNMP does not: {why}"),
    _n("the profiles {profiles} fit this device, which says that it is {description}, {oid}"),
    _n("no profile fits this device, which says that it is {description}, {oid}"),
    # uplinks and paths
    _n("the near end does not answer either"),
    _n("the interfaces were numbered anew while {name} was being read"),
    _n("the router has not exactly one interface for {what}"),
    _n("the router tells no routes (IP-FORWARD-MIB): is it within what it may be asked for?"),
    _n("no interface is called {name} (by ifName, ifDescr, ifAlias)"),
    _n("{count} interfaces are called {name} (by ifName, ifDescr, ifAlias)"),
    # IPv6
    _n("IPv4 was not judged: {why}"),
    _n("IPv6 was not judged: {why}"),
    _n("IPv4 only: the application has no IPv6 address"),
    _n("IPv4 works, but not at {address}: {why}"),
    _n("IPv6 works, but not at {address}: {why}"),
    _n("IPv4 gives status {status}, IPv6 {other}"),
    # satellite, registration, roll call, exports
    _n("the hub answers"),
    _n("the hub does not answer either"),
    _n("the hub does not answer: {why}"),
    _n(
        "the way did not lead over the satellite: a round trip of {rtt} ms is impossible there, the least is {floor} ms"
    ),
    _n(
        "the shortest round trip of {rtt} ms is longer than one hop with {allowance} ms for everything else: "
        "packets wait in a queue, or go over the satellite twice"
    ),
    _n("the terminal does not say whether it is registered"),
    _n("the terminal is not registered with any station: it is off the air, or no station reaches it"),
    _n("the terminal does not say with which station it is registered"),
    _n("the terminal is registered with {site}, not with {station}"),
    _n("a roll call is entered on the page of base stations; nothing is asked"),
    _n("the export cannot be read: {words}"),
    _n("the export holds no list of equipment"),
    _n("the export has no row with {key} {value}"),
    _n("the export has {count} rows with {key} {value}"),
    _n("{text} is no time in the form that was declared"),
    _n("the export's figures are {age} s old"),
    _n("the export is larger than {count} bytes"),
    _n("{file} cannot be read: {words}"),
    # tests of capacity
    _n("no answer (nothing runs there, or its key is another one)"),
    _n("the reflector refuses: another test is under way there"),
    _n("the reflector refuses: it allows {limit} bit/s of IP packets at most"),
    _n("the reflector refuses: it allows {limit} ms at most"),
    _n("the reflector refuses: it allows {limit} tests an hour"),
    _n("no reflector key is called {name}: see reflector_keys in the inventory"),
    _n("others sent {rate} Mbit/s"),
    _n("what was seen fits both"),
    _n("an emergency was declared"),
    _n("netmon stops"),
    _n("the time was not enough"),
    _n("the reflector fell silent"),
    _n("iperf3 printed no JSON"),
    _n("iperf3's report lacks what the receiver counted"),
    _n("no report within {seconds} s"),
    _n("the program iperf3 is not here: apt-get install iperf3"),
    _n("the timeout is too short for the search: give it a longer one"),
    _n("this machine's own interface takes no packet of {size} bytes: lower largest_bytes"),
    # the monitor's own faults
    _n("the probe overran its timeout of {seconds} s and was cancelled"),
    _n("cannot open an ICMP socket for {family}: {words}"),
    _n(
        "cannot open an ICMP socket: this process has no capability CAP_NET_RAW, and its group is outside "
        'net.ipv4.ping_group_range. Run: sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"'
    ),
    _n("the inventory names no SNMP credentials {name}"),
    _n("SNMP version 3: {words}; privacy needs the package cryptography"),
    _n("netmon never sends a {name}: it only reads"),
    _n("this machine has no {family} address to reach {address} from, only {source}"),
    _n("this machine has no {family} route to {address}: {words}"),
    _n("{address} is no {family} address that this machine can use: {words}"),
    _n("cannot open an {family} socket: {words}"),
    _n("cannot use ca_file {file}: {words}"),
)
SENTENCES: Final = frozenset({"why", "router"})
"""Places that hold a sentence of ours in their turn, or words."""
FOREIGN: Final = frozenset({"words", "description", "text", "location", "wanted", "received", "missing", "surplus"})
"""Places that hold what others say, whatever it is."""
NUMBERS: Final = frozenset({
    "age", "allowance", "another", "count", "floor", "limit", "mtu", "port", "rtt", "seconds", "sent", "size", "told",
})  # fmt: skip


def _expression(pattern: str) -> re.Pattern[str]:
    expression = ""
    for literal, name, _spec, _how in string.Formatter().parse(pattern):
        expression += re.escape(literal)
        if name in NUMBERS:
            expression += f"(?P<{name}>[0-9.e+-]+)"
        elif name in FOREIGN or name in SENTENCES:
            expression += f"(?P<{name}>.+?)"
        elif name:
            # No sentence ends within an address or a name.
            expression += f"(?P<{name}>(?:(?!: |; ).)+?)"
    return re.compile(expression, re.DOTALL)


EXPRESSIONS: Final = tuple(
    (_expression(pattern), pattern)
    for pattern in sorted(PATTERNS, key=lambda pattern: -len(re.sub(r"\{.*?\}", "", pattern)))
)
"""Those with the most words of ours first: what fits several is what fits best."""
LONGEST: Final = 600
"""A longer sentence stays as it is: it would be foreign for the most part, and take long to match."""
MOST_PARTS: Final = 20


def in_words(detail: str) -> str:
    """A probe's sentence in the current language. It holds whatever device's words it held: escape it."""
    if current_language() == "en" or len(detail) > LONGEST:
        return detail
    said = _said(detail)
    return detail if said is None else said


def _said(text: str) -> str | None:
    """A sentence, or several that are joined; ``None`` if nothing in it is known."""
    parts = text.split("; ", MOST_PARTS)
    if len(parts) > 1:
        said = [_one(part) for part in parts]
        if None not in said:
            return _("; ").join(part for part in said if part is not None)
    whole = _one(text)
    if whole is not None or len(parts) == 1:
        return whole
    said = [_one(part) for part in parts]
    if any(part is not None for part in said):
        return _("; ").join(part if new is None else new for part, new in zip(parts, said, strict=True))
    return None


def _one(text: str) -> str | None:
    """One sentence: a pattern, or what was being done, a colon, and what came of it."""
    for expression, pattern in EXPRESSIONS:
        found = expression.fullmatch(text)
        if found is not None:
            return _(pattern).format(**{
                name: (_said(words) or words) if name in SENTENCES else words
                for name, words in found.groupdict().items()
            })  # fmt: skip
    before, colon, after = text.partition(": ")
    if not colon:
        return None
    doing, came = _one(before), _said(after)
    if doing is None and came is None:
        return None
    return _("{doing}: {came}").format(doing=doing or before, came=came or after)
