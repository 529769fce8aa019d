"""A site with an uplink and twelve devices in an emulated network, netmon, mail servers: the uplink is cut and mended.

A program, since a process can enter a new network only before it has threads. Prints what came as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netmon.demo.network import Network, prepare
from tests.lab.smtp import USER, Mailbox, smtp_server

if TYPE_CHECKING:
    from netmon.app import App

INTERVAL = 2
TIMEOUT = 1
DEVICES = 12
LIMIT_SECONDS = 2 * INTERVAL + 5.0


def inventory(core: str, friend: str, uplink: str, devices: list[str], *, interval: int = INTERVAL) -> str:
    """The county: a core router, something else that hangs on nothing, and the station."""
    ping = f"checks: {{ping: {{interval: {interval}s, timeout: {TIMEOUT}s, confirm: 1s, params: {{count: 2}}}}}}"
    lines = [
        "sites:", "  - id: battalion", "    kind: battalion", "    name: {zh: 大队, en: Battalion}", "    equipment:",
        f"      - {{id: core, kind: router, name: {{zh: 核心路由器, en: Core router}}, address: {core}, {ping}}}",
        f"      - {{id: friend, kind: gateway, address: {friend}, {ping}}}",
        "  - id: station-1", "    kind: fire_station", "    name: {zh: 一号消防救援站, en: Fire station 1}",
        "    place: {address: 珲春市靖和街}", "    contact: 值班室 0433-7550000", "    equipment:",
        "      - {id: uplink, kind: uplink, name: {zh: 站上联, en: Station uplink}, parent: battalion/core, "  # noqa: ISC004
        "contact: 运营商 10000，电路编号 HC-0001, "
        f"endpoints: {{near: {core}, far: {uplink}}}, "
        f"checks: {{uplink: {{interval: {interval}s, timeout: {TIMEOUT}s, confirm: 1s}}}}}}",
    ]  # fmt: skip
    lines += [
        f"      - {{id: device-{n}, kind: sensor, name: {{zh: 摄像机 {n}, en: Camera {n}}}, parent: uplink, "
        f"address: {address}, {ping}}}"
        for n, address in enumerate(devices, 1)
    ]
    return "\n".join(lines) + "\n"


def settings(port: int, security: str, login: str) -> str:
    """Who is told."""
    return (
        "board: https://netmon.example.org\nmail:\n  sender: netmon@example.org\n  servers:\n"
        f"    - {{host: 127.0.0.1, port: {port}, security: {security}{login}}}\n"
        "  recipients:\n    - {address: duty@example.org, language: zh}\n"
    )


async def arrived(box: Mailbox, count: int) -> float:
    """When so many mails were there, by the monotonic clock; waits no longer than a minute."""
    end = time.monotonic() + 60
    while len(box.mails) < count and time.monotonic() < end:  # noqa: ASYNC110 (the server runs in a thread of its own)
        await asyncio.sleep(0.05)
    return time.monotonic()


async def follow(network: Network, folder: Path) -> dict[str, object]:
    """Cut and mend, while two netmons watch, each with a mail server of its own kind."""
    core, friend, uplink = (network.place(0.005).host for _ in range(3))
    devices = [network.place(0.02).host for _ in range(DEVICES)]
    county = inventory(core, friend, uplink, devices)
    with smtp_server() as plain, secure_server(folder) as (secure, login):
        boxes = {"plain": plain, "tls": secure}
        apps: dict[str, App] = {}
        try:
            for (name, box), words in zip(boxes.items(), (("none", ""), ("starttls", login)), strict=True):
                apps[name] = start_netmon(folder / name, county, settings(box.port, *words))
                await apps[name].targets.refresh(apps[name].journal)
            await asyncio.sleep(2 * INTERVAL)
            cut = time.monotonic()
            async with network.disturbed([uplink, *devices], down=True)():
                told = await asyncio.gather(*(arrived(box, 1) for box in boxes.values()))
                await asyncio.sleep(3 * INTERVAL)
            mended = time.monotonic()
            over = await asyncio.gather(*(arrived(box, 2) for box in boxes.values()))
            await asyncio.sleep(2 * INTERVAL)
        finally:
            for app in apps.values():
                await app.stop()
    return {
        name: {
            "told_seconds": told_at - cut, "over_seconds": over_at - mended, "limit_seconds": LIMIT_SECONDS,
            "logins": box.logins, "mails": [raw.decode() for raw in box.raw],
        }
        for (name, box), told_at, over_at in zip(boxes.items(), told, over, strict=True)
    }  # fmt: skip


@contextlib.contextmanager
def secure_server(folder: Path) -> Iterator[tuple[Mailbox, str]]:
    """One that wants TLS and a log-in, and the keys of a server's settings that has both."""
    from tests.lab.servers import Tls

    tls = Tls(folder)
    (folder / "password").write_text(USER[1])
    login = f", user: {USER[0]}, password_file: {folder / 'password'}, ca_file: {tls.ca_file}"
    with smtp_server(tls=tls.server("localhost", "127.0.0.1"), login=True) as box:
        yield box, login


def start_netmon(folder: Path, county: str, alerts: str) -> App:
    """netmon, begun, with this inventory and these settings of alerts."""
    import probes
    from netmon.app import App, Settings
    from netmon.config import load

    folder.mkdir()
    shutil.copy(folder.parent / "targets.yaml", folder)
    file = folder / "sites.yaml"
    file.write_text(county, encoding="utf-8")
    (folder / "alerts.yaml").write_text(alerts, encoding="utf-8")
    app = App(load(file, kinds=probes.KINDS), Settings(config=file, data=folder / "data"))
    app.start()
    return app


def in_network(follow: Callable[[Network, Path], Coroutine[Any, Any, dict[str, object]]]) -> None:
    """Follow in an emulated network, and print the answer in one line."""
    with tempfile.TemporaryDirectory() as name:
        shutil.copy("config/targets.yaml", name)
        network = prepare(Path(name))
        if not network.emulated:
            sys.exit(f"no emulated network: {network.why_not}")
        try:
            answer = asyncio.run(follow(network, Path(name)))
        finally:
            network.close()
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    in_network(follow)
