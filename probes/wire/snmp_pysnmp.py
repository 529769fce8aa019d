"""SNMP by pysnmp: version 3, and the reference that the engine for communities is compared with.

One pysnmp engine serves all devices. Its dispatcher is replaced by one that lets only the three reading PDUs pass:
it sits before encoding and encryption, so it holds for version 3 as well.
"""

from __future__ import annotations

import asyncio
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine as Engine
from pysnmp.entity.rfc3413 import cmdgen
from pysnmp.proto import errind
from pysnmp.proto.api import v2c
from pysnmp.proto.error import StatusInformation
from pysnmp.proto.rfc3412 import MsgAndPduDispatcher

from probes.base import Failure, MonitorFault, NetworkFailure
from probes.wire.snmp_auth import SnmpAuth
from probes.wire.snmp_engine import RETRANSMISSIONS
from probes.wire.snmp_message import NUMBERS, SYNTAXES, Binding, Oid, Request, Response, Syntax, Value

__all__ = ["PysnmpEngine", "add_user"]

AUTH_PROTOCOLS = {
    "MD5": config.USM_AUTH_HMAC96_MD5,
    "SHA": config.USM_AUTH_HMAC96_SHA,
    "SHA-224": config.USM_AUTH_HMAC128_SHA224,
    "SHA-256": config.USM_AUTH_HMAC192_SHA256,
    "SHA-384": config.USM_AUTH_HMAC256_SHA384,
    "SHA-512": config.USM_AUTH_HMAC384_SHA512,
}
PRIVACY_PROTOCOLS = {
    "DES": config.USM_PRIV_CBC56_DES,
    "AES-128": config.USM_PRIV_CFB128_AES,
    "AES-192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "AES-256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
    "AES-192-C": config.USM_PRIV_CFB192_AES,
    "AES-256-C": config.USM_PRIV_CFB256_AES,
}
REFUSALS = {
    errind.UnknownUserName: "it does not know the user",
    errind.UnknownSecurityName: "it does not know the user",
    errind.WrongDigest: "wrong authentication password or protocol",
    errind.AuthenticationFailure: "wrong authentication password or protocol",
    errind.AuthenticationError: "wrong authentication password or protocol",
    errind.DecryptionError: "wrong privacy password or protocol",
    errind.UnsupportedSecurityLevel: "it does not allow this security level",
}
OUR_FAULTS = (errind.EncryptionError, errind.UnsupportedAuthProtocol, errind.UnsupportedPrivProtocol)
INTERVALS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Retransmission intervals that are used: pysnmp keeps a row per device and interval, so they must be few."""


class ReadOnlyDispatcher(MsgAndPduDispatcher):  # type: ignore[misc]  # pysnmp has no types
    """Refuses every PDU that could change something on a device."""

    def send_pdu(self, *args: Any, **options: Any) -> Any:
        """Pass Get, GetNext and GetBulk on; raise :class:`~probes.base.MonitorFault` for anything else."""
        pdu = args[PDU_ARGUMENT]
        if _tag(pdu) not in set(Request):
            raise MonitorFault(f"netmon never sends a {type(pdu).__name__}: it only reads")
        return super().send_pdu(*args, **options)


PDU_ARGUMENT = 10
"""Where ``send_pdu`` has its PDU (RFC 3412 section 4.1.1 gives the order)."""


class PysnmpEngine:
    """The engine for version 3. Starts pysnmp at first use, in the running event loop."""

    def __init__(self) -> None:
        self._peers: list[_Peers] = []

    async def request(
        self,
        kind: Request,
        address: tuple[str, int],
        auth: SnmpAuth,
        oids: tuple[Oid, ...],
        *,
        max_repetitions: int,
        timeout: float,
    ) -> Response:
        """See :class:`~probes.wire.snmp_engine.SnmpEngine`."""
        peers = self._peers_for(auth)
        answer: asyncio.Future[tuple[Any, Any]] = asyncio.get_running_loop().create_future()

        def received(_engine: Any, _handle: Any, indication: Any, pdu: Any, _context: Any) -> None:
            if not answer.done() and not isinstance(indication, errind.RequestTimedOut):
                answer.set_result((indication, pdu))

        where = f"{address[0]} port {address[1]}"
        try:
            async with asyncio.timeout(timeout):
                target = peers.target(address, auth, timeout)
                request = _pdu(kind, oids, max_repetitions)
                cmdgen.CommandGenerator().send_pdu(peers.engine, target, None, "", request, received, None)
                indication, pdu = await answer
        except TimeoutError:
            raise NetworkFailure(
                Failure.TIMEOUT,
                f"no SNMP answer from {where} within {timeout:.3g} s"
                + (" (devices also keep silent when the privacy password is wrong)" if auth.privacy_password else ""),
            ) from None
        except StatusInformation as error:
            # Its text can hold message parts, so only the indication goes on.
            raise _failure(error.get("errorIndication"), where) from None
        if indication is not None:
            raise _failure(indication, where)
        return _response(pdu)

    def close(self) -> None:
        """Close the sockets and stop pysnmp's timer."""
        for peers in self._peers:
            peers.engine.close_dispatcher()
        self._peers.clear()

    def _peers_for(self, auth: SnmpAuth) -> _Peers:
        for peers in self._peers:
            if auth.version != "3" or peers.users.setdefault(auth.user, auth) == auth:
                return peers
        self._peers.append(_Peers({auth.user: auth}))
        return self._peers[-1]


