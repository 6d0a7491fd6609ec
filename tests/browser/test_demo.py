"""The demo page in a real browser: it loads whole, looks as meant, and nothing complains."""

from pathlib import Path

import pytest

from chromium import Chromium
from weir.server import BINARY, TOP, Server, configuration

SITE = TOP / "conf/html"
TYPES = next((p for p in (TOP / "conf/mime.types", Path("/etc/nginx/mime.types")) if p.exists()))


@pytest.fixture(scope="module")
def page():
    server = Server()
    server.configure(configuration("location / { }", http=f"root {SITE}; include {TYPES};"))
    server.start()
    try:
        with Chromium() as browser:
            browser.call("Emulation.setDeviceMetricsOverride", width=1000, height=1100,
                         deviceScaleFactor=1, mobile=False)
            browser.open(f"http://127.0.0.1:{server.port}/")
            yield browser
    finally:
        server.stop()


def test_the_title_says_that_it_runs(page):
    assert page.value("document.title") == "weir is running"
    assert page.value("document.querySelector('h1').textContent") == "weir is running"


def test_everything_it_names_is_loaded_with_its_type(page):
    got = {e["response"]["url"].rsplit("/", 1)[1]: e["response"]
           for e in page.all_events("Network.responseReceived")}
    assert {name: r["status"] for name, r in got.items() if name in ("", "style.css", "weir.svg")} == \
        {"": 200, "style.css": 200, "weir.svg": 200}
    assert got["style.css"]["mimeType"] == "text/css"
    assert got["weir.svg"]["mimeType"] == "image/svg+xml"
    assert not page.all_events("Network.loadingFailed")


def test_the_image_is_drawn_and_the_style_applies(page):
    assert page.value("document.images[0].complete && document.images[0].naturalWidth") > 0
    assert page.value("getComputedStyle(document.body).maxWidth") == "736px"


def test_nothing_complains(page):
    assert page.all_events("Log.entryAdded") == []
    assert page.all_events("Runtime.consoleAPICalled") == []
    assert page.all_events("Runtime.exceptionThrown") == []


def test_nothing_comes_from_elsewhere(page):
    asked = [e["request"]["url"] for e in page.all_events("Network.requestWillBeSent")]
    assert asked and all(url.startswith("http://127.0.0.1:") for url in asked)


def test_it_fits_a_narrow_screen(page):
    page.call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
    assert page.value("document.documentElement.scrollWidth") <= 360
    page.call("Emulation.setDeviceMetricsOverride", width=1000, height=1100, deviceScaleFactor=1, mobile=False)


def test_a_picture_is_kept(page):
    build = Path(BINARY).parent if Path(BINARY).parent.is_relative_to(TOP) else TOP / "build"
    build.mkdir(exist_ok=True)
    page.screenshot(build / "demo.png")
    assert (build / "demo.png").stat().st_size > 10000
