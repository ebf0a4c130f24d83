"""The report in a browser: nothing goes wrong, nothing is asked for, tabs and zoom work."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vjpgen.pipeline import generate

webdriver = pytest.importorskip("selenium.webdriver")
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(
        BROWSER is None or DRIVER is None, reason="chromium and chromedriver are not installed"
    ),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "growth.html"
    path.write_text(generate("x*log(1 + y)", name="growth", assume="y > -1", effort="low").page())
    return path


@pytest.fixture(params=["light", "dark", "phone"])
def browser(request: pytest.FixtureRequest, place: Path) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1200,900",
    ):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    scheme = "dark" if request.param == "dark" else "light"
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    if request.param == "phone":
        size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(place.as_uri())
    yield driver
    driver.quit()


def until(browser: Any, condition: Callable[[], bool]) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 60).until(lambda _: condition())


def drawn(browser: Any) -> int:
    return int(browser.execute_script("return document.documentElement.dataset.drawn || 0"))


def limits(browser: Any, place: str) -> list[float]:
    """The horizontal range of a plot."""
    program = """
        for (const view of Bokeh.index.roots) {
            if (view.el.closest(".plot")?.id === arguments[0])
                return [view.model.x_range.start, view.model.x_range.end];
        }"""
    found: list[float] = browser.execute_script(program, place)
    return found


def test_it_works(browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    per_tab = len(browser.find_elements("css selector", "#q0 .plot"))
    until(browser, lambda: drawn(browser) == per_tab)

    panels = browser.find_elements("css selector", "[role=tabpanel]")
    assert [p.is_displayed() for p in panels] == [True, False, False]
    browser.find_element("id", "q0-tab").send_keys(Keys.ARROW_RIGHT)
    assert [p.is_displayed() for p in panels] == [False, True, False]
    assert browser.switch_to.active_element.get_attribute("id") == "q1-tab"
    until(browser, lambda: drawn(browser) > per_tab + 5)

    before = limits(browser, "q1-0-all")
    button = browser.find_element("css selector", "[data-plot='q1-0-all'][data-zoom='0.5']")
    button.send_keys(Keys.ENTER)
    start, end = limits(browser, "q1-0-all")
    assert end - start == pytest.approx((before[1] - before[0]) / 2)
    browser.find_element("css selector", "[data-plot='q1-0-all'][data-zoom='reset']").send_keys(Keys.ENTER)
    assert limits(browser, "q1-0-all") == before

    page, window = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert page <= window  # wide things scroll by themselves
    assert [e for e in browser.get_log("browser") if e["level"] != "INFO"] == []
    events = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [browser.current_url]
