"""The real program with real TLS: certificates that change, client certificates, files that become bad."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.lab.servers import unused_port
from tests.lab.web_config import HASHES, PASSWORDS, Certificates, users_text

ROOT = Path(__file__).parents[4]
INVENTORY = "sites:\n  - {id: here, kind: fire_station, name: Station}\n"
DEADLINE_SECONDS = 60.0


@dataclass
class Running:
    """The program, and what it has written."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path


def eventually(done: Callable[[], bool]) -> None:
    """Wait until ``done``; what it meets on the way, such as a refused connection, is no answer yet."""
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError, OSError):
            if done():
                return
        time.sleep(0.1)
    pytest.fail("it did not come about")


def command(folder: Path, listen: str, *options: str) -> list[str]:
    (folder / "sites.yaml").write_text(INVENTORY)
    return [
        sys.executable, "-m", "tests.lab.quick", "run", "--config", str(folder / "sites.yaml"),
        "--data", str(folder / "data"), "--listen", listen, *options,
    ]  # fmt: skip


@contextlib.contextmanager
def running(folder: Path, certificates: Certificates | None, *options: str) -> Iterator[Running]:
    address = f"localhost:{unused_port()}"
    log = folder / "log"
    listen = address.replace("localhost", "127.0.0.1")
    with log.open("wb") as output:
        process = subprocess.Popen(command(folder, listen, *options), cwd=ROOT, stdout=output, stderr=output)
    try:
        scheme = "https" if certificates is not None else "http"
        verify = certificates.client_context("prometheus.example") if certificates is not None else False
        with httpx.Client(verify=verify) as client:
            eventually(lambda: client.get(f"{scheme}://{address}/-/ready").status_code == 200)
        yield Running(process, address, log)
    finally:
        process.terminate()
        assert process.wait(30) == 0


def web_config(folder: Path, text: str) -> str:
    file = folder / "web.yaml"
    file.write_text(text)
    file.chmod(0o600)
    return str(file)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def test_tls_users_and_changes_while_it_runs(tmp_path: Path, certificates: Certificates) -> None:
    file = web_config(tmp_path, certificates.text + users_text())
    anna = ("anna", PASSWORDS["anna"])

    with running(tmp_path, certificates, "--web-config", file) as netmon:
        base = f"https://{netmon.address}"
        with httpx.Client(verify=certificates.client_context(), base_url=base) as client:
            assert client.get("/metrics").status_code == 401
            assert "netmon_build_info" in client.get("/metrics", auth=anna).text
            fields = {"name": "ole", "password": PASSWORDS["ole"]}
            assert client.post("/login", data=fields).status_code == 303
            assert client.get("/", headers={"accept": "text/html"}).status_code == 200
            assert "__Host-netmon" in client.cookies

            # Another certificate for new connections; nobody was logged out.
            first = serial(netmon.address, certificates)
            certificates.renew()
            eventually(lambda: serial(netmon.address, certificates) != first)
            assert client.get("/").status_code == 200

            # A bad file: everything stays as it was, and the log says why.
            web_config(tmp_path, certificates.text + "basic_auth_users: {anna: my-secret-password}\n")
            eventually(lambda: "was not reloaded" in netmon.log.read_text())
            assert "this is no bcrypt hash" in netmon.log.read_text()
            assert client.get("/metrics", auth=anna).status_code == 200

            # Ole is removed: the session ends; TLS cannot be turned off meanwhile.
            web_config(tmp_path, certificates.text + f"basic_auth_users: {{anna: {HASHES['anna']}}}\n")
            eventually(lambda: client.get("/").status_code == 401)
            assert client.get("/metrics", auth=anna).status_code == 200
            web_config(tmp_path, users_text())
            eventually(lambda: "turning TLS on or off needs a restart" in netmon.log.read_text())
            assert client.get("/metrics", auth=anna).status_code == 200
        with httpx.Client() as plain, pytest.raises(httpx.TransportError):
            plain.get(f"http://{netmon.address}/-/ready")

        log = netmon.log.read_text()
        assert [word for word in (*PASSWORDS.values(), *HASHES.values(), "my-secret", "PRIVATE") if word in log] == []


def serial(address: str, certificates: Certificates) -> str:
    host, _colon, port = address.partition(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as raw,
        certificates.client_context().wrap_socket(raw, server_hostname=host) as sock,
    ):
        return str((sock.getpeercert() or {})["serialNumber"])


def test_only_certificates_with_an_allowed_name_connect(tmp_path: Path, certificates: Certificates) -> None:
    file = web_config(
        tmp_path,
        certificates.text + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"
        "  client_allowed_sans: [prometheus.example, '2001:db8::1']\n  min_version: TLS13\n",
    )  # fmt: skip
    with running(tmp_path, certificates, "--web-config", file) as netmon:

        def get(context: ssl.SSLContext) -> int:
            with httpx.Client(verify=context) as client:
                return client.get(f"https://{netmon.address}/metrics").status_code

        assert get(certificates.client_context("prometheus.example")) == 200
        assert get(certificates.client_context("2001:db8::1")) == 200
        for context in (
            certificates.client_context(),
            certificates.client_context("other.example"),
            with_certificate_of_another_authority(certificates, tmp_path),
        ):
            with pytest.raises(httpx.TransportError):
                get(context)
        old = certificates.client_context("prometheus.example")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(httpx.TransportError):
            get(old)


def with_certificate_of_another_authority(certificates: Certificates, folder: Path) -> ssl.SSLContext:
    (folder / "other").mkdir()
    context = certificates.client_context()
    Certificates(folder / "other").authority.issue_cert("prometheus.example").configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "nobody would have to log in"),
        ("", "nobody would have to log in"),
        (users_text(), "would cross the network in clear text"),
        ("basic_auth_users: {anna: secret-secret}", "web.yaml:1:26: this is no bcrypt hash"),
    ],
)
def test_it_does_not_open_itself_to_the_network_by_mistake(tmp_path: Path, text: str | None, message: str) -> None:
    options = [] if text is None else ["--web-config", web_config(tmp_path, text)]
    done = subprocess.run(
        command(tmp_path, f"0.0.0.0:{unused_port()}", *options), capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-secret" not in done.stderr


def test_without_a_file_this_machine_may_look(tmp_path: Path) -> None:
    with running(tmp_path, None) as netmon, httpx.Client(base_url=f"http://{netmon.address}") as client:
        assert client.get("/").status_code == 200
        assert client.post("/-/reload").status_code == 403
        assert client.get("/", headers={"host": "evil.example"}).status_code == 421
