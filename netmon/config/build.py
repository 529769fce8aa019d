"""Document -> Config: ids, references, checks from kinds of equipment, and limits. Reports every problem it meets."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from netmon.config import secrets
from netmon.config.checks import CheckBuilder, Defaults
from netmon.config.config import Config
from netmon.config.defaults import EQUIPMENT_CHECKS, NORMALLY_OFF
from netmon.config.errors import Problem, nearest, shown
from netmon.config.maintenance import plan
from netmon.config.shape import (
    ID,
    WEEKDAYS,
    EquipmentShape,
    FileShape,
    KindDefaultsShape,
    LoadTestsShape,
    MaintenanceShape,
    PlaceShape,
    ReflectorKeyShape,
    SiteShape,
    SnmpAuthShape,
    TextShape,
)
from netmon.config.units import UnitError
from netmon.config.uplinks import check_backup, check_paths
from netmon.config.validate import validate
from netmon.config.yaml_positions import Document, Path
from netmon.i18n import _
from netmon.model import Asset, LoadTests, LocalText, MaintenancePlan, Place, Retention, Site
from probes.base import ProbeKind
from probes.profiles import Profile
from probes.wire.capacity_message import KEY_BYTES
from probes.wire.snmp_auth import SnmpAuth

__all__ = ["build"]

MAX_PORT = 65_535


def build(
    document: Document, text: str, *, kinds: Mapping[str, ProbeKind[Any]], environ: Mapping[str, str] | None,
    profiles: Mapping[str, Profile],
) -> Config:  # fmt: skip
    """The configuration that the document asks for, without its id; use it only if the document has no problems.

    Args:
        environ: where ``*_env`` secrets are; ``None`` to read no secrets at all, and so to have no credentials.
        profiles: vendor profiles beside the shipped ones.
    """
    return _Builder(document, kinds, environ, profiles).build(text)


class _Builder:
    def __init__(
        self, document: Document, kinds: Mapping[str, ProbeKind[Any]], environ: Mapping[str, str] | None,
        profiles: Mapping[str, Profile],
    ) -> None:  # fmt: skip
        self._document = document
        self._kinds = kinds
        self._environ = environ
        self._profiles = profiles
        self._folder = FilePath(document.file).parent
        self._sample = False
        self._warnings: list[Problem] = []
        self._assets: dict[str, Asset] = {}
        self._broken: set[str] = set()
        self._site_defaults: dict[str, Defaults] = {}
        self._equipment: list[tuple[Path, Asset, EquipmentShape]] = []

    def build(self, text: str) -> Config:
        file = validate(self._document, (), FileShape, self._document.root) or self._what_there_is()
        self._sample = file.sample
        auths = {} if self._environ is None else self._auths(file.snmp_auths, self._environ)
        names = frozenset(file.snmp_auths if self._environ is None else auths)
        keys = {} if self._environ is None else self._reflector_keys(file.reflector_keys, self._environ)
        common = self._defaults(("defaults",), file.defaults)
        sites = self._sites(file.sites)
        checks = CheckBuilder(
            self._document,
            self._kinds,
            common,
            self._site_defaults,
            auths=names,
            reflector_keys=frozenset(file.reflector_keys if self._environ is None else keys),
            own=self._profiles,
            profiles_at_hand=self._environ is not None,
        )
        for path, asset, shape in self._equipment:
            self._check_parent(path, asset)
            check_backup(self._document, path, asset, self._assets, self._broken)
            checks.add(path, asset, shape)
        self._check_cycles()
        check_paths(self._document, checks.checks, self._assets, {asset.id: path for path, asset, _ in self._equipment})
        return Config(
            organisation=_text(file.organisation),
            sample=file.sample,
            sites=sites,
            assets=self._assets,
            checks=checks.checks,
            snmp_auths=auths,
            reflector_keys=keys,
            allowed_hosts=frozenset(
                endpoint.host for check in checks.checks.values() for endpoint in check.endpoints.values()
            ),
            maintenance=self._maintenance(file.maintenance, sites),
            retention=Retention(**file.retention.model_dump()),
            load_tests=_load_tests(file.load_tests),
            traps=self._traps(file.traps.listen) if file.traps else None,
            text=text,
            warnings=tuple(self._warnings),
        )

    def _what_there_is(self) -> FileShape:
        """A file with mistakes at its top level: what lies below is looked at all the same."""
        root = self._document.root if isinstance(self._document.root, dict) else {}
        kept = {
            key: root[key] for key in ("snmp_auths", "reflector_keys", "defaults") if isinstance(root.get(key), dict)
        }
        kept |= {"maintenance": root["maintenance"]} if isinstance(root.get("maintenance"), list) else {}
        return FileShape(sites=root["sites"] if isinstance(root.get("sites"), list) else [], **kept)

    def _defaults(self, path: Path, given: dict[str, Any]) -> Defaults:
        defaults = {}
        for kind, value in given.items():
            place = (*path, kind)
            if kind not in self._kinds:
                self._unknown(place, _("no probe kind {name}"), kind, self._kinds)
                continue
            shape = validate(self._document, place, KindDefaultsShape, value)
            if shape is not None:
                defaults[kind] = (place, shape)
        return defaults

    def _sites(self, given: list[Any]) -> dict[str, Site]:
        sites: dict[str, Site] = {}
        for number, value in enumerate(given):
            path: Path = ("sites", number)
            shape = validate(self._document, path, SiteShape, value)
            if shape is None:
                self._look_below(path, value)
                continue
            if shape.id in sites:
                what = _("two sites have the id {name}").format(name=shown(shape.id))
                self._document.report((*path, "id"), what, write=_("an id that no other site has"))
                continue
            self._site_defaults[shape.id] = self._defaults((*path, "defaults"), shape.defaults)
            for kind in shape.required:
                if kind not in EQUIPMENT_CHECKS:
                    self._unknown((*path, "required", kind), _("no kind of equipment {name}"), kind, EQUIPMENT_CHECKS)
            sites[shape.id] = Site(
                id=shape.id, kind=shape.kind, name=_text(shape.name), place=_place(shape.place),
                contact=shape.contact, required=dict(shape.required),
            )  # fmt: skip
            for index, item in enumerate(shape.equipment):
                self._add_equipment((*path, "equipment", index), shape, item)
        return sites

    def _maintenance(self, given: list[Any], sites: Mapping[str, Site]) -> tuple[MaintenancePlan, ...]:
        plans: dict[str, MaintenancePlan] = {}
        for number, value in enumerate(given):
            path: Path = ("maintenance", number)
            shape = validate(self._document, path, MaintenanceShape, value)
            if shape is None:
                continue
            if shape.id in plans:
                what = _("two maintenance windows have the id {name}").format(name=shown(shape.id))
                self._document.report((*path, "id"), what, write=_("an id that no other window has"))
            for index, name in enumerate(shape.sites):
                if name not in sites:
                    self._unknown((*path, "sites", index), _("no site {name}"), name, sites, key=False)
            for index, name in enumerate(shape.equipment):
                if name not in self._assets and name not in self._broken:
                    self._unknown((*path, "equipment", index), _("no equipment {name}"), name, self._assets, key=False)
            try:
                plans[shape.id] = plan(shape)
            except UnitError as error:
                self._document.report(path, error.what, write=error.write)
        return tuple(plans.values())

    def _traps(self, listen: str) -> tuple[str, int] | None:
        host, _colon, port = listen.rpartition(":")
        try:
            address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
            if port.isdecimal() and 0 < int(port) <= MAX_PORT:
                return str(address), int(port)
        except ValueError:
            pass
        what = _("{value} is no address to listen on").format(value=shown(listen))
        self._document.report(("traps", "listen"), what, write="0.0.0.0:162")
        return None

    def _look_below(self, path: Path, site: Any) -> None:
        """The equipment of a site that has mistakes of its own."""
        equipment = site.get("equipment") if isinstance(site, dict) else None
        if isinstance(equipment, list):
            name = site.get("id")
            stand_in = SiteShape(id=name if isinstance(name, str) and ID.fullmatch(name) else "x", kind="township")
            for index, item in enumerate(equipment):
                self._add_equipment((*path, "equipment", index), stand_in, item)

    def _add_equipment(self, path: Path, site: SiteShape, value: Any) -> None:
        shape = validate(self._document, path, EquipmentShape, value)
        if shape is None or shape.kind not in EQUIPMENT_CHECKS:
            # Nobody is told that a parent does not exist because the parent has a mistake.
            name = value.get("id") if isinstance(value, dict) else None
            self._broken.add(f"{site.id}/{name}")
        if shape is None:
            return
        if shape.kind not in EQUIPMENT_CHECKS:
            self._unknown((*path, "kind"), _("no kind of equipment {name}"), shape.kind, EQUIPMENT_CHECKS, key=False)
            return
        asset_id = f"{site.id}/{shape.id}"
        if asset_id in self._assets:
            what = _("two pieces of equipment of this site have the id {name}").format(name=shown(shape.id))
            self._document.report((*path, "id"), what, write=_("an id that nothing else at this site has"))
            return
        if shape.commissioned and shape.retired and shape.retired < shape.commissioned:
            what = _("retired before it was commissioned on {day}").format(day=shape.commissioned)
            self._document.report((*path, "retired"), what, write=_("a later date"))
        asset = Asset(
            id=asset_id,
            site=site.id,
            kind=shape.kind,
            name=_text(shape.name),
            place=_place(shape.place or site.place),
            commissioned=shape.commissioned,
            retired=shape.retired,
            parent=_full(shape.parent, site.id),
            normally_off=shape.kind in NORMALLY_OFF if shape.normally_off is None else shape.normally_off,
            model=shape.model,
            contact=shape.contact,
            backup_of=_full(shape.backup_of, site.id),
        )
        self._assets[asset_id] = asset
        self._equipment.append((path, asset, shape))

    def _check_parent(self, path: Path, asset: Asset) -> None:
        if asset.parent is not None and asset.parent not in self._assets and asset.parent not in self._broken:
            self._unknown((*path, "parent"), _("no equipment {name}"), asset.parent, self._assets, key=False)

    def _check_cycles(self) -> None:
        for path, asset, _shape in self._equipment:
            seen, here = {asset.id}, asset
            while here.parent in self._assets:
                here = self._assets[here.parent]
                if here.id == asset.id:
                    what = _("{name} hangs on itself through its parents").format(name=asset.id)
                    self._document.report((*path, "parent"), what, write=_("a parent that does not hang on it"))
                if here.id in seen:
                    break
                seen.add(here.id)

    def _auths(self, given: dict[str, Any], environ: Mapping[str, str]) -> dict[str, SnmpAuth]:
        auths = {}
        for name, value in given.items():
            auth = self._auth(("snmp_auths", name), value, environ)
            if auth is not None:
                auths[name] = auth
        return auths

    def _auth(self, path: Path, value: Any, environ: Mapping[str, str]) -> SnmpAuth | None:
        before = len(self._document.problems)
        if isinstance(value, dict):
            for key in ("community", "auth_password", "privacy_password"):
                if key in value:
                    what = _("{name} is a secret and must not stand in this file").format(name=key)
                    self._document.report(
                        (*path, key), what, key=True, write=_("{name}_file: PATH or {name}_env: NAME").format(name=key)
                    )
                    value = {other: item for other, item in value.items() if other != key}
        shape = validate(self._document, path, SnmpAuthShape, value)
        if shape is None or len(self._document.problems) > before:
            return None
        fields: dict[str, Any] = {"version": shape.version, "user": shape.user}
        fields |= {
            key: given for key in ("auth_protocol", "privacy_protocol") if (given := getattr(shape, key)) is not None
        }
        for key in ("community", "auth_password", "privacy_password"):
            secret = self._secret(path, key, getattr(shape, f"{key}_file"), getattr(shape, f"{key}_env"), environ)
            if secret is not None:
                fields[key] = secret
        if len(self._document.problems) > before:
            return None
        try:
            return SnmpAuth(**fields)
        except ValueError as error:
            self._document.report(path, str(error))
            return None

    def _reflector_keys(self, given: dict[str, Any], environ: Mapping[str, str]) -> dict[str, bytes]:
        keys = {}
        for name, value in given.items():
            path = ("reflector_keys", name)
            shape = validate(self._document, path, ReflectorKeyShape, value)
            if shape is None:
                continue
            secret = self._secret(path, "key", shape.key_file, shape.key_env, environ)
            if secret is None and shape.key_file is None and shape.key_env is None:
                self._document.report(path, _("the key is missing"), write=_("key_file: PATH or key_env: NAME"))
            elif secret is not None and len(secret.encode()) < KEY_BYTES:
                what = _("the key is shorter than {least} characters").format(least=KEY_BYTES)
                self._document.report(path, what, write=_("one that `netmon reflector --new-key FILE` made"))
            elif secret is not None:
                keys[name] = secret.encode()
        return keys

    def _secret(
        self, path: Path, key: str, file: str | None, variable: str | None, environ: Mapping[str, str]
    ) -> str | None:
        if file is not None and variable is not None:
            what = _("{name}_file and {name}_env stand together").format(name=key)
            self._document.report((*path, f"{key}_env"), what, key=True, write=_("one of them"))
            return None
        try:
            if file is not None:
                place = self._folder / file
                secret = secrets.from_file(place)
                if not self._sample and secrets.readable_by_all(place):
                    what = _("every user of this machine can read {path}").format(path=place)
                    spot = self._document.spot((*path, f"{key}_file"))
                    self._warnings.append(self._document.problem(spot, what, write=_("chmod 640 for it")))
                return secret
            return None if variable is None else secrets.from_environment(variable, environ)
        except UnitError as error:
            self._document.report((*path, f"{key}_file" if file else f"{key}_env"), error.what, write=error.write)
            return None

    def _unknown(self, path: Path, what: str, word: str, words: Mapping[str, Any], *, key: bool = True) -> None:
        close = nearest(word, words)
        listed = ", ".join(words) if len(words) <= 20 else ""
        self._document.report(
            path, what.format(name=shown(word)), key=key, nearest=close,
            write=_("one of {keys}").format(keys=listed) if listed else "",
        )  # fmt: skip


def _full(name: str | None, site: str) -> str | None:
    """The id of equipment that is named as ``equipment`` of this site or as ``site/equipment``."""
    return f"{site}/{name}" if name and "/" not in name else name


def _text(shape: TextShape) -> LocalText:
    return LocalText(zh=shape.zh, en=shape.en)


def _place(shape: PlaceShape) -> Place:
    return Place(**shape.model_dump())


def _load_tests(shape: LoadTestsShape) -> LoadTests:
    return LoadTests(
        slip_seconds=shape.slip,
        busy_above_ratio=shape.busy_above,
        month_bytes=shape.month_bytes,
        protected=tuple(
            MaintenancePlan(
                id=f"protected-{number}",
                weekdays=frozenset(WEEKDAYS.index(day) for day in each.every),
                at_seconds=each.at,
                length_seconds=each.length,
            )
            for number, each in enumerate(shape.protected)
        ),
    )
