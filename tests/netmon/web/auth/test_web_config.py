from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from netmon.config import ConfigError
from netmon.web.auth import Role, WebConfig, load_web_config
from tests.lab.web_config import HASHES, Certificates, users_text

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def load(folder: Path, text: str, mode: int = 0o600) -> WebConfig:
    file = folder / "web.yaml"
    file.write_text(text)
    file.chmod(mode)
    return load_web_config(file)


def complaint(folder: Path, text: str, mode: int = 0o600) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, mode)
    return str(caught.value).replace(f"{folder}/", "")


def test_users_and_roles(tmp_path: Path) -> None:
    config = load(tmp_path, users_text())

    assert {name: user.role for name, user in config.users.items()} == {
        "anna": Role.VIEWER,
        "ole": Role.OPERATOR,
        "ada": Role.ADMIN,
    }
    assert config.users["anna"].password_hash == HASHES["anna"]
    assert config.protected
    assert config.tls is None
    assert HASHES["anna"] not in repr(config)


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "rate_limit: {interval: 0, burst: 1}"])
def test_a_file_that_asks_for_nothing(tmp_path: Path, text: str) -> None:
    config = load(tmp_path, text)
    assert (config.users, config.tls, config.rate_limit, config.protected) == ({}, None, None, False)


def test_what_exporter_toolkit_s_own_sample_asks_for(certificates: Certificates) -> None:
    """The keys of the sample in its documentation."""
    config = load(certificates.folder, certificates.text + f"basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n"
                  "rate_limit:\n  interval: '1s'\n  burst: 20\n")  # fmt: skip
    assert set(config.users) == {"alice", "bob"}
    assert config.rate_limit == (1.0, 20)
    assert [path.name for path in config.files] == ["web.yaml", "server.crt", "server.key"]


def test_tls_options_are_honoured(certificates: Certificates) -> None:
    config = load(certificates.folder, certificates.text + "  min_version: TLS12\n  max_version: TLS12\n"
                  "  prefer_server_cipher_suites: false\n  curve_preferences: [X25519]\n"
                  "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,\n"
                  "    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]\n"
                  "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n")  # fmt: skip

    assert config.tls is not None
    assert config.tls.maximum_version == config.tls.minimum_version == ssl.TLSVersion.TLSv1_2
    assert config.tls.verify_mode == ssl.CERT_REQUIRED
    assert not config.tls.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    names = [suite["name"] for suite in config.tls.get_ciphers() if suite["protocol"] == "TLSv1.2"]
    assert names == ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"]
    assert config.protected


def test_certificate_and_key_may_stand_in_the_file(tmp_path: Path, certificates: Certificates) -> None:
    def indented(name: str) -> str:
        lines = (certificates.folder / name).read_text().splitlines()
        return "|\n" + "".join(f"    {line}\n" for line in lines)

    text = f"tls_server_config:\n  cert: {indented('server.crt')}  key: {indented('server.key')}"
    assert load(tmp_path, text).tls is not None
    assert "PRIVATE" not in complaint(tmp_path, text, 0o644)
    assert complaint(tmp_path, text, 0o644).endswith(
        "every user of this machine can read web.yaml; write chmod 640 for it"
    )


