"""Pictures of what a person sees, in pictures/: pages of the board at desktop and phone width, in both languages, and
every page of the reports and of their workbooks as LibreOffice draws them, where no text may lie on another.

Usage: make pictures (apt-get install chromium fonts-noto-cjk libreoffice-calc-nogui poppler-utils)
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.lab.paper import apart
from tests.lab.reported_county import FIRST, LAST, fill

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "pictures"
SIZES = {"desktop": "1440,1400", "wall": "2560,1440", "phone": "500,1800"}  # Chromium's windows are no narrower
PAGES = {
    "county": "",
    "site": "sites/station-1",
    "uplinks": "sites/station-2",
    "check": "checks/station-1/uplink/uplink",
    "events": "events",
    "search": "search",
    "maintenance": "maintenance",
    "stations": "stations",
    "targets": "targets",
    "reports": "reports",
    "alerts": "alerts",
    "coverage": "coverage",
    "coverage-area": "coverage/areas/chunhua",
    "evidence": "evidence",
}


def main() -> None:
    """Start the demo, take the pictures, stop it."""
    chromium = shutil.which("chromium") or sys.exit("no chromium here: apt-get install chromium fonts-noto-cjk")
    FOLDER.mkdir(exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    command = [sys.executable, "-m", "netmon", "demo", "--for", "180s", "--json", "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    ) as demo:
        try:
            url = f"http://127.0.0.1:{port}/"
            wait(url)
            for language in ("zh", "en"):
                for page, path in PAGES.items():
                    for name, size in SIZES.items():
                        take(chromium, f"{url}{path}?lang={language}", size, FOLDER / f"{page}-{language}-{name}.png")
        finally:
            demo.terminate()
            demo.wait()
    papers()
    print(json.dumps(sorted(str(path.relative_to(ROOT)) for path in FOLDER.glob("*.png")), indent=2))


def papers() -> None:
    """Reports of the sample county, page by page."""
    soffice = shutil.which("soffice") or sys.exit("no LibreOffice here: apt-get install libreoffice-calc-nogui")
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        asyncio.run(fill(place / "data"))
        netmon = [sys.executable, "-m", "netmon", "report"]
        given = ["--data", str(place / "data"), "--issued", "2025-05-06", "--out", str(place), "--format", "pdf,xlsx"]
        for what in (["--since", FIRST.isoformat(), "--until", LAST.isoformat()], ["--emergency", "last"]):
            subprocess.run([*netmon, *what, *given], check=True, cwd=ROOT, capture_output=True)
        sheet = [*netmon, "handover", "--data", str(place / "data"), "--out", str(place), "--lang", "zh,en"]
        subprocess.run(sheet, check=True, cwd=ROOT, capture_output=True)
        books = sorted(map(str, place.glob("*.xlsx")))
        profile = f"-env:UserInstallation=file://{place}/profile"
        convert = [soffice, "--headless", profile, "--convert-to", "pdf", "--outdir", f"{place}/books", *books]
        subprocess.run(convert, check=True, capture_output=True)
        for path in [*place.glob("*.pdf"), *place.glob("books/*.pdf")]:
            apart(path)
            name = f"{path.parent.name}-{path.stem}" if path.parent.name == "books" else path.stem
            subprocess.run(["pdftoppm", "-r", "80", "-png", str(path), str(FOLDER / name)], check=True)


def wait(url: str) -> None:
    """Until the page shows something that is down and something that is degraded."""
    for _ in range(300):
        time.sleep(0.1)
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            continue
        if "badge down" in text and "badge degraded" in text:
            return
    sys.exit("the demo showed no fault within 30 s")


def take(chromium: str, url: str, size: str, path: Path) -> None:
    """One picture."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={size}"]
    subprocess.run(
        [chromium, *options, f"--screenshot={path}", url], check=True, capture_output=True, timeout=60, cwd=FOLDER
    )


if __name__ == "__main__":
    main()
