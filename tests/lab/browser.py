"""A headless Chromium, and what a page looks like in it: widths, contrasts, glyphs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests.lab import need

__all__ = ["bad_contrasts", "chromium", "missing_glyphs", "overflow", "resize", "use_scheme"]

# WCAG 2.2, "relative luminance" and "contrast ratio"; large text (24 px, or 18.66 px and bold) needs 3, other text 4.5.
CONTRASTS = """
function parse(colour) { return colour.match(/[\\d.]+/g).map(Number); }
function luminance([r, g, b]) {
  const [x, y, z] = [r, g, b].map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
}
function background(element) {
  for (let here = element; here; here = here.parentElement) {
    const colour = parse(getComputedStyle(here).backgroundColor);
    if (colour.length === 3 || colour[3] > 0.99) return colour;
  }
  return [255, 255, 255];
}
const found = [];
for (const element of document.body.querySelectorAll("*")) {
  const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.checkVisibility({ visibilityProperty: true })) continue;
  const style = getComputedStyle(element), svg = element instanceof SVGElement;
  const front = luminance(parse(svg ? style.fill : style.color)), back = luminance(background(element));
  const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  const text = element.textContent.trim().slice(0, 40);
  if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${element.tagName} ${text}`);
}
return found;
"""
# A letter that no font has is drawn as the same box as one that no font can have.
GLYPHS = """
const canvas = document.createElement("canvas"); canvas.width = canvas.height = 40;
const context = canvas.getContext("2d", { willReadFrequently: true });
context.font = "24px " + getComputedStyle(document.body).fontFamily; context.textBaseline = "top";
function drawn(letter) { context.clearRect(0, 0, 40, 40); context.fillText(letter, 4, 4); return canvas.toDataURL(); }
const box = drawn("\\u{10FFFE}");
const letters = new Set([...document.body.textContent].filter(letter => letter.trim()));
return [...letters].filter(letter => drawn(letter) === box);
"""


@contextmanager
def chromium(*, language: str = "en") -> Iterator[webdriver.Chrome]:
    """A browser of its own profile; skips where there is none."""
    options = Options()
    options.binary_location = need.program("chromium", "chromium")
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--lang={language}",
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    driver = webdriver.Chrome(options, Service(need.program("chromedriver", "chromium-driver")))
    try:
        yield driver
    finally:
        driver.quit()


def resize(driver: webdriver.Chrome, width: int, height: int = 900) -> None:
    """Give the page this width, exactly: a window cannot be as narrow as a phone."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def use_scheme(driver: webdriver.Chrome, scheme: str) -> None:
    """``light`` or ``dark``, as the reader's system says."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def overflow(driver: webdriver.Chrome) -> int:
    """Pixels by which the page is wider than the window."""
    return int(driver.execute_script("return document.documentElement.scrollWidth - innerWidth"))


def bad_contrasts(driver: webdriver.Chrome) -> list[Any]:
    """Texts with too little contrast to what is behind them."""
    return list(driver.execute_script(CONTRASTS))


def missing_glyphs(driver: webdriver.Chrome) -> list[Any]:
    """Letters of the page that no font of this machine has."""
    return list(driver.execute_script(GLYPHS))
