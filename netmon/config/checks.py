"""The checks of one piece of equipment: built-in defaults, then the file's defaults, then what is written at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from netmon.config.defaults import CHECK_DEFAULTS, EQUIPMENT_CHECKS, ONLY_WITH_ENDS, SAME_SERVICE, CheckDefaults
from netmon.config.errors import nearest, shown
from netmon.config.hosts import check_host
from netmon.config.shape import ID, CheckShape, DefaultsShape, EndpointShape, EquipmentShape, KindDefaultsShape
from netmon.config.units import UnitError, duration_text, parse_quantity
from netmon.config.validate import validate
from netmon.config.yaml_positions import Document, Path
from netmon.i18n import _, _n
from netmon.model import Asset, Check, Threshold
from probes import profiles
from probes.base import Endpoint, Family, Params, ProbeKind, split_key
from probes.profiles import Profile, ReadingSpec
from probes.profiles.auto import AUTO, AUTO_KINDS

__all__ = ["CheckBuilder", "Defaults"]

LIMITS = ("degraded_above", "degraded_below", "down_above", "down_below")
PLACE = frozenset({"latitude", "longitude"})
"""A kind that has these parameters takes them from the equipment's place, unless they are written."""

PAUSE_SECONDS = 1.0
"""A check that measures continuously ends so long before it begins again: no run may find the one before at work."""

ADDRESSES = {
    Family.IPV4: _n("an address such as 192.0.2.1"),
    Family.IPV6: _n("an address such as 2001:db8::1"),
}
Ends = Mapping[str, tuple[Path, EndpointShape]]
Defaults = Mapping[str, tuple[Path, KindDefaultsShape]]
"""By probe kind, with the place where they stand."""
Layers = Sequence[tuple[Path, DefaultsShape]]
"""What holds for one check, with the places: a later one wins."""


