"""A site with an uplink and twelve devices in an emulated network, netmon, and mail servers: the uplink is cut, twice.

A program, since a process can enter a new network only before it has threads. Prints what came as JSON.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from netmon.demo.network import Network, prepare
from tests.lab.smtp import USER, Mailbox, smtp_server

INTERVAL = 3
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


async def arrived(box: Mailbox, count: int) -> None:
    """Wait until so many mails are there, or a minute."""
    end = time.monotonic() + 60
    while len(box.mails) < count and time.monotonic() < end:  # noqa: ASYNC110 (the server runs in a thread of its own)
        await asyncio.sleep(0.05)


async def follow(network: Network, folder: Path) -> dict[str, object]:
    """Cut and mend, with each server."""
    answer: dict[str, object] = {}
    import probes
    from netmon.app import App, Settings
    from netmon.config import load
    from tests.lab.servers import Tls

    core, friend, uplink = (network.place(0.005).host for _ in range(3))
    devices = [network.place(0.02).host for _ in range(DEVICES)]
    behind = [uplink, *devices]
    file = folder / "sites.yaml"
    file.write_text(inventory(core, friend, uplink, devices), encoding="utf-8")
    tls = Tls(folder)
    (folder / "password").write_text(USER[1])
    plain = smtp_server()
    secure = smtp_server(tls=tls.server("localhost", "127.0.0.1"), login=True)
    with plain as first, secure as second:
        phases = {
            "plain": (first, "none", ""),
            "tls": (second, "starttls", f", user: {USER[0]}, password_file: password, ca_file: {tls.ca_file.name}"),
        }
        (folder / "alerts.yaml").write_text(settings(first.port, "none", ""), encoding="utf-8")
        app = App(load(file, kinds=probes.KINDS), Settings(config=file, data=folder / "data"))
        app.start()
        try:
            await app.targets.refresh(app.journal)
            await asyncio.sleep(2 * INTERVAL)
            for name, (box, security, login) in phases.items():
                (folder / "alerts.yaml").write_text(settings(box.port, security, login), encoding="utf-8")
                app.alerts.reload(app.alerts_path)
                cut = time.monotonic()
                async with network.disturbed(behind, down=True)():
                    await arrived(box, 1)
                    told = time.monotonic() - cut
                    await asyncio.sleep(3 * INTERVAL)
                mended = time.monotonic()
                await arrived(box, 2)
                over = time.monotonic() - mended
                await asyncio.sleep(2 * INTERVAL)
                answer[name] = {
                    "told_seconds": told, "over_seconds": over, "limit_seconds": LIMIT_SECONDS, "logins": box.logins,
                    "mails": [raw.decode() for raw in box.raw],
                }  # fmt: skip
        finally:
            await app.stop()
    return answer


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
