"""A real application behind the server, used by a browser: Django's admin at gunicorn, by conf/examples/application.conf.

Once over plain HTTP and once over TLS and HTTP/2, where Django compares Referer, Host and scheme with what X-Forwarded-*
say, and refuses every form when one of them is wrong.
"""

import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from chromium import Chromium
from weir.server import TOP, Server, wait_for, with_comments

pytestmark = pytest.mark.weir_only
EXAMPLE = TOP / "conf/examples/application.conf"
UPLOAD = random.Random(1).randbytes(6 << 20)


@dataclass
class Site:
    """One site with a browser in front of it."""
    server: Server
    page: Chromium
    url: str
    scheme: str
    data: Path


def configuration(data, tls):
    """The example for people; only its addresses, names and folders are those of the test."""
    changes = {
        "server 127.0.0.1:8000;": f"server unix:{data}/socket;",
        "listen 127.0.0.1:8080;": "" if tls else "listen 127.0.0.1:%PORT%;",
        "listen 80;": "listen 127.0.0.1:%PORT%;",
        "listen 443 ssl;": "listen 127.0.0.1:%PORT2% ssl;",
        "/etc/ssl/shop": "%TLS%/a.example",
        "https://shop.example.test$": "https://a.example:%PORT2%$",
        "shop.example.test": "a.example",
        "/srv/shop/": f"{data}/",
        "../mime.types": str(TOP / "conf/mime.types"),
        "events { }": "daemon off; master_process off; pid logs/weir.pid;\nevents { }",
    }
    text = with_comments(EXAMPLE.read_text()) if tls else EXAMPLE.read_text()
    for old, new in changes.items():
        assert old in text, f"the example has no {old!r} any more"
        text = text.replace(old, new)
    return text