class CheckBuilder:
    """Collects checks.

    Args:
        own: vendor profiles beside the shipped ones.
        profiles_at_hand: a vendor profile, or a reading of one, that is not known is a mistake; else it may have been
            known when this inventory was in force.

    Attributes:
        checks: by id.
    """

    def __init__(
        self,
        document: Document,
        kinds: Mapping[str, ProbeKind[Any]],
        defaults: Defaults,
        site_defaults: Mapping[str, Defaults],
        *,
        auths: frozenset[str],
        reflector_keys: frozenset[str],
        own: Mapping[str, Profile],
        profiles_at_hand: bool,
    ) -> None:
        self.checks: dict[str, Check] = {}
        self._document = document
        self._kinds = kinds
        self._defaults = defaults
        self._site_defaults = site_defaults
        self._auths = auths
        self._reflector_keys = reflector_keys
        self._own = own
        self._names = profiles.names(own)
        self._profiles_at_hand = profiles_at_hand
        self._profile_readings = {spec.name for name in self._names for spec in self._readings(name)}

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
            if check.enabled and (name in shape.checks or self._fits(path, asset, shape, check, wanted)):
                self._add_check(path, asset, shape, name, self._with_shared_params(check, wanted))

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
        layers = self._layers(asset, kind, place, given)
        before = len(self._document.problems)
        params = self._params(place, asset, kind, layers)
        endpoints = self._endpoints(path, place, kind, shape, given, name)
        profile = getattr(params, "profile", "")
        thresholds = self._thresholds(kind, base, layers, params, profile)
        by_profile = {
            each: self._thresholds(kind, base, layers, params, each)
            for each in (self._names if profile == AUTO and len(self._document.problems) == before else ())
            if profiles.load(each, self._own).identify is not None
        }
        interval = _last(layers, "interval") or base.interval_seconds
        longest = min(base.timeout_seconds, interval / 2)
        if kind.continuous:
            longest = max(longest, interval - PAUSE_SECONDS)
        timeout = _last(layers, "timeout") or longest
        confirm = _last(layers, "confirm")
        confirm = base.confirm_seconds if confirm is None else confirm
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
            by_profile={each: limits for each, limits in by_profile.items() if limits != thresholds},
            confirm_seconds=confirm or None,
            vantage=_last(layers, "vantage") or "main",
            normally_off=asset.normally_off,
            scheduling=kind.scheduling,
            hearsay=kind.hearsay,
            by_hand=kind.by_hand,
            continuous=kind.continuous,
            aside=kind.aside,
        )
        self.checks[check.id] = check

    def _layers(self, asset: Asset, kind: ProbeKind[Any], place: Path, given: CheckShape) -> Layers:
        """The file's defaults, the site's, and what is written at the check; the model's over each of the first two."""
        layers: list[tuple[Path, DefaultsShape]] = []
        for defaults in (self._defaults, self._site_defaults.get(asset.site, {})):
            if kind.name in defaults:
                where, shape = defaults[kind.name]
                layers.append((where, shape))
                fitting = [model for model in shape.models if asset.model.upper().startswith(model.upper())]
                if fitting:
                    model = max(fitting, key=len)
                    layers.append(((*where, "models", model), shape.models[model]))
        return (*layers, (place, given))

    def _params(self, place: Path, asset: Asset, kind: ProbeKind[Any], layers: Layers) -> Params | None:
        values: dict[str, Any] = {}
        for where, layer in layers:
            if where != place and not layer.params.keys() <= kind.params.model_fields.keys():
                return self._validated((*where, "params"), kind, layer.params)
            values |= layer.params
        if kind.params.model_fields.keys() >= PLACE and PLACE.isdisjoint(values):
            values |= {name: getattr(asset.place, name) for name in PLACE}
        params = self._validated((*place, "params"), kind, values)
        if params is not None:
            for field in kind.params.model_fields:
                name = getattr(params, field)
                if (field == "auth" or field.endswith("_auth")) and name and name not in self._auths:
                    self._document.report(
                        (*place, "params", field), _("no SNMP credentials {name}").format(name=shown(name)),
                        nearest=nearest(name, self._auths), write=_("a name that stands under snmp_auths"),
                    )  # fmt: skip
                if (kind.name, field) == ("capacity", "key") and name not in self._reflector_keys:
                    self._document.report(
                        (*place, "params", field), _("no reflector key {name}").format(name=shown(name)),
                        nearest=nearest(name, self._reflector_keys),
                        write=_("a name that stands under reflector_keys"),
                    )  # fmt: skip
                elif field == "profile" and self._profiles_at_hand and name not in (known := self._profiles(kind)):
                    self._document.report(
                        (*place, "params", field), _("no vendor profile {name}").format(name=shown(name)),
                        nearest=nearest(name, known), write=_("one of {keys}").format(keys=", ".join(known)),
                    )  # fmt: skip
                elif (kind.name, field) == ("registration", "profile") and not self._tells_registration(name):
                    what = _("the profile {name} does not say with which station a terminal is registered")
                    self._document.report(
                        (*place, "params", field), what.format(name=shown(name)),
                        write=_("one that has `registered` and `serving_site`"),
                    )  # fmt: skip
        return params

    def _profiles(self, kind: ProbeKind[Any]) -> tuple[str, ...]:
        """What may stand as ``profile``."""
        return (*self._names, AUTO) if kind.name in AUTO_KINDS else self._names

    def _readings(self, profile: str) -> Iterator[ReadingSpec]:
        """What a vendor profile reads; nothing, if it is not known."""
        if profile in self._names:
            yield from (spec for spec in profiles.load(profile, self._own).everything if isinstance(spec, ReadingSpec))

    def _tells_registration(self, profile: str) -> bool:
        return not self._profiles_at_hand or bool(profiles.load(profile, self._own).serving_site)

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

    def _fits(
        self, path: Path, asset: Asset, shape: EquipmentShape, check: CheckShape, wanted: Mapping[str, CheckShape]
    ) -> bool:
        """Whether a check that nobody wrote has the ends that it needs, and its twin no mistake."""
        name = check.kind or ""
        if name not in ONLY_WITH_ENDS:
            return True
        kind, ends = self._kinds[name], _ends(path, shape, path, check)
        twins_are_right = all(
            not twin.enabled or f"{asset.id}/{other}" in self.checks for other, twin in _twins(check, wanted).items()
        )
        return twins_are_right and all(_end(kind, role, ends) is not None for role in kind.roles)

    def _with_shared_params(self, check: CheckShape, wanted: Mapping[str, CheckShape]) -> CheckShape:
        kind = self._kinds.get(check.kind or "")
        shared = {
            key: value
            for twin in _twins(check, wanted).values()
            for key, value in twin.params.items()
            if kind is not None and key in kind.params.model_fields
        }
        return check.model_copy(update={"params": {**shared, **check.params}}) if shared else check

    def _endpoints(
        self, path: Path, place: Path, kind: ProbeKind[Any], shape: EquipmentShape, given: CheckShape, name: str
    ) -> dict[str, Endpoint]:
        ends = _ends(path, shape, place, given)
        found = {}
        for role in (*kind.roles, *kind.optional_roles):
            written = _end(kind, role, ends)
            if written is None and role in kind.optional_roles:
                continue
            if written is None:
                self._document.report(
                    place, _("the check {name} needs the endpoint {role}").format(name=shown(name), role=role),
                    write=_("`address:`") if role == "host" else _("`endpoints: {{{role}: ...}}`").format(role=role),
                )  # fmt: skip
                continue
            where, end = written
            try:
                literal = check_host(end.host)
            except UnitError as error:
                self._document.report(where, error.what, write=error.write)
                continue
            family = kind.families.get(role) or Family(end.family or literal or "ipv4")
            if literal not in (None, family):
                what = _("{host} is no {family} address").format(host=end.host, family=family.value)
                spot, write = ((*where, "family"), literal.value) if end.family else (where, ADDRESSES[family])
                self._document.report(spot, what, write=_(write))
            elif end.family not in (None, family):
                what = _("the endpoint {role} is always {family}").format(role=role, family=family.value)
                self._document.report((*where, "family"), what, write=family.value)
            found[role] = Endpoint(host=end.host, family=family, port=end.port)
        return found

    def _thresholds(
        self, kind: ProbeKind[Any], base: CheckDefaults, layers: Layers, params: Params | None, profile: str
    ) -> tuple[Threshold, ...]:
        derived = {name for counter in kind.counters for name in (counter.rate, counter.share) if name}
        known = {reading.name for reading in kind.readings} | derived
        merged = {threshold.reading: threshold for threshold in base.thresholds}
        known |= self._profile_readings
        known |= {spec.name for spec in getattr(params, "oids", ())}
        known |= {column.reading for column in getattr(params, "readings", ())}
        for spec in self._readings(profile):
            if spec.limits is not None:
                merged[spec.name] = Threshold(reading=spec.name, **spec.limits.model_dump())
        for where, layer in layers:
            limits = layer.thresholds
            for reading, value in limits.items():
                spot: Path = (*where, "thresholds", reading)
                name, _index = split_key(reading)
                if kind.shown_only:
                    what = _("what {kind} measures is shown and never judged").format(kind=kind.name)
                    self._document.report(spot, what, key=True, write=_("no thresholds here"))
                    continue
                if name not in known and (self._profiles_at_hand or not kind.open_ended):
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


