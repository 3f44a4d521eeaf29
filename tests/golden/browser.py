"""Opens a page in a headless Chromium and tells what a reader would see go wrong."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; Debian's package chromium has it")

LEAST_CONTRAST = 4.5
"""WCAG's for text of the usual size."""

FIND_PROBLEMS = """
(leastContrast) => {
  const problems = [];
  const inside = (inner, outer) => inner.left >= outer.left - 1 && inner.right <= outer.right + 1
    && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
  const named = (element) => `${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 30)}"`;
  if (document.documentElement.scrollWidth > window.innerWidth) {
    problems.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${window.innerWidth}`);
  }
  for (const figure of document.querySelectorAll("figure")) {
    const place = figure.getBoundingClientRect();
    const pictures = figure.querySelectorAll("svg, img");
    if (!pictures.length) problems.push(`figure without a picture: ${named(figure)}`);
    if (place.right > window.innerWidth || place.left < 0) problems.push(`figure beyond the window: ${named(figure)}`);
    for (const picture of pictures) {
      const drawn = picture.getBoundingClientRect();
      if (drawn.width < 100 || drawn.height < 50) problems.push(`figure of ${drawn.width} x ${drawn.height}`);
      if (!inside(drawn, place)) problems.push(`picture beyond its figure: ${named(figure)}`);
      for (const text of picture.querySelectorAll("text")) {
        if (!inside(text.getBoundingClientRect(), drawn)) problems.push(`cut off: ${named(text)}`);
      }
    }
  }
  const channels = (colour) => {
    const [red, green, blue, alpha = 1] = colour.match(/[\\d.]+/g).map(Number);
    return {rgb: [red, green, blue], alpha};
  };
  const luminance = (rgb) => rgb.map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const {rgb, alpha} = channels(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return rgb;
    }
    return [255, 255, 255];
  };
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!own || element.closest("style, title, defs, metadata")) continue;
    const style = getComputedStyle(element);
    const colour = element.closest("svg") ? style.fill : style.color;
    const [light, dark] = [channels(colour).rgb, behind(element)].map(luminance).sort((one, other) => other - one);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < leastContrast) problems.push(`contrast ${contrast.toFixed(1)}: ${named(element)}`);
  }
  return problems;
}
"""
"""What is wrong with the page as it stands: sizes, what is cut off, contrast of all text with what is behind it."""


@contextmanager
def opened() -> Iterator[Browser]:
    """A browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def problems(browser: Browser, path: Path, *, dark: bool, width: int) -> list[str]:
    """What goes wrong when the page is read in a window of this width."""
    found: list[str] = []
    context = browser.new_context(color_scheme="dark" if dark else "light", viewport={"width": width, "height": 800})
    page = context.new_page()
    page.on("console", lambda message: found.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: found.append(f"script: {error}"))
    page.on("request", lambda request: found.append(f"request: {request.url}"))
    page.goto(path.as_uri())
    found.remove(f"request: {path.as_uri()}")
    found += page.evaluate(FIND_PROBLEMS, LEAST_CONTRAST)
    context.close()
    return [problem for problem in found if problem != "request: data:,"]