def start_application(data, tls):
    environment = {**os.environ, "APPLICATION_DATA": str(data), "APPLICATION_SECURE": str(int(tls)),
                   "DJANGO_SETTINGS_MODULE": "application.settings", "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run([sys.executable, "-m", "application.prepare"], env=environment, check=True, timeout=60)
    with open(data / "gunicorn.log", "wb") as log:
        return subprocess.Popen([sys.executable, "/usr/bin/gunicorn", "--bind", f"unix:{data}/socket", "--workers", "1",
                                 "--worker-class", "gthread", "--threads", "4", "--access-logfile", "-", "application.wsgi"],
                                env=environment, cwd=data, stdout=log, stderr=log)


@pytest.fixture(scope="module", params=["plain", "tls"])
def site(request, tmp_path_factory):
    pytest.importorskip("django")
    tls = request.param == "tls"
    data = tmp_path_factory.mktemp("application")
    gunicorn = start_application(data, tls)
    server = Server()
    try:
        server.configure(configuration(data, tls))
        server.start()
        wait_for("gunicorn", (data / "socket").exists)
        scheme, port = ("https", server.extra_ports["PORT2"]) if tls else ("http", server.port)
        with Chromium(flags=["--host-resolver-rules=MAP a.example 127.0.0.1", "--ignore-certificate-errors"]) as page:
            yield Site(server, page, f"{scheme}://a.example:{port}", scheme, data)
    finally:
        gunicorn.terminate()
        server.stop()
        gunicorn.wait(30)


def fill_in(page, **values):
    for name, value in values.items():
        page.value(f"document.querySelector('[name={name}]').value = {value!r}")


def text(page, selector="body"):
    return page.value(f"document.querySelector({selector!r}).innerText")


def headers(page):
    return {name.lower(): value for name, value in page.document()["headers"].items()}


def log_in(site, password="correct horse"):
    site.page.open(f"{site.url}/admin/logout/")
    site.page.open(f"{site.url}/admin/")
    assert "/admin/login/?next=/admin/" in site.page.value("location.href")
    fill_in(site.page, username="alice", password=password)
    site.page.follow("document.querySelector('#login-form').submit()")


def add_paper(site, title, path, published="2026-02-03"):
    """By the form, as a person would."""
    site.page.open(f"{site.url}/admin/application/paper/add/")
    fill_in(site.page, title=title, published=published)
    site.page.choose_file("[name=file]", path)
    site.page.follow("document.querySelector('[name=_save]').click()")


@pytest.fixture
def admin(site):
    log_in(site)
    assert "Site administration" in text(site.page)
    return site


def test_a_wrong_password_is_said_and_the_right_one_opens(site):
    log_in(site, "wrong")
    assert "Please enter the correct username and password" in text(site.page)
    log_in(site)
    assert site.page.value("location.href") == f"{site.url}/admin/"
    assert "welcome, alice" in text(site.page, "#user-tools").lower()


def test_the_page_comes_whole_and_by_the_protocol_that_is_meant(admin):
    admin.page.open(f"{admin.url}/admin/application/paper/")
    assert admin.page.document()["protocol"] == {"http": "http/1.1", "https": "h2"}[admin.scheme]
    assert headers(admin.page)["content-encoding"] == "gzip"
    assert not admin.page.all_events("Network.loadingFailed")
    assert not [e for e in admin.page.all_events("Log.entryAdded") if e["entry"]["level"] == "error"]
    got = [e["response"] for e in admin.page.all_events("Network.responseReceived")]
    assert {r["status"] for r in got if "/static/" in r["url"]} == {200}
    assert admin.page.value("getComputedStyle(document.querySelector('#header')).display") == "flex"


def test_an_upload_is_listed_and_comes_back_as_it_was(admin, tmp_path):
    (tmp_path / "round trip.pdf").write_bytes(UPLOAD)
    add_paper(admin, "Round & <trip> \u00fc", tmp_path / "round trip.pdf")
    assert "was added successfully" in text(admin.page, ".messagelist")
    assert "Round & <trip> \u00fc" in text(admin.page, "#result_list")
    assert "Feb. 3, 2026" in text(admin.page, "#result_list")

    admin.page.open(f"{admin.url}/")
    folder = tmp_path / "downloads"
    folder.mkdir()
    got = admin.page.download("document.querySelector('li a').click()", folder)
    assert got.read_bytes() == UPLOAD
    begun = admin.page.all_events("Browser.downloadWillBegin")[-1]
    assert begun["suggestedFilename"] == "round_trip.pdf"


def test_whole_urls_name_the_site_as_the_browser_knows_it(admin, tmp_path):
    (tmp_path / "small.pdf").write_bytes(b"small")
    add_paper(admin, "Small", tmp_path / "small.pdf")
    admin.page.open(f"{admin.url}/")
    assert text(admin.page, "#site") == f"{admin.url}/"
    assert text(admin.page, "#client") == "127.0.0.1"
    links = admin.page.value("[...document.querySelectorAll('li a')].map(a => a.getAttribute('href'))")
    assert links and all(link.startswith(f"{admin.url}/papers/") for link in links)


def test_redirects_lead_on_at_the_site(admin):
    admin.page.open(f"{admin.url}/admin/application")          # the slash is Django's redirect
    assert admin.page.value("location.href") == f"{admin.url}/admin/application/"
    admin.page.open(f"{admin.url}/old/")                       # a whole URL
    assert admin.page.value("location.href") == f"{admin.url}/"


def test_cookies_are_kept_as_the_application_meant_them(admin):
    cookies = {c["name"]: c for c in admin.page.call("Network.getCookies")["cookies"]}
    assert set(cookies) == {"sessionid", "csrftoken"}
    assert cookies["sessionid"]["httpOnly"] and cookies["sessionid"]["sameSite"] == "Lax"
    assert {c["secure"] for c in cookies.values()} == {admin.scheme == "https"}
    assert {c["domain"] for c in cookies.values()} == {"a.example"}


def test_a_form_without_its_token_is_refused_by_the_application(admin):
    admin.page.open(f"{admin.url}/admin/application/paper/add/")
    admin.page.value("document.querySelector('[name=csrfmiddlewaretoken]').remove()")
    admin.page.follow("document.querySelector('#paper_form').submit()")
    assert admin.page.document()["status"] == 403
    assert "CSRF verification failed" in text(admin.page)


def test_an_upload_over_the_limit_shows_413(admin, tmp_path):
    (tmp_path / "large.pdf").write_bytes(b"%PDF" + bytes(24 << 20))
    add_paper(admin, "Large", tmp_path / "large.pdf")
    assert admin.page.document()["status"] == 413
    assert "413" in text(admin.page)
    assert not list(admin.data.glob("uploads/large*"))


def test_static_files_come_from_the_disk(admin):
    admin.page.open(f"{admin.url}/static/admin/css/base.css")
    got = admin.page.document()
    assert got["status"] == 200 and got["mimeType"] == "text/css"
    assert headers(admin.page)["cache-control"] == "max-age=86400"
    assert headers(admin.page)["x-content-type-options"] == "nosniff"
    admin.page.open(f"{admin.url}/admin/")
    log = wait_for("a later request", lambda: "GET /admin/ " in (text := (admin.data / "gunicorn.log").read_text()) and text)
    assert "/static/" not in log


def test_an_upload_is_not_there_for_who_has_only_its_name(admin, tmp_path):
    (tmp_path / "private.pdf").write_bytes(b"private")
    add_paper(admin, "Private", tmp_path / "private.pdf")
    assert (admin.data / "uploads/private.pdf").exists()
    admin.page.open(f"{admin.url}/uploads/private.pdf")
    assert admin.page.document()["status"] == 404


def test_who_has_logged_out_is_asked_for_the_password_again(admin):
    admin.page.open(f"{admin.url}/admin/")
    admin.page.follow("document.querySelector('#user-tools a[href$=\"/logout/\"]').click()")
    assert "Logged out" in text(admin.page)
    admin.page.open(f"{admin.url}/papers/1/")
    assert admin.page.value("location.href") == f"{admin.url}/admin/login/?next=/papers/1/"


@pytest.mark.parametrize("site", ["tls"], indirect=True)
def test_plain_http_leads_to_tls(site):
    site.page.open(f"http://a.example:{site.server.port}/admin/login/?next=/a")
    assert site.page.value("location.href") == f"{site.url}/admin/login/?next=/a"
