"""What probes say, in Chinese: each sentence of their sources has its pattern, and no device's word is lost."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.detail_words import FOREIGN, LONGEST, NUMBERS, PATTERNS, SENTENCES, in_words
from netmon.i18n import use_language
from probes.wire.capacity import REFUSALS
from probes.wire.failures import CERTIFICATE_FAULTS, OS_FAILURES
from tests.lab.soak import scale

PROBES = Path(__file__).parents[2] / "probes"
SAYING = {"NetworkFailure": 1, "MonitorFault": 0, "network": 0, "failure_of": 1, "_begin": 0, "fail": 1}
"""What takes a sentence, and at which place."""
OTHERS_WORDS = {"{}: {}", "{}, {}: {}"}
"""Of the system or a library, after what was being done."""
PIECEWISE = {
    "{}: the reflector refuses: {}", "the export has {} with {} {}", "{} (by ifName, ifDescr, ifAlias)",
    "{} this device, which says that it is {}, {}",
}  # fmt: skip
"""Put together of words that no single text has; they are among the sentences below."""


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    use_language("zh")
    yield
    use_language("en")


def literal(node: ast.expr) -> str | None:
    """A text with ``{}`` for what is put in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)
    return None


def sentences() -> Iterator[tuple[str, str]]:
    """Place and text of each sentence that a probe's source has where one is taken, or as ``doing`` or ``detail``."""
    for path in sorted(PROBES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            taken: list[ast.expr] = []
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                place = SAYING.get(name)
                taken += node.args[place : place + 1] if place is not None else []
                taken += [each.value for each in node.keywords if each.arg == "detail"]
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in {"doing", "detail"}:
                taken.append(node.value)
            for each in taken:
                text = literal(each)
                if text:
                    yield f"{path.name}:{each.lineno}", text


ALL = sorted(set(sentences()))


def known(text: str) -> bool:
    return re.search(r"[\u4e00-\u9fff]", in_words(text)) is not None


def test_there_are_sentences() -> None:
    assert len(ALL) > 80


@pytest.mark.parametrize(("place", "text"), ALL, ids=[place for place, _text in ALL])
def test_each_sentence_of_a_probe_has_its_pattern(place: str, text: str) -> None:
    if text not in OTHERS_WORDS | PIECEWISE:
        ours = text.removeprefix("{}: ").replace("{}", "7")
        assert known(ours), f"{place}: give netmon/detail_words.py a pattern for this sentence, and translate it"
        assert known(text.replace("{}", "7"))


@pytest.mark.parametrize(
    "text", [words for _failure, words in OS_FAILURES.values()] + list(CERTIFICATE_FAULTS.values())
)
def test_the_words_of_the_system_are_known(text: str) -> None:
    assert known(f"TLS handshake with 192.0.2.1 port 443: {text}")
    assert not re.search("[a-z]{4}", in_words(text))


@pytest.mark.parametrize("text", REFUSALS.values())
def test_refusals_are_known(text: str) -> None:
    said = in_words(f"capacity test with 192.0.2.1 port 9736: the reflector refuses: {text.format(limit=9)}")

    assert said.startswith("与 192.0.2.1 端口 9736 的带宽测试：反射端拒绝：")
    assert not re.search("[a-z]{4}", said.replace("bit/s", ""))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("none of 5 packets answered", "5 个探测包均无应答"),
        ("192.0.2.1: none of 3 packets answered", "192.0.2.1：3 个探测包均无应答"),
        ("far end: none of 10 packets answered; the near end does not answer either",
         "远端：10 个探测包均无应答；近端也无应答"),
        ("TCP connection to 2001:db8::1 port 443: refused, nothing listens there",
         "与 2001:db8::1 端口 443 建立 TCP 连接：被拒绝，对端无服务监听"),
        ("IPv6: TLS handshake with a.example: unknown CA: the certificate is self-signed",
         "IPv6：与 a.example 进行 TLS 握手：签发者不受信任：证书为自签名"),
        ("no_route from this machine (3 of 5 packets)", "本机 报告目的不可达（5 个包中 3 个）"),
        ("ping answers, SNMP does not: looking up a.example: no answer within 2 s",
         "ping 有应答，SNMP 无应答：查询 a.example 的地址：2 秒内无应答"),
        ("the export has no row with 'id' '7'", "导出数据中没有 'id' 为 '7' 的行"),
        ("the export has 3 rows with 'id' '7'", "导出数据中 'id' 为 '7' 的行有 3 行"),
        ("no interface is called 'wan' (by ifName, ifDescr, ifAlias)",
         "没有名为 'wan' 的接口（按 ifName、ifDescr、ifAlias 查找）"),
        ("2 interfaces are called 'wan' (by ifName, ifDescr, ifAlias)",
         "名为 'wan' 的接口有 2 个（按 ifName、ifDescr、ifAlias 查找）"),
        ("no profile fits this device, which says that it is 'A: b; c', '1.3.6.1'",
         "没有适用于本设备的型号模板，设备自称 'A: b; c'，'1.3.6.1'"),
        ("the profiles a and b fit this device, which says that it is 'x', '1.3'",
         "设备型号模板 a and b 均适用于本设备，设备自称 'x'，'1.3'"),
        ("expected 'OK; now: yes', the reply begins '{0} %s'", "预期 'OK; now: yes'，应答开头为 '{0} %s'"),
        ("others sent 20.0 Mbit/s", "其他流量为 20.0 Mbit/s"),
        ("a device said: something odd", "a device said: something odd"),
    ],
)  # fmt: skip
def test_sentences_in_chinese(text: str, said: str) -> None:
    assert in_words(text) == said


places = {
    "number": st.integers(0, 10**6).map(str),
    "foreign": st.text(min_size=1, max_size=40),
    "address": st.from_regex(r"[a-z0-9.:-]{1,30}", fullmatch=True).filter(lambda text: not text.endswith(":")),
}


@settings(max_examples=scale(200, 20_000))
@given(st.data())
def test_no_device_word_is_lost(data: st.DataObject) -> None:
    """What is put into a pattern comes out in the other language, letter for letter."""
    pattern = data.draw(st.sampled_from(PATTERNS))
    names = {name for _text, name, _spec, _how in string.Formatter().parse(pattern) if name}
    given_words = {
        name: data.draw(places["number" if name in NUMBERS else "foreign" if name in FOREIGN else "address"])
        for name in names - SENTENCES
    } | dict.fromkeys(names & SENTENCES, "none of 5 packets answered")
    text = pattern.format(**given_words)

    said = in_words(text)

    if len(text) <= LONGEST:
        for name, words in given_words.items():
            if name not in SENTENCES and name not in FOREIGN:
                assert words in said, (text, said)


@given(st.text(max_size=200))
def test_foreign_text_passes(text: str) -> None:
    if not any(mark in text for mark in (": ", "; ")):
        assert in_words(text) == text


@given(st.sampled_from(PATTERNS))
def test_in_english_it_is_what_was_stored(pattern: str) -> None:
    use_language("en")
    text = pattern.replace("{", "").replace("}", "")

    assert in_words(text) is text
    use_language("zh")
