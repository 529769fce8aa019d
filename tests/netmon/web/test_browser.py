"""The board in a real browser, before a real netmon that probes a service which the test stops and starts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.lab.browser import bad_contrasts, chromium, missing_glyphs, overflow, resize, use_scheme
from tests.lab.servers import unused_port

ROOT = Path(__file__).parents[3]
INVENTORY = """\
organisation: {{zh: 珲春市消防救援大队, en: Hunchun battalion}}
sites:
  - id: one
    kind: fire_station
    name: {{zh: 一号消防救援站, en: Station 1}}
    required: {{sensor: 1, router: 1}}
    equipment:
      - id: router
        kind: router
        name: {{zh: 站路由器, en: router}}
        address: 127.0.0.1
        checks: {{ping: {{interval: 1s, timeout: 500ms, params: {{count: 2}}}}}}
      - id: camera
        kind: sensor
        name: {{zh: 视频感知, en: camera}}
        address: 127.0.0.1
        parent: router
        checks: {{ping: off, tcp: {{kind: tcp, interval: 1s, timeout: 500ms, confirm: off, params: {{port: {port}}}}}}}
  - {{id: two, kind: township, name: {{zh: 春化镇, en: Chunhua}}}}
"""
PAGES = ("/", "/sites/one", "/checks/one/camera/tcp?span=1h", "/events", "/search?q=one")


class Service:
    """A TCP service that can be stopped and started."""

    def __init__(self) -> None:
        self.port = unused_port()
        self._sock: socket.socket | None = None
        self.start()

    def start(self) -> None:
        """Listen; connections are closed at once."""
        sock = self._sock = socket.create_server(("127.0.0.1", self.port), reuse_port=True)
        threading.Thread(target=self._accept, args=(sock,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        if self._sock is not None:
            self._sock.shutdown(socket.SHUT_RDWR)
            self._sock.close()
            self._sock = None

    @staticmethod
    def _accept(sock: socket.socket) -> None:
        while True:
            try:
                sock.accept()[0].close()
            except OSError:
                return


class Netmon:
    """A netmon process."""

    def __init__(self, folder: Path, service: Service, *options: str) -> None:
        config = folder / "sites.yaml"
        config.write_text(INVENTORY.format(port=service.port), encoding="utf-8")
        port = unused_port()
        self.url = f"http://127.0.0.1:{port}"
        self.service = service
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.quick", "run", "--config", config, "--data", folder / "data", "--listen",
             f"127.0.0.1:{port}", *options],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        eventually(self._answers)

    def _answers(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
            return bool(answer.status == 200)

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def eventually(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Wait for something to become true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError("it did not come about")


@pytest.fixture(scope="module")
def netmon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Netmon]:
    service = Service()
    running = Netmon(tmp_path_factory.mktemp("netmon"), service)
    yield running
    running.stop()
    service.stop()


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    with chromium() as browser:
        yield browser


@pytest.fixture(autouse=True)
def clean(driver: webdriver.Chrome) -> None:
    """No cookies of the test before."""
    driver.delete_all_cookies()
    use_scheme(driver, "light")
    resize(driver, 1440)


def text(driver: webdriver.Chrome, selector: str) -> str:
    """What a person reads in the first such element; in one step, since the page swaps its elements by itself."""
    found = driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
    return " ".join(found.split())


def heading(driver: webdriver.Chrome) -> str:
    return text(driver, "h1")


def press(driver: webdriver.Chrome, selector: str) -> None:
    """Click an element as a person does, and wait for the next page."""
    before = driver.current_url
    driver.execute_script("document.querySelector(arguments[0]).click()", selector)
    eventually(lambda: driver.current_url != before and heading(driver))


def test_from_the_county_to_a_site_to_a_check(driver: webdriver.Chrome, netmon: Netmon) -> None:
    driver.get(netmon.url)
    eventually(lambda: (driver.refresh(), heading(driver))[1] == "Everything that is checked works")
    press(driver, ".tiles a[href='/sites/one']")
    assert heading(driver).startswith("Station 1")
    press(driver, ".checks a[href='/checks/one/camera/tcp']")
    assert heading(driver).startswith("camera tcp")
    assert driver.execute_script("return document.querySelectorAll('.plot svg').length") > 0
    press(driver, ".spans a[href='?span=1h']")
    assert driver.current_url.endswith("/checks/one/camera/tcp?span=1h")


def test_the_language_is_kept(driver: webdriver.Chrome, netmon: Netmon) -> None:
    driver.get(netmon.url)
    driver.find_element(By.LINK_TEXT, "中文").click()
    assert driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "zh"
    driver.find_element(By.LINK_TEXT, "事件").click()
    assert heading(driver) == "事件"
    driver.find_element(By.LINK_TEXT, "English").click()
    assert heading(driver) == "Events"


def test_a_fault_comes_and_goes_without_a_reload_by_hand(driver: webdriver.Chrome, netmon: Netmon) -> None:
    driver.get(netmon.url)
    driver.execute_script("window.kept = 'the same page'; document.querySelector('.tiles a').focus()")
    netmon.service.stop()
    eventually(lambda: heading(driver) == "1 site has something down")
    trouble = text(driver, ".troubles")
    assert "camera" in trouble
    assert "refused" in trouble
    netmon.service.start()
    eventually(lambda: heading(driver) == "Everything that is checked works")
    assert driver.execute_script("return window.kept") == "the same page"
    assert driver.execute_script("return document.activeElement.getAttribute('href')") == "/sites/one"
    driver.get(f"{netmon.url}/events")
    assert "camera" in text(driver, ".timeline")


def test_the_keyboard_is_enough(driver: webdriver.Chrome, netmon: Netmon) -> None:
    driver.get(netmon.url)
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    skip = driver.switch_to.active_element
    assert skip.text == "Skip to the content"
    assert skip.rect["x"] >= 0  # it shows itself when it has the focus
    skip.send_keys(Keys.ENTER)
    driver.switch_to.active_element.send_keys(Keys.TAB)
    assert driver.switch_to.active_element.tag_name == "a"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_can_be_read(driver: webdriver.Chrome, netmon: Netmon, language: str) -> None:
    """On a phone without overflow, on a wall, in light and dark with enough contrast, and with every letter."""
    for page in PAGES:
        driver.get(f"{netmon.url}{page}{'&' if '?' in page else '?'}lang={language}")
        assert missing_glyphs(driver) == []
        for width in (390, 1440, 2560):
            resize(driver, width)
            assert overflow(driver) <= 0, (page, width)
        for scheme in ("light", "dark"):
            use_scheme(driver, scheme)
            assert bad_contrasts(driver) == [], (page, scheme)


def test_a_viewer_sees_and_does_nothing(driver: webdriver.Chrome, netmon: Netmon, tmp_path: Path) -> None:
    users = tmp_path / "web.yaml"
    hashed = bcrypt.hashpw(b"look only", bcrypt.gensalt(5)).decode()
    users.write_text(f"basic_auth_users: {{anna: '{hashed}'}}\nnetmon_roles: {{anna: viewer}}\n", encoding="utf-8")
    users.chmod(0o600)
    guarded = Netmon(tmp_path, netmon.service, "--web-config", str(users))
    try:
        driver.get(guarded.url)
        assert heading(driver) == "Log in"
        driver.find_element(By.ID, "name").send_keys("anna")
        driver.find_element(By.ID, "password").send_keys("look only", Keys.ENTER)
        eventually(lambda: driver.find_elements(By.CSS_SELECTOR, "header form.user button"))
        script = "return fetch('/-/reload', {method: 'POST'}).then(answer => answer.status)"
        assert driver.execute_script(script) == 403
        assert driver.execute_script("return fetch('/audit').then(answer => answer.status)") == 403
    finally:
        guarded.stop()


def test_a_page_whose_netmon_is_gone_says_so(driver: webdriver.Chrome, netmon: Netmon, tmp_path: Path) -> None:
    going = Netmon(tmp_path, netmon.service)
    try:
        driver.get(going.url)
        assert not driver.find_element(By.ID, "stale").is_displayed()
    finally:
        going.stop()
    eventually(lambda: driver.find_element(By.ID, "stale").is_displayed())
    assert "not current" in driver.find_element(By.ID, "stale").text
