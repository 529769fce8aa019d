"""The codec agrees with pysnmp's in both directions, and survives whatever octets come."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v1, v2c

from probes.wire.snmp_message import (
    NUMBERS,
    MessageError,
    Request,
    Syntax,
    Value,
    decode_response,
    encode_request,
    format_oid,
    parse_oid,
)
from tests.lab.soak import damaged, scale

OIDS = st.tuples(st.just(1), st.integers(0, 39), st.integers(0, 2**32 - 1)).flatmap(
    lambda head: st.lists(st.integers(0, 2**32 - 1), max_size=20).map(lambda tail: (*head, *tail))
)
VALUES = st.one_of(
    st.integers(-(2**31), 2**31 - 1).map(lambda n: (v2c.Integer32(n), Value(Syntax.INTEGER, n))),
    st.integers(0, 2**32 - 1).map(lambda n: (v2c.Counter32(n), Value(Syntax.COUNTER32, n))),
    st.integers(0, 2**32 - 1).map(lambda n: (v2c.Gauge32(n), Value(Syntax.GAUGE32, n))),
    st.integers(0, 2**32 - 1).map(lambda n: (v2c.TimeTicks(n), Value(Syntax.TIMETICKS, n))),
    st.integers(0, 2**64 - 1).map(lambda n: (v2c.Counter64(n), Value(Syntax.COUNTER64, n))),
    st.binary(max_size=300).map(lambda b: (v2c.OctetString(b), Value(Syntax.OCTETS, b))),
    OIDS.map(lambda oid: (v2c.ObjectIdentifier(oid), Value(Syntax.OID, format_oid(oid)))),
    st.ip_addresses(v=4).map(lambda ip: (v2c.IpAddress(str(ip)), Value(Syntax.ADDRESS, str(ip)))),
    st.builds(lambda: (v2c.NoSuchObject(""), Value(Syntax.NO_SUCH_OBJECT, b""))),
    st.builds(lambda: (v2c.NoSuchInstance(""), Value(Syntax.NO_SUCH_INSTANCE, b""))),
    st.builds(lambda: (v2c.EndOfMibView(""), Value(Syntax.END_OF_MIB_VIEW, b""))),
)


def response(bindings: list[Any], *, request_id: int = 5, api: Any = v2c) -> bytes:
    """A response as pysnmp encodes it."""
    pdu = api.GetResponsePDU()
    api.apiPDU.set_defaults(pdu)
    api.apiPDU.set_request_id(pdu, request_id)
    api.apiPDU.set_varbinds(pdu, bindings)
    message = api.Message()
    api.apiMessage.set_defaults(message)
    api.apiMessage.set_community(message, "public")
    api.apiMessage.set_pdu(message, pdu)
    return bytes(encoder.encode(message))


@pytest.mark.soak
@given(st.lists(st.tuples(OIDS, VALUES), max_size=8), st.integers(-(2**31), 2**31 - 1))
def test_what_pysnmp_encodes_is_read_as_it_was_meant(bindings: list[Any], request_id: int) -> None:
    octets = response([(oid, theirs) for oid, (theirs, _) in bindings], request_id=request_id)

    version, found = decode_response(octets)

    assert version == 1
    assert found.request_id == request_id
    assert found.bindings == tuple((oid, ours) for oid, (_, ours) in bindings)


@pytest.mark.soak
@given(
    st.sampled_from(list(Request)),
    st.integers(0, 1),
    st.lists(OIDS, min_size=1, max_size=30),
    st.integers(0, 2**31 - 1),
    st.integers(0, 100),
)
def test_what_is_encoded_is_read_by_pysnmp_as_it_was_meant(
    kind: Request, version: int, oids: list[Any], request_id: int, repetitions: int
) -> None:
    api: Any = v2c if version or kind is Request.GET_BULK else v1
    octets = encode_request(
        kind,
        version=0 if api is v1 else 1,
        community=b"public",
        request_id=request_id,
        oids=tuple(oids),
        max_repetitions=repetitions if kind is Request.GET_BULK else 0,
    )

    message, rest = decoder.decode(octets, asn1Spec=api.Message())
    pdu = api.apiMessage.get_pdu(message)

    assert rest == b""
    assert api.apiMessage.get_community(message) == b"public"
    names = {Request.GET: "GetRequestPDU", Request.GET_NEXT: "GetNextRequestPDU", Request.GET_BULK: "GetBulkRequestPDU"}
    assert type(pdu).__name__ == names[kind]
    assert api.apiPDU.get_request_id(pdu) == request_id
    assert [tuple(oid) for oid, _ in api.apiPDU.get_varbinds(pdu)] == oids
    if kind is Request.GET_BULK:
        assert v2c.apiBulkPDU.get_max_repetitions(pdu) == repetitions
        assert v2c.apiBulkPDU.get_non_repeaters(pdu) == 0


@pytest.mark.soak
@given(st.binary(max_size=200))
def test_random_octets_are_refused_in_an_orderly_way(octets: bytes) -> None:
    with pytest.raises(MessageError):
        decode_response(octets)


@pytest.mark.soak
@given(st.data())
def test_a_damaged_response_is_read_or_refused_and_nothing_else_happens(data: st.DataObject) -> None:
    octets = bytearray(
        response([((1, 3, 6, 1, 2, 1, 1, 1, 0), v2c.OctetString(b"x" * 200)), ((1, 3), v2c.Counter64(7))])
    )
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(MessageError):
        decode_response(bytes(octets))


@pytest.mark.soak
def test_no_damage_brings_anything_but_a_message_error() -> None:
    """And what is read all the same is of the types that are promised."""
    values = [
        v2c.OctetString(b"x" * 200), v2c.Counter64(2**64 - 1), v2c.Integer32(-1), v2c.ObjectIdentifier((1, 3, 6, 1)),
        v2c.IpAddress("192.0.2.1"), v2c.TimeTicks(7), v2c.NoSuchInstance(""), v2c.EndOfMibView(""),
    ]  # fmt: skip
    table = [((1, 3, 6, 1, 2, 1, 2, 2, 1, 10, index), value) for index, value in enumerate(values)]
    originals = [response(table), response(table[2:4], api=v1), *(response([binding]) for binding in table)]
    read = 0
    for octets in damaged(originals, scale(5_000, 5_000_000)):
        try:
            version, found = decode_response(octets)
        except MessageError:
            continue
        except Exception as error:
            raise AssertionError(octets.hex()) from error
        read += 1
        assert version in (0, 1), octets.hex()
        assert all(
            isinstance(value.value, int) if value.syntax in NUMBERS else isinstance(value.value, bytes | str)
            for _, value in found.bindings
        ), octets.hex()
    assert read


def test_every_truncation_is_refused() -> None:
    octets = response([((1, 3, 6, 1, 2, 1, 1, 1, 0), v2c.OctetString(b"text")), ((1, 3, 6, 1), v2c.Integer32(-1))])

    for size in range(len(octets)):
        with pytest.raises(MessageError):
            decode_response(octets[:size])


def test_a_request_is_no_response() -> None:
    request = encode_request(Request.GET, version=1, community=b"c", request_id=1, oids=((1, 3),))

    with pytest.raises(MessageError, match="tag 0xa0 where 0xa2 belongs"):
        decode_response(request)


def test_there_is_no_way_to_name_a_request_that_writes() -> None:
    assert {kind.value for kind in Request} == {0xA0, 0xA1, 0xA5}
    with pytest.raises(ValueError, match="163"):
        encode_request(0xA3, version=1, community=b"c", request_id=1, oids=((1, 3),))  # type: ignore[arg-type]  # the point


def test_unsigned_numbers_without_the_leading_zero_octet_are_understood() -> None:
    octets = response([((1, 3), v2c.Counter32(2**32 - 1))])
    shortened = octets.replace(b"\x41\x05\x00\xff\xff\xff\xff", b"\x41\x04\xff\xff\xff\xff")
    # Every length around it is one octet shorter.
    fixed = bytearray(shortened)
    for at in (1, octets.index(0xA2) + 1, len(octets) - 11, len(octets) - 13):
        fixed[at] -= 1

    _, found = decode_response(bytes(fixed))

    assert found.bindings == (((1, 3), Value(Syntax.COUNTER32, 2**32 - 1)),)


@pytest.mark.parametrize("text", ["", "1", "1.", "a.b", "1.40", "3.1", "1.3.-6", "1..3", "1.3.4294967296", "1.3.²"])
def test_what_is_no_oid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="OID"):
        parse_oid(text)


def test_oids_are_written_and_read() -> None:
    assert parse_oid(".1.3.6.1") == parse_oid("1.3.6.1") == (1, 3, 6, 1)
    assert format_oid((1, 3, 6, 1)) == "1.3.6.1"
