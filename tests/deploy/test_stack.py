"""docker-compose.yml and what belongs to it: what each service may, what is pinned, and whether the files fit."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from netmon import __version__
from netmon.alerts.settings import load_settings
from netmon.forward.settings import load_forward
from netmon.web.auth import load_web_config
from tests.lab import need
from tests.lab.stack import ROOT, SCRAPE_PASSWORD, compose
from tests.lab.web_config import hash_of

SERVICES = ("netmon", "prometheus", "alertmanager", "grafana", "influxdb")
PORTS = {"netmon": 9735, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000, "influxdb": 8086}


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


def test_docker_compose_reads_it_as_we_do_and_has_nothing_to_say() -> None:
    command = [need.program("docker-compose", "docker-compose"), "config"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    read = yaml.safe_load(done.stdout)["services"]
    assert set(read) == set(compose()["services"]) == set(SERVICES)
    for name in SERVICES:
        assert read[name].get("command") == service(name).get("command")
        assert read[name]["image"] == service(name)["image"]
        assert read[name]["cap_drop"] == ["ALL"]
        assert read[name]["read_only"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_little(name: str) -> None:
    made = service(name)
    assert made["cap_drop"] == ["ALL"]
    assert set(made.get("cap_add", ())) <= {"NET_RAW"}
    assert made["read_only"] is True
    assert made["security_opt"] == ["no-new-privileges:true"]
    assert int(made["user"].partition(":")[0]) > 0
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & set(made)
    for volume in made["volumes"]:
        source, target = volume.split(":")[:2]
        assert source.startswith("./") or source in compose()["volumes"]
        assert volume.endswith(":ro") or source in compose()["volumes"], f"{target} can be written"
    for port in made["ports"]:
        assert port.startswith("127.0.0.1:"), "nobody else gets in unless somebody says so"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_watched_and_bounded(name: str) -> None:
    made = service(name)
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", made["image"])
    assert made["restart"] == "unless-stopped"
    assert {"test", "interval", "timeout", "start_period"} <= set(made["healthcheck"])
    assert made["mem_limit"]
    assert float(made["cpus"]) > 0
    assert made["pids_limit"]
    assert {"max-size", "max-file"} <= set(made["logging"]["options"])
    assert str(PORTS[name]) in " ".join(made["healthcheck"]["test"])
    assert f":{PORTS[name]}" in made["ports"][0]


def test_the_image_is_this_version() -> None:
    assert service("netmon")["image"] == f"netmon:{__version__}"


def test_secrets_come_by_files_and_each_is_made(tmp_path: Path) -> None:
    declared = compose()["secrets"]
    used = {secret for name in SERVICES for secret in service(name)["secrets"]}
    assert used == set(declared)
    for name in SERVICES:
        for key, value in (service(name).get("environment") or {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", key):
                assert key.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in service(name)["secrets"]
    (tmp_path / "scrape-password").write_text(SCRAPE_PASSWORD)
    make_secrets(tmp_path)
    assert {Path(each["file"]).name for each in declared.values()} <= {path.name for path in tmp_path.iterdir()}
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    loaded = load_web_config(tmp_path / "web.yaml")
    assert set(loaded.users) == {"prometheus", "admin"}
    assert (tmp_path / "scrape-password").read_text() == SCRAPE_PASSWORD, "what is there stays"
    words = {path.name: path.read_text() for path in tmp_path.iterdir()}
    make_secrets(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == words
    assert len(set(words.values())) == len(words)


def make_secrets(folder: Path) -> None:
    """Run the script; what it asks netmon for is a hash of its standard input."""
    netmon = folder.with_name("hasher")
    netmon.write_text(
        f"#!/bin/sh\nword=$(cat) && [ -n \"$word\" ] && [ $1 = hash-password ] && echo '{hash_of('x')}'\n"
    )
    netmon.chmod(0o755)
    command = ["sh", str(ROOT / "deploy" / "make-secrets.sh"), str(folder)]
    done = subprocess.run(
        command, env={"PATH": "/usr/bin:/bin", "NETMON": shlex.quote(str(netmon))}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_mounted_file_is_there_and_hosts_are_services() -> None:
    for name in SERVICES:
        for volume in service(name)["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
    scraped = yaml.safe_load((ROOT / "config/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    sources = yaml.safe_load((ROOT / "grafana/provisioning/datasources/netmon.yaml").read_text(encoding="utf-8"))
    places = [
        target for job in scraped["scrape_configs"] for each in job["static_configs"] for target in each["targets"]
    ]
    places += [target for each in scraped["alerting"]["alertmanagers"] for one in each["static_configs"]
               for target in one["targets"]]  # fmt: skip
    places += [source["url"].removeprefix("http://") for source in sources["datasources"]]
    for place in places:
        host, _colon, port = place.partition(":")
        assert PORTS["prometheus" if host == "127.0.0.1" else host] == int(port)
    assert len({source["uid"] for source in sources["datasources"]}) == len(sources["datasources"]) == 3
    # What the dashboards' variable `datasource` is at first.
    (usual,) = (source for source in sources["datasources"] if source.get("isDefault"))
    assert usual["uid"] == "netmon-prometheus"


def test_netmon_s_files_of_the_stack_are_right(tmp_path: Path) -> None:
    settings = load_settings(ROOT / "config/stack/alerts.yaml", {})
    assert settings.alertmanager == "http://alertmanager:9093"
    token = tmp_path / "token"
    token.write_text("t")
    copy = tmp_path / "forward.yaml"
    text = (ROOT / "config/stack/forward.yaml").read_text(encoding="utf-8")
    copy.write_text(text.replace("/run/secrets/influxdb-token", str(token)), encoding="utf-8")
    forward = load_forward(copy, {})
    environment = service("influxdb")["environment"]
    assert forward.url == "http://influxdb:8086"
    assert forward.org == environment["DOCKER_INFLUXDB_INIT_ORG"]
    assert forward.bucket == environment["DOCKER_INFLUXDB_INIT_BUCKET"]


def stages() -> list[list[str]]:
    """The Dockerfile's instructions, by stage."""
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line and not line.startswith("#")]
    found: list[list[str]] = []
    for line in lines:
        if line.startswith("FROM "):
            found.append([])
        if found:
            found[-1].append(line)
    return found


def test_the_image_is_built_in_stages_and_does_not_run_as_root() -> None:
    build, image = stages()
    assert build[0].endswith("AS build")
    assert not any("pip" in line for line in image)
    (user,) = (line.split()[1] for line in image if line.startswith("USER "))
    assert user == service("netmon")["user"] == "10001:10001"
    assert service("netmon")["sysctls"] == {"net.ipv4.ping_group_range": "10001 10001"}
    assert not any(line.startswith("ADD ") for stage in (build, image) for line in stage)


def test_the_build_stage_gets_all_that_makes_netmon_and_nothing_else() -> None:
    copied = [name for line in stages()[0] if line.startswith("COPY ") for name in shlex.split(line)[1:-1]]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)
    assert "*" in ignored
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {package.partition(".")[0] for package in project["tool"]["setuptools"]["packages"]}
    wanted |= {project["project"]["readme"], *project["project"]["license-files"], "pyproject.toml", "constraints.txt"}
    assert set(copied) == wanted
