"""What a target is about."""

from __future__ import annotations

from netmon.impact import Effective, EffectiveStatus
from netmon.targets.scope import Now, now, touched
from tests.netmon.targets.test_standing import REGISTER, SAMPLE


def about(asset: str) -> list[str]:
    found = touched(REGISTER.targets.values(), [SAMPLE.assets[asset]], SAMPLE.sites, SAMPLE.checks.values())
    return [target.id for target in found]


def test_equipment_touches_the_targets_that_name_its_kind_or_its_check() -> None:
    assert about("station-1/uplink") == ["uplink-bandwidth", "link-quality"]
    assert "dispatch-network" in about("battalion/uplink")
    assert about("hilltop-1/repeater") == ["radio-coverage", "radio-sites"]
    assert about("battalion/portal") == ["ipv6"]
    assert about("battalion/ups") == []


def test_now_counts_the_equipment_of_a_target() -> None:
    effective = {
        name: Effective(check_id=name, raw=None, status=EffectiveStatus.UP) for name in SAMPLE.checks
    }  # fmt: skip
    checks, target = SAMPLE.checks.values(), REGISTER.targets["link-quality"]
    links = [asset for asset in SAMPLE.assets.values() if asset.kind == "uplink"]
    whole = now(target, SAMPLE.assets.values(), SAMPLE.sites, checks, effective)
    assert whole == Now(works=len(links), broken=0, unknown=0)
    for name, status in zip(
        ("station-1/uplink/uplink", "station-2/uplink/uplink"),
        (EffectiveStatus.DOWN, EffectiveStatus.UNREACHABLE),
        strict=True,
    ):
        effective[name] = Effective(check_id=name, raw=None, status=status)
    assert now(target, SAMPLE.assets.values(), SAMPLE.sites, checks, effective) == Now(
        works=len(links) - 2, broken=1, unknown=1
    )
