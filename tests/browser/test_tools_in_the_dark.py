"""The modeler's tools can be read in every theme: each text that is there, against what is really behind it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, Site

Sit = Callable[..., Desk]
PATH = "bpmn/telecom/cantonese_callback.bpmn"
#: WCAG 2.2 AA: plain text, and icons or large text
TEXT, LARGE = 4.5, 3.0

#: every element inside ``tool`` that shows text or an icon itself, with ink and ground as the browser computed them
MEASURE = """(tool) => {
  const rgb = (text) => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((value, index) => (index === 3 ? value / 255 : value));
  };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a)];
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const layer = rgb(getComputedStyle(at).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const light = (colour) => colour.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, index) => sum + v * [0.2126, 0.7152, 0.0722][index], 0);
  const found = [];
  for (const element of document.querySelectorAll(`${tool}, ${tool} *`)) {
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height || getComputedStyle(element).visibility === 'hidden') continue;
    if (element.closest('svg') && !element.matches('text')) continue;
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const drawn = ['::before', '::after'].map((part) => getComputedStyle(element, part).content)
      .some((text) => !['none', 'normal', '""', '" "'].includes(text));
    const typed = element.matches('input:not([type=checkbox]), textarea, select');
    if (!own && !drawn && !typed) continue;
    const style = getComputedStyle(element);
    const behind = ground(element);
    const ink = over(rgb(style.color), behind);
    const [low, high] = [light(ink), light(behind)].sort((a, b) => a - b);
    found.push({
      what: `${element.className || element.tagName}: ${(element.value ?? element.textContent).trim().slice(0, 30)}`,
      ratio: (high + 0.05) / (low + 0.05), large: parseFloat(style.fontSize) >= 18, disabled: !!element.disabled,
    });
  }
  return found;
}"""


def _readable(page: Page, tool: str, least: int) -> None:
    """Each of the at least ``least`` texts of a tool stands out from its ground."""
    found = page.evaluate(MEASURE, tool)
    assert len(found) >= least, f"{tool}: only {len(found)} texts"
    dim = [
        f"{one['what']} {one['ratio']:.2f}"
        for one in found
        if not one["disabled"] and one["ratio"] < (LARGE if one["large"] else TEXT)
    ]
    assert dim == [], tool


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-Hans", "en"])
def test_every_text_of_every_tool_can_be_read(site: Site, sit: Sit, theme: str, locale: str) -> None:
    desk = sit("designer1", theme=theme, locale=locale)
    page = desk.open(f"/designer/edit?path={PATH}")
    expect(page.locator('[data-designer][data-ready="yes"]')).to_be_visible()
    _drawing(page, theme)
    _readable(page, ".djs-palette", 10)
    _readable(page, ".djs-minimap .toggle", 1)
    _readable(page, ".bts-toggle-mode", 1)

    page.locator("#canvas .djs-container > svg").focus()
    page.keyboard.press("Control+f")
    page.locator(".djs-search-input input").press_sequentially("callback_1")
    _readable(page, ".djs-search-container", 5)
    page.locator(".djs-search-result").filter(has_text="callback_1").first.click()
    _readable(page, ".djs-context-pad.open", 5)
    closed = "#panel .bio-properties-panel-group-header:not(.open)"
    page.eval_on_selector_all(closed, "all => all.forEach((one) => one.click())")
    _readable(page, "#panel", 15)
    page.locator(".djs-context-pad.open .entry[data-action=replace]").click()
    _readable(page, ".djs-popup", 10)
    page.keyboard.press("Escape")
    page.locator(".djs-minimap .toggle").click()
    _readable(page, ".djs-minimap .toggle", 1)
    page.locator("#canvas .djs-container > svg").focus()
    page.keyboard.press("e")
    expect(page.locator(".djs-direct-editing-content")).to_be_visible()
    _readable(page, ".djs-direct-editing-content", 0)
    page.keyboard.press("Escape")
    page.locator(".bts-toggle-mode").click()
    page.locator(".bts-toggle-mode").hover()
    _readable(page, ".bts-toggle-mode", 1)
    _readable(page, ".bts-palette", 0)
    _readable(page, ".bts-set-animation-speed", 0)
    _drawing(page, theme)


def _drawing(page: Page, theme: str) -> None:
    """Steps are drawn in the colours of the page, while the simulation plays too."""
    step = page.locator('[data-element-id="callback_1"] .djs-visual')
    colours = [
        step.locator(part).first.evaluate("(one) => getComputedStyle(one).fill") for part in ("rect", "text")
    ]
    dark = ["rgb(31, 39, 51)", "rgb(228, 233, 240)"]
    assert colours == (dark if theme == "dark" else ["rgb(255, 255, 255)", "rgb(24, 33, 47)"])
