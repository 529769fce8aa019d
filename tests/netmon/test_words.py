"""Figures carry their unit, reasons their figures, and every closed word has a text."""

from __future__ import annotations

import pytest

from netmon.i18n import use_language
from netmon.model import Reason, ReasonCode, Status
from netmon.words import FAILURE, STATES, STATUS, duration, fact_name, figure, reading_name, reason_sentence
from probes import KINDS
from probes.base import Failure


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("rtt_median_seconds", 0.0203, "20.3 ms"),
        ("rtt_median_seconds", 0.000041, "41 µs"),
        ("rtt_median_seconds", 0.0, "0 ms"),
        ("tls_seconds", 1.5, "1.5 s"),
        ("certificate_remaining_seconds", 30 * 86400.0, "30 days"),
        ("loss_ratio[far]", 0.125, "12.5 %"),
        ("interface_speed_bits_per_second[near]", 50e6, "50 Mbit/s"),
        ("in_bytes_per_second", 999.0, "999 B/s"),
        ("vswr_ratio", 1.5, "1.5"),
        ("rssi_dbm[1]", -93.0, "-93 dBm"),
        ("received", 20.0, "20"),
        ("severely_errored_seconds", 0.0, "0 s"),
        ("mos_cqe", 4.3676, "4.37"),
        ("burst_ratio", 15.68, "15.7"),
    ],
)
def test_a_figure_carries_its_unit(key: str, value: float, expected: str) -> None:
    """A ratio of powers is no percentage, a share of packets is."""
    assert figure(key, value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (320, "5 min 20 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (86400, "1 d"),
        (90061, "1 d 1 h"),
        (-5, "0 s"),
    ],
)
def test_a_duration_has_its_two_largest_parts(seconds: float, expected: str) -> None:
    """Enough to act on."""
    assert duration(seconds) == expected


def test_every_status_and_failure_has_a_word() -> None:
    """The enums are closed, so are these tables."""
    assert set(STATUS) == set(Status)
    assert set(FAILURE) == set(Failure)


@pytest.mark.parametrize("code", list(ReasonCode))
def test_every_reason_makes_a_sentence(code: ReasonCode) -> None:
    """No code falls through."""
    subject = Failure.TIMEOUT.value if code is ReasonCode.FAILURE else "loss_ratio"
    sentence = reason_sentence(
        Reason(code=code, status=Status.DOWN, subject=subject, value=0.2, limit=0.05, text="words")
    )
    assert sentence
    if code is ReasonCode.ABOVE:
        assert sentence == "packet loss 20 % is above 5 %"


def state(name: str, word: str) -> Reason:
    return Reason(code=ReasonCode.STATE, status=Status.DEGRADED, subject=name, text=word)


@pytest.mark.parametrize(
    ("reason", "english", "chinese"),
    [
        (
            state("path", "terrestrial"),
            "way of the packets: not over the satellite: the round trip is too short for it",
            "数据路径：未经卫星，往返时延小于卫星链路的物理下限",
        ),
        (
            state("path", "unheard of"),
            "way of the packets: unheard of",
            "数据路径：unheard of",
        ),
        (
            state("bandwidth[to_site]", "below"),
            "bandwidth [to the site]: below the target",
            "带宽 [到站]：低于目标",
        ),
        (
            state("vswr_alarm[2]", "high"),
            "standing wave alarm [2]: the device reports high",
            "驻波告警 [2]：设备报告 high",
        ),
        (
            Reason(code=ReasonCode.BELOW, status=Status.DEGRADED, subject="snmp_up", value=0.0, limit=1.0),
            "SNMP does not answer",
            "SNMP 无应答",
        ),
        (state("odd", "high"), "odd: the device reports high", "odd：设备报告 high"),
    ],
)
def test_states_and_answers_have_words_of_their_own(reason: Reason, english: str, chinese: str) -> None:
    sentences = []
    for language in ("en", "zh"):
        use_language(language)
        sentences.append(reason_sentence(reason))
    use_language("en")

    assert sentences == [english, chinese]


def test_every_such_state_belongs_to_a_kind() -> None:
    declared = {name for kind in KINDS.values() for name in kind.states}
    assert set(STATES) <= declared


def test_every_reading_of_every_kind_has_a_name_in_chinese() -> None:
    """Readings of vendor profiles among them: what a threshold may judge, people on call may read."""
    names = {reading.name for kind in KINDS.values() for reading in kind.readings}
    names |= {counter.rate for kind in KINDS.values() for counter in kind.counters}
    use_language("zh")
    words = {name: reading_name(name) for name in names}
    use_language("en")
    assert [name for name, word in words.items() if word == name or word.isascii()] == []


def test_a_device_state_is_named_and_its_word_translated_by_its_profile() -> None:
    reason = Reason(code=ReasonCode.STATE, status=Status.DEGRADED, subject="vswr_alarm", text="alarm")
    use_language("zh")
    sentence = reason_sentence(reason)
    use_language("en")
    assert sentence == "驻波告警：设备报告 告警"


def test_facts_have_names_in_the_readers_language() -> None:
    assert fact_name("undecided[to_site]").startswith("no verdict, since [")
    use_language("zh")
    assert fact_name("undecided[to_site]").startswith("未能判定，原因 [")
    assert fact_name("certificate_subject") == "certificate_subject"
    use_language("en")
