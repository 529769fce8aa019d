"""The checks of one piece of equipment: built-in defaults, then the file's defaults, then what is written at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netmon.config.defaults import CHECK_DEFAULTS, EQUIPMENT_CHECKS, CheckDefaults
from netmon.config.errors import nearest, shown
from netmon.config.hosts import check_host
from netmon.config.shape import ID, CheckShape, DefaultsShape, EndpointShape, EquipmentShape
from netmon.config.units import UnitError, duration_text, parse_quantity
from netmon.config.validate import validate
from netmon.config.yaml_positions import Document, Path
from netmon.i18n import _
from netmon.model import Asset, Check, Threshold
from probes.base import Endpoint, Family, Params, ProbeKind, split_key

__all__ = ["CheckBuilder"]

LIMITS = ("degraded_above", "degraded_below", "down_above", "down_below")


class CheckBuilder:
    """Collects checks.

    Attributes:
        checks: by id.
    """

    def __init__(
        self,
        document: Document,
        kinds: Mapping[str, ProbeKind[Any]],
        defaults: Mapping[str, DefaultsShape],
        auths: frozenset[str],
    ) -> None:
        self.checks: dict[str, Check] = {}
        self._document = document
        self._kinds = kinds
        self._defaults = defaults
        self._auths = auths

    def add(self, path: Path, asset: Asset, shape: EquipmentShape) -> None:
        """The checks of one asset, which stands at ``path``."""
        wanted: dict[str, CheckShape] = {
            name: CheckShape(kind=kind) for name, kind in EQUIPMENT_CHECKS[asset.kind].items() if kind in self._kinds
        }
        for name, value in shape.checks.items():
            place = (*path, "checks", name)
            if not ID.fullmatch(name):
                what = _("{value} is no id").format(value=shown(name))
                self._document.report(place, what, key=True, write=_("lower-case letters, digits and '-'"))
                continue
            given = validate(self._document, place, CheckShape, _written(value))
            if given is None:
                wanted.pop(name, None)
                continue
            if given.kind is None and name not in wanted:
                self._document.report(
                    place, _("a {kind} has no check {name} of its own").format(kind=asset.kind, name=shown(name)),
                    key=True, nearest=nearest(name, wanted), write=_("`kind:` with a probe kind for a further check"),
                )  # fmt: skip
                continue
            kind = given.kind or wanted[name].kind
            wanted[name] = given.model_copy(update={"kind": kind})
        for name, check in wanted.items():
            if check.enabled:
                self._add_check(path, asset, shape, name, check)

    def _add_check(self, path: Path, asset: Asset, shape: EquipmentShape, name: str, given: CheckShape) -> None:
        place: Path = (*path, "checks", name) if name in shape.checks else path
        kind = self._kinds.get(given.kind or "")
        if kind is None:
            self._document.report(
                (*place, "kind"), _("no probe kind {name}").format(name=shown(given.kind)),
                nearest=nearest(given.kind or "", self._kinds),
                write=_("one of {keys}").format(keys=", ".join(self._kinds)),
            )  # fmt: skip
            return
        base = CHECK_DEFAULTS.get(kind.name, CheckDefaults())
        common = self._defaults.get(kind.name, DefaultsShape())
        before = len(self._document.problems)
        params = self._params(place, kind, common, given)
        endpoints = self._endpoints(path, place, kind, shape, given, name)
        thresholds = self._thresholds(place, kind, base, common, given)
        interval = given.interval or common.interval or base.interval_seconds
        timeout = given.timeout or common.timeout or min(base.timeout_seconds, interval / 2)
        confirm = next((each for each in (given.confirm, common.confirm) if each is not None), base.confirm_seconds)
        if timeout >= interval:
            self._document.report(
                (*place, "timeout" if given.timeout else "interval"),
                _("the timeout {timeout} is not less than the interval {interval}").format(
                    timeout=duration_text(timeout), interval=duration_text(interval)
                ),
                write=_("a shorter timeout or a longer interval"),
            )
        if params is None or len(self._document.problems) > before:
            return
        check = Check(
            id=f"{asset.id}/{name}",
            site=asset.site,
            asset=asset.id,
            kind=kind.name,
            endpoints=endpoints,
            params=params,
            interval_seconds=interval,
            timeout_seconds=timeout,
            thresholds=thresholds,
            confirm_seconds=confirm or None,
            vantage=given.vantage or common.vantage or "main",
        )
        self.checks[check.id] = check

    def _params(self, place: Path, kind: ProbeKind[Any], common: DefaultsShape, given: CheckShape) -> Params | None:
        for key in common.params:
            if key not in kind.params.model_fields:
                return self._validated(("defaults", kind.name, "params"), kind, common.params)
        params = self._validated((*place, "params"), kind, {**common.params, **given.params})
        if params is not None:
            for field in kind.params.model_fields:
                name = getattr(params, field)
                if (field == "auth" or field.endswith("_auth")) and name and name not in self._auths:
                    self._document.report(
                        (*place, "params", field), _("no SNMP credentials {name}").format(name=shown(name)),
                        nearest=nearest(name, self._auths), write=_("a name that stands under snmp_auths"),
                    )  # fmt: skip
        return params

    def _validated(self, place: Path, kind: ProbeKind[Any], values: dict[str, Any]) -> Params | None:
        readable = {}
        for key, value in values.items():
            readable[key] = value
            if isinstance(value, str) and key.endswith(("_seconds", "_bits_per_second", "_ratio")):
                try:
                    readable[key] = parse_quantity(value, key)
                except UnitError as error:
                    self._document.report((*place, key), error.what, write=error.write)
                    return None
        return validate(self._document, place, kind.params, readable)

    def _endpoints(
        self, path: Path, place: Path, kind: ProbeKind[Any], shape: EquipmentShape, given: CheckShape, name: str
    ) -> dict[str, Endpoint]:
        written: dict[str, tuple[Path, EndpointShape]] = {}
        for where, source in ((path, shape), (place, given)):
            if source.address is not None:
                written["host"] = ((*where, "address"), source.address)
            written.update({role: ((*where, "endpoints", role), end) for role, end in source.endpoints.items()})
        found = {}
        for role in kind.roles:
            if role not in written:
                self._document.report(
                    place, _("the check {name} needs the endpoint {role}").format(name=shown(name), role=role),
                    write=_("`address:`") if role == "host" else _("`endpoints: {{{role}: ...}}`").format(role=role),
                )  # fmt: skip
                continue
            where, end = written[role]
            try:
                literal = check_host(end.host)
            except UnitError as error:
                self._document.report(where, error.what, write=error.write)
                continue
            if literal is not None and end.family is not None and end.family != literal.value:
                what = _("{host} is no {family} address").format(host=end.host, family=end.family)
                self._document.report((*where, "family"), what, write=literal.value)
            family = literal or Family(end.family or "ipv4")
            found[role] = Endpoint(host=end.host, family=family, port=end.port)
        return found

    def _thresholds(
        self, place: Path, kind: ProbeKind[Any], base: CheckDefaults, common: DefaultsShape, given: CheckShape
    ) -> tuple[Threshold, ...]:
        known = {reading.name for reading in kind.readings} | {counter.rate for counter in kind.counters}
        merged = {threshold.reading: threshold for threshold in base.thresholds}
        for where, limits in ((("defaults", kind.name), common.thresholds), (place, given.thresholds)):
            for reading, value in limits.items():
                spot: Path = (*where, "thresholds", reading)
                name, _index = split_key(reading)
                if name not in known and not kind.open_ended:
                    what = _("the kind {kind} has no reading {name}").format(kind=kind.name, name=shown(name))
                    self._document.report(spot, what, key=True, nearest=nearest(name, known))
                elif value is False or value is None:
                    merged.pop(reading, None)
                elif (threshold := self._threshold(spot, reading, name, value)) is not None:
                    merged[reading] = threshold
        return tuple(merged.values())

    def _threshold(self, spot: Path, reading: str, name: str, value: Any) -> Threshold | None:
        write = _("limits such as {example}, or off").format(example="{degraded_above: 0.05}")
        if not isinstance(value, dict) or not value:
            self._document.report(spot, _("{value} is no limit").format(value=shown(value)), write=write)
            return None
        limits: dict[str, float] = {}
        for key, figure in value.items():
            if key not in LIMITS:
                what = _("unknown key {key}").format(key=shown(key))
                self._document.report(
                    (*spot, key), what, key=True, nearest=nearest(key, LIMITS),
                    write=_("one of {keys}").format(keys=", ".join(LIMITS)),
                )  # fmt: skip
                return None
            try:
                limits[key] = parse_quantity(figure, name)
            except UnitError as error:
                self._document.report((*spot, key), error.what, write=error.write)
                return None
        for degraded, down, sign in (("degraded_above", "down_above", 1), ("degraded_below", "down_below", -1)):
            if degraded in limits and down in limits and sign * limits[down] < sign * limits[degraded]:
                what = _("{down} is passed before {degraded}").format(down=down, degraded=degraded)
                self._document.report((*spot, down), what, write=_("a limit further out"))
        return Threshold(reading=reading, **limits)


def _written(value: Any) -> Any:
    """``ping: off`` is short for ``ping: {enabled: false}``, and ``ping:`` for the defaults."""
    if value is None:
        return {}
    return {"enabled": value} if isinstance(value, bool) else value
