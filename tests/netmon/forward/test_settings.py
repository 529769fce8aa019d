from __future__ import annotations

from pathlib import Path

import pytest

from netmon.config import ConfigError
from netmon.forward.settings import ForwardSettings, load_forward


def load(tmp_path: Path, text: str, **environ: str) -> ForwardSettings:
    path = tmp_path / "forward.yaml"
    path.write_text(text, encoding="utf-8")
    return load_forward(path, environ)


def test_a_whole_file(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n", encoding="utf-8")
    token.chmod(0o600)
    found = load(
        tmp_path, "url: https://influx.example.org:8086/\ntoken_file: token\nbucket: fire\nbatch: 100\ntimeout: 5s\n"
    )
    assert found == ForwardSettings(
        url="https://influx.example.org:8086", token="secret", bucket="fire", batch=100, timeout_seconds=5
    )
    assert "secret" not in repr(found)
    assert load(tmp_path, "url: http://127.0.0.1:8428\ntoken_env: T\n", T="x").token == "x"
    assert load(tmp_path, "url: http://store\nplain_http: true\ntoken_env: T\n", T="x").token == "x"


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("bucket: b\n", "1:1", "url"),
        ("url: ftp://x\n", "1:6", "no address"),
        ("url: http://x\nbatch: 0\n", "2:8", "1"),
        ("url: http://x\ntoken_env: T\n", "1:6", "clear text"),
        ("url: http://127.0.0.1.example.org\ntoken_env: T\n", "1:6", "clear text"),
        ("url: https://x\ntoken_file: none\n", "2:13", "none"),
        ("url: https://x\nca_file: none\n", "2:10", "no file"),
        ("url: https://x\nbuckett: b\n", "2:1", "bucket"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, where: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, T="x")
    assert f"forward.yaml:{where}" in str(caught.value)
    assert what in str(caught.value)
