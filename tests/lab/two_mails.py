"""An uplink is cut, then netmon is stopped: what real programs mail. netmon, Prometheus and Alertmanager run with the
flags of docker-compose.yml and the files of config/; the network is emulated.

A program, since a process can enter a new network only before it has threads. Prints what came as JSON.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from functools import partial
from pathlib import Path

from netmon.demo.network import Network
from tests.lab.cut_uplink import DEVICES, in_network, inventory
from tests.lab.smtp import smtp_server
from tests.lab.stack import ROOT, SCRAPE_PASSWORD, Program, Stack, flags, wait_for
from tests.lab.web_config import hash_of

INTERVAL = 2
NETMON = (sys.executable, "-m", "netmon")


def users() -> str:
    """A web configuration with Prometheus's user."""
    return f"basic_auth_users:\n  prometheus: {hash_of(SCRAPE_PASSWORD)}\n"


def start_netmon(stack: Stack, folder: Path) -> Program:
    """netmon with the stack's files, its own inventory and its own ports."""
    port = stack.ports["netmon"]
    shutil.copytree(ROOT / "config" / "stack", folder / "stack")
    alerts = folder / "stack" / "alerts.yaml"
    text = alerts.read_text(encoding="utf-8")
    assert "http://alertmanager:9093" in text
    alerts.write_text(text.replace("alertmanager:9093", f"127.0.0.1:{stack.ports['alertmanager']}"), encoding="utf-8")
    (folder / "web.yaml").write_text(users())
    (folder / "token").write_text("token")
    forward = folder / "stack" / "forward.yaml"
    forward.write_text(
        forward.read_text(encoding="utf-8").replace("/run/secrets/influxdb-token", str(folder / "token"))
    )
    places = {
        "/etc/netmon": str(folder), "/var/lib/netmon": str(folder / "data"), "0.0.0.0:9735": f"127.0.0.1:{port}",
        "/run/secrets": str(folder),
    }  # fmt: skip
    return stack.run([*NETMON, *flags("netmon", places)], "netmon.log", f"http://127.0.0.1:{port}", "/-/ready")


async def follow(network: Network, folder: Path, *, quicker: float) -> dict[str, object]:
    """Cut, wait for the mail; stop netmon, wait for the mail; then wait for more."""
    core, friend, uplink = (network.place(0.005).host for _ in range(3))
    devices = [network.place(0.02).host for _ in range(DEVICES)]
    county = inventory(core, friend, uplink, devices, interval=INTERVAL)
    (folder / "sites.yaml").write_text(county, encoding="utf-8")
    with smtp_server() as box:
        stack = Stack(folder, quicker=quicker, smtp_port=box.port)
        try:
            alertmanager = stack.start_alertmanager()
            netmon = start_netmon(stack, folder)
            prometheus = stack.start_prometheus()
            up = wait_for(lambda: prometheus.get("/api/v1/query", query='up{job="netmon"} == 1')["data"]["result"])
            before = len(box.mails)

            async with network.disturbed([uplink, *devices], down=True)():
                cut = time.monotonic()
                await asyncio.to_thread(wait_for, lambda: len(box.mails) > before, 60)
                told = time.monotonic() - cut

                stopped = time.monotonic()
                code = await asyncio.to_thread(netmon.stop)
                await asyncio.to_thread(wait_for, lambda: len(box.mails) > before + 1, 60 + 600 / quicker)
                noticed = time.monotonic() - stopped
            # Two more turns of every group: whoever tells a thing twice does so then.
            await asyncio.sleep(2 * 300 / quicker + 1)
            return {
                "up": bool(up), "before": before, "told_seconds": told, "noticed_seconds": noticed, "exit_code": code,
                "mails": [raw.decode() for raw in box.raw], "recipients": box.recipients,
                "complaints": [
                    line for line in (alertmanager.log() + prometheus.log()).splitlines()
                    if "level=error" in line or "level=warn" in line
                ],
            }  # fmt: skip
        finally:
            stack.close()


if __name__ == "__main__":
    # The argument divides the times of the configuration.
    in_network(partial(follow, quicker=float(sys.argv[1])))