def _last(layers: Layers, key: str) -> Any:
    """What the last layer that says something says."""
    return next((value for _where, layer in reversed(layers) if (value := getattr(layer, key)) is not None), None)


def _twins(check: CheckShape, wanted: Mapping[str, CheckShape]) -> dict[str, CheckShape]:
    """The equipment's checks that look at the same service (see ``SAME_SERVICE``), by name."""
    kind = SAME_SERVICE.get(check.kind or "")
    return {name: other for name, other in wanted.items() if other.kind == kind}


def _ends(path: Path, shape: EquipmentShape, place: Path, given: CheckShape) -> Ends:
    """The ends that are written at the equipment, and over them those at the check, with their places."""
    ends: dict[str, tuple[Path, EndpointShape]] = {}
    for where, source in ((path, shape), (place, given)):
        if source.address is not None:
            ends["host"] = ((*where, "address"), source.address)
        ends.update({role: ((*where, "endpoints", role), end) for role, end in source.endpoints.items()})
    return ends


def _end(kind: ProbeKind[Any], role: str, ends: Ends) -> tuple[Path, EndpointShape] | None:
    """What is written for a role; a role with a family of its own may also be the host in that family."""
    if role in ends or role not in kind.families or "host" not in ends:
        return ends.get(role)
    try:
        literal = check_host(ends["host"][1].host)
    except UnitError:
        return ends["host"]  # the mistake is reported where the end is used
    if literal not in (None, kind.families[role]):
        return None
    where, end = ends["host"]
    return where, end.model_copy(update={"family": None})


def _written(value: Any) -> Any:
    """``ping: off`` is short for ``ping: {enabled: false}``, and ``ping:`` for the defaults."""
    if value is None:
        return {}
    return {"enabled": value} if isinstance(value, bool) else value