LIST = "tls_server_config: {cert_file: server.crt, key_file: server.key, "
MISTAKES = {
    "tls_server_conf: {}": (
        "web.yaml:1:1: unknown key 'tls_server_conf'; did you mean tls_server_config?; write one of tls_server_config, "
        "http_server_config, basic_auth_users, rate_limit, netmon_roles, netmon_trusted_proxies"
    ),
    LIST + "client_auth_type: RequireAnyClientCert}": (
        "web.yaml:1:84: RequireAnyClientCert takes any certificate without verifying it, which is not offered; write "
        "RequireAndVerifyClientCert"
    ),
    LIST + "min_version: TLS10}": "web.yaml:1:79: TLS10 is not secure and not offered; write TLS12",
    LIST + "min_version: TLS13, max_version: TLS12}": (
        "web.yaml:1:79: min_version is above max_version; write a version not above it"
    ),
    LIST + "cipher_suites: [TLS_AES_128_GCM_SHA256]}": (
        "web.yaml:1:82: the suites of TLS 1.3 cannot be chosen: TLS_AES_128_GCM_SHA256 is always on; write suites of "
        "TLS 1.2 only"
    ),
    LIST + "curve_preferences: [X25519, CurveP256]}": (
        "web.yaml:1:85: only one curve can be set; write one curve, or leave the key out"
    ),
    LIST + "client_ca_file: ca.crt}": (
        "web.yaml:1:20: clients' certificates are not asked for; write client_auth_type: RequireAndVerifyClientCert"
    ),
    LIST + "client_auth_type: RequireAndVerifyClientCert}": "web.yaml:1:84: client_ca_file is missing",
    LIST + "client_allowed_sans: [a]}": (
        "web.yaml:1:87: a client without a certificate would have no name to compare; write client_auth_type: "
        "RequireAndVerifyClientCert"
    ),
    "tls_server_config: {cert_file: server.crt, key_file: gone.key}": (
        "web.yaml:1:54: cannot read gone.key: No such file or directory"
    ),
    "tls_server_config: {cert_file: server.crt}": "web.yaml:1:20: key_file is missing",
    "tls_server_config: {cert_file: ca.crt, key_file: server.key}": (
        "web.yaml:1:32: certificate and key cannot be used: KEY_VALUES_MISMATCH; write PEM files that belong together"
    ),
    "http_server_config: {http2: true}": "web.yaml:1:29: HTTP/2 is not offered; write http2: false",
    "http_server_config: {headers: {Server: x}}": (
        "web.yaml:1:31: the header 'Server' cannot be set; write Content-Security-Policy, Strict-Transport-Security, "
        "X-Content-Type-Options, X-Frame-Options, X-XSS-Protection"
    ),
    'http_server_config: {headers: {X-Frame-Options: "deny\\r\\nSet-Cookie: x"}}': (
        "web.yaml:1:31: the value of the header X-Frame-Options is no line of ASCII text; write one line"
    ),
    "rate_limit: {interval: soon, burst: 0}": (
        "web.yaml:1:24: 'soon' is no duration; write seconds, or a figure with ms, s, m, h or d, such as 30s or 5m\n"
        "web.yaml:1:37: 0 is out of range; write at least 1"
    ),
    f"basic_auth_users: {{alice: {HASH}}}\nnetmon_roles: {{alcie: admin}}": (
        "web.yaml:2:16: no user 'alcie' in basic_auth_users; did you mean alice?"
    ),
    f"basic_auth_users: {{alice: {HASH}}}\nnetmon_roles: {{alice: adnim}}": (
        "web.yaml:2:23: 'adnim' is not possible here; did you mean admin?; write one of viewer, operator, admin"
    ),
    "netmon_trusted_proxies: [proxy.example]": (
        "web.yaml:1:26: 'proxy.example' is no address of a proxy; write an address or a network, such as 192.0.2.7 or "
        "192.0.2.0/28"
    ),
    "&a basic_auth_users: {}": (
        "web.yaml:1:1: anchors (&name) and aliases (*name) are not allowed; write the value itself"
    ),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.items())
def test_what_cannot_be_honoured_is_an_error_with_its_place(
    certificates: Certificates, text: str, message: str
) -> None:
    assert complaint(certificates.folder, text) == message


def test_every_mistake_at_once(certificates: Certificates) -> None:
    keys = "cert_file: no.crt, key_file: server.key, client_ca_file: no.ca, curve_preferences: [X25519, CurveP384]"
    text = f"tls_server_config: {{{keys}}}"
    assert len(complaint(certificates.folder, text).splitlines()) == 3


SECRETS = [
    "correct horse", "012345", "12345678", "true", "[hunter2]", "{hunter2: hunter2}", HASH[:-1],
    HASH.replace("10", "31"), "!hunter2 hunter2",
]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("text", ["basic_auth_users: {{alice: {}}}", "basic_auth_users: {}", "basic_auth_users: [{}]"])
def test_a_password_in_the_file_is_not_repeated(tmp_path: Path, text: str, secret: str) -> None:
    message = complaint(tmp_path, text.format(secret))
    assert secret.strip("[]{}!") not in message.replace("true or false", "")
    assert "hunter2" not in message


def test_a_user_whose_name_has_a_colon_could_never_log_in(tmp_path: Path) -> None:
    assert "this is no user name" in complaint(tmp_path, f'basic_auth_users: {{"a:b": {HASH}}}')


def test_a_key_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    own = Certificates(tmp_path)
    (tmp_path / "server.key").chmod(0o644)
    assert complaint(tmp_path, own.text) == (
        "web.yaml:3:13: every user of this machine can read server.key; write chmod 640 for it"
    )


def test_hashes_that_everybody_can_read_and_weak_ones_are_warned_of(tmp_path: Path) -> None:
    config = load(tmp_path, f"basic_auth_users: {{alice: {HASH}, bob: {HASHES['anna']}}}", 0o644)
    assert [str(warning).partition(": ")[2] for warning in config.warnings] == [
        f"every user of this machine can read {tmp_path}/web.yaml; write chmod 640 for it",
        "a bcrypt cost below 10 is quickly guessed; write the line that `netmon hash-password` prints",
    ]


def test_an_encrypted_key_is_refused_without_asking_for_its_password(tmp_path: Path) -> None:
    own = Certificates(tmp_path)
    key = serialization.load_pem_private_key(trustme.CA().private_key_pem.bytes(), None)
    (tmp_path / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pw")
        )
    )
    assert "the private key is encrypted" in complaint(tmp_path, own.text)


@given(st.one_of(st.text(max_size=200), st.from_regex(r"(basic_auth_users|netmon_roles|rate_limit): [\[{a: 01}\]]*")))
def test_any_text_is_a_configuration_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(ConfigError):
        load_web_config(file)
