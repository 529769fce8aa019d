"""Real SNMP agents for tests: net-snmp's snmpd, and snmpsim with recordings of real devices."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from probes.base import EMPTY
from probes.wire.snmp_message import parse_oid
from tests.lab import need
from tests.lab.servers import unused_port

COMMUNITY = "lab-community"
USER = "watcher"
AUTH_PASSWORD = "lab-auth-password"
PRIVACY_PASSWORD = "lab-privacy-password"


@contextmanager
def snmpd(folder: Path, host: str = "127.0.0.1", users: tuple[str, ...] = ()) -> Iterator[int]:
    """net-snmp's agent with COMMUNITY for v1 and v2c and USER for v3; yields its port.

    Args:
        users: further ``createUser`` lines without that word, each with ``rouser`` for its name.
    """
    program = need.program("snmpd", "snmpd")
    port = unused_port(host)
    lines = [
        f"rocommunity {COMMUNITY}",
        f"rocommunity6 {COMMUNITY}",
        f"createUser {USER} SHA-256 {AUTH_PASSWORD} AES {PRIVACY_PASSWORD}",
        f"rouser {USER} priv",
    ]
    for user in users:
        lines += [f"createUser {user}", f"rouser {user.split()[0]} auth"]
    config = folder / "snmpd.conf"
    config.write_text("\n".join(lines) + "\n")
    where = f"udp6:[{host}]:{port}" if ":" in host else f"udp:{host}:{port}"
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(folder), "MIBS": ""}
    process = subprocess.Popen(
        [program, "-f", "-Ln", "-C", "-c", str(config), "-p", str(folder / "pid"), where],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with _running(process):
        _wait_for_udp(host, port, process)
        yield port


@contextmanager
def snmpsim(
    devices: tuple[str, ...],
    altered: Mapping[str, tuple[str, Mapping[str, str | None]]] = EMPTY,
    *,
    without: tuple[str, ...] = (),
) -> Iterator[int]:
    """snmpsim with the recordings of ``devices``, each under its name as community; yields the port.

    Args:
        altered: further communities: the recording that each begins with, and its objects that are otherwise
            (``tag|value`` as in the recording) or, with ``None``, not there.
        without: beginnings of OIDs that are left out.
    """
    recordings = need.recordings()
    # Not below pytest's folder: each pytest that starts takes other users' rights from that.
    with tempfile.TemporaryDirectory(prefix="snmpsim-") as name:
        folder = Path(name)
        data, cache = folder / "data", folder / "cache"
        data.mkdir()
        cache.mkdir()
        for community, (device, changes) in {**{name: (name, EMPTY) for name in devices}, **altered}.items():
            lines = (recordings / device / "recording.snmprec").read_text(encoding="latin-1").split("\n")
            values = dict(line.split("|", 1) for line in lines if line and not line.startswith(without)) | dict(changes)
            order = sorted((oid for oid, value in values.items() if value is not None), key=parse_oid)
            text = "".join(f"{oid}|{values[oid]}\n" for oid in order)
            (data / f"{community}.snmprec").write_text(text, encoding="latin-1")
        # What it imports late it could not read any more as nobody, where Python lives in root's home.
        start = "import dbm.dumb, encodings.latin_1, sys; from snmpsim.commands.responder import main; sys.exit(main())"
        command = [sys.executable, "-c", start, f"--cache-dir={cache}", f"--data-dir={data}", "--logging-method=null"]
        if os.geteuid() == 0:
            # snmpsim refuses to run as root.
            for path in (folder, data, cache, *data.iterdir()):
                shutil.chown(path, "nobody", "nogroup")
            command += ["--process-user=nobody", "--process-group=nogroup"]
        port = unused_port()
        process = subprocess.Popen(
            [*command, f"--agent-udpv4-endpoint=127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        with _running(process):
            _wait_for_udp("127.0.0.1", port, process)
            yield port


async def send_notification(program: str, *words: str) -> tuple[int, str]:
    """Run net-snmp's snmptrap or snmpinform."""
    path = need.program(program, "snmp")
    process = await asyncio.create_subprocess_exec(
        path, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "MIBS": "", "SNMP_PERSISTENT_DIR": "/nonexistent"},
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@contextmanager
def _running(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_for_udp(host: str, port: int, process: subprocess.Popen[bytes]) -> None:
    """Until the port is bound: before that the kernel refuses a datagram, afterwards it takes it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args!r} ended by itself with {process.returncode}"
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.05)
            sock.connect((host, port))
            try:
                sock.send(b"?")
                sock.recv(1)
            except TimeoutError:
                return
            except ConnectionRefusedError:
                time.sleep(0.05)
    raise AssertionError(f"{process.args!r} did not open {host} port {port}")