class _Peers:
    """One pysnmp engine and what it knows of users, devices and transports (RFC 3413, RFC 3414 tables).

    An engine knows a user by name alone. Only where the inventory gives one name two sets of passwords, for different
    devices, does a second engine come into being.
    """

    def __init__(self, users: dict[str, SnmpAuth]) -> None:
        self.engine = Engine(msgAndPduDsp=ReadOnlyDispatcher())
        self.users = users
        self._credentials: dict[SnmpAuth, str] = {}
        self._targets: dict[tuple[tuple[str, int], str, float], str] = {}
        self._transports: set[Any] = set()

    def target(self, address: tuple[str, int], auth: SnmpAuth, timeout: float) -> str:
        """The name of the row that stands for this device, user and timeout."""
        credentials = self._credentials.get(auth) or self._add_credentials(auth)
        # Never too short: pysnmp gives up by itself after the last interval, and the deadline is ours to keep.
        wanted = timeout / (RETRANSMISSIONS + 1)
        interval = next((step for step in INTERVALS if step >= wanted), INTERVALS[-1])
        key = (address, credentials, interval)
        name = self._targets.get(key)
        if name is None:
            carrier = udp6 if ":" in address[0] else udp
            transport = udp6.Udp6AsyncioTransport if carrier is udp6 else udp.UdpAsyncioTransport
            if carrier not in self._transports:
                config.add_transport(self.engine, carrier.DOMAIN_NAME, transport().open_client_mode())
                self._transports.add(carrier)
            name = self._targets[key] = f"target{len(self._targets)}"
            where = (*address, 0, 0) if carrier is udp6 else address
            config.add_target_address(
                self.engine, name, carrier.DOMAIN_NAME, where, credentials, interval * 100, RETRANSMISSIONS
            )
        return name

    def _add_credentials(self, auth: SnmpAuth) -> str:
        name = self._credentials[auth] = f"credentials{len(self._credentials)}"
        if auth.version != "3":
            config.add_v1_system(self.engine, name, auth.community, securityName=name)
            config.add_target_parameters(self.engine, name, name, "noAuthNoPriv", 0 if auth.version == "1" else 1)
            return name
        level = "authPriv" if auth.privacy_password else "authNoPriv" if auth.auth_password else "noAuthNoPriv"
        add_user(self.engine, auth)
        config.add_target_parameters(self.engine, name, auth.user, level, 3)
        return name


def add_user(engine: Any, auth: SnmpAuth, engine_id: bytes | None = None) -> None:
    """Make a version 3 user known to a pysnmp engine; for the engine ``engine_id``, where it is another one."""
    config.add_v3_user(
        engine,
        auth.user,
        AUTH_PROTOCOLS[auth.auth_protocol] if auth.auth_password else config.USM_AUTH_NONE,
        auth.auth_password or None,
        PRIVACY_PROTOCOLS[auth.privacy_protocol] if auth.privacy_password else config.USM_PRIV_NONE,
        auth.privacy_password or None,
        securityEngineId=None if engine_id is None else v2c.OctetString(engine_id),
    )


def _pdu(kind: Request, oids: tuple[Oid, ...], max_repetitions: int) -> Any:
    if kind is Request.GET_BULK:
        pdu = v2c.GetBulkRequestPDU()
        v2c.apiBulkPDU.set_defaults(pdu)
        v2c.apiBulkPDU.set_max_repetitions(pdu, max_repetitions)
    else:
        pdu = v2c.GetRequestPDU() if kind is Request.GET else v2c.GetNextRequestPDU()
        v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_varbinds(pdu, [(oid, v2c.Null("")) for oid in oids])
    return pdu


def _response(pdu: Any) -> Response:
    return Response(
        int(v2c.apiPDU.get_request_id(pdu)),
        int(v2c.apiPDU.get_error_status(pdu)),
        int(v2c.apiPDU.get_error_index(pdu, muteErrors=True)),
        tuple(_binding(name, value) for name, value in v2c.apiPDU.get_varbinds(pdu)),
    )


def _binding(name: Any, value: Any) -> Binding:
    syntax = SYNTAXES[_tag(value)]
    plain: int | bytes | str
    if syntax in NUMBERS:
        plain = int(value)
    elif syntax in (Syntax.OID, Syntax.ADDRESS):
        plain = value.prettyPrint()
    elif syntax in (Syntax.OCTETS, Syntax.OPAQUE):
        plain = value.asOctets()
    else:
        plain = b""
    return tuple(name), Value(syntax, plain)


def _tag(value: Any) -> int:
    """The tag octet as it is on the wire: class, form and number (X.690 section 8.1.2)."""
    tag = value.tagSet[-1]
    return int(tag.tagClass | tag.tagFormat | tag.tagId)


def _failure(indication: Any, where: str) -> Exception:
    """What pysnmp could not do, as a state of the network, or as a fault of ours."""
    words = REFUSALS.get(type(indication))
    if words is not None:
        return NetworkFailure(Failure.AUTHENTICATION, f"{where} refused our SNMP credentials: {words}")
    if isinstance(indication, OUR_FAULTS):
        return MonitorFault(f"SNMP version 3: {indication}; privacy needs the package cryptography")
    return NetworkFailure(Failure.BAD_REPLY, f"{where} gave no usable SNMP answer: {indication}")
