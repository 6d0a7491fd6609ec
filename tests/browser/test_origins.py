"""Two sites in a real browser: what a page of one may do at the other (cors), and which cookies the browser takes (cookies)."""

import json
from dataclasses import dataclass

import pytest

from chromium import Chromium
from test_https import key_hash
from weir.server import Server, configuration

pytestmark = pytest.mark.weir_only
SERVERS = """
    server_name a.example; ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key; http2 on;
    root %ROOT%; default_type text/html;
    cookie_keys hex:""" + "5a" * 32 + """;
    cookie_policy session seal rename=__Host-session httponly samesite=strict;
    cookie_policy wide secure samesite=none;
    cookie_policy plain secure samesite=lax;
    location = /login { add_header Set-Cookie "session=joe; Domain=a.example; Path=/login"; add_header Set-Cookie "wide=1; Path=/";
        add_header Set-Cookie "plain=2; Path=/"; return 200 "<!doctype html><link rel=icon href=data:,>in"; }
    location = /who { return 200 "$http_cookie"; }
    location = /image { fetch_metadata on; empty_gif; }
    location /api/ {
        cors_origin https://a.example:%PORT%; cors_methods PUT; cors_headers X-Token; cors_expose X-Told; cors_max_age 1m;
        auth_basic api; auth_basic_user_file %ROOT%/users;
        location /api/none/ { cors_origin https://other.example; alias %ROOT%/; }
        location /api/open/ { auth_basic off; cors_credentials on; add_header X-Told yes; add_header X-Kept no;
            proxy_pass http://127.0.0.1:%PORT2%/; }
        location /api/ { }
    }
"""
ORIGIN = """listen 127.0.0.1:%PORT2%; location / { return 200 "$request_method $http_x_token $http_cookie"; }"""


@dataclass
class Sites:
    page: Chromium
    here: str   # https://a.example:PORT
    there: str  # the same server, and another site to the browser

    def fetch(self, path, at=None, **options):
        """What a page of `here` gets of `there`, or another origin: status, text and the fields it may read, or the failure."""
        return self.page.value(f"""fetch({json.dumps((at or self.there) + path)}, {json.dumps(options)}).then(
            async r => [r.status, await r.text(), r.headers.get('x-told'), r.headers.get('x-kept')], e => e.name)""")


@pytest.fixture(scope="module")
def sites():
    server = Server({"index.html": "<!doctype html><title>here</title><link rel=icon href=data:,>", "users": "u:p"})
    server.configure(configuration(SERVERS, listen="listen 127.0.0.1:%PORT% ssl;", servers=[ORIGIN]))
    server.start()
    flags = ["--host-resolver-rules=MAP *.example 127.0.0.1", f"--ignore-certificate-errors-spki-list={key_hash('a.example')}"]
    try:
        with Chromium(flags=flags) as page:
            yield Sites(page, f"https://a.example:{server.port}", f"https://b.example:{server.port}")
    finally:
        server.stop()


@pytest.fixture
def here(sites):
    sites.page.open(sites.here + "/")
    return sites


def cookies(sites):
    """What the browser holds, by name."""
    return {c["name"]: c for c in sites.page.call("Network.getAllCookies")["cookies"]}


def test_the_browser_takes_cookies_as_the_policy_has_them(sites):
    sites.page.open(sites.here + "/login")
    held = cookies(sites)
    assert set(held) == {"__Host-session", "wide", "plain"}
    session = held["__Host-session"]
    assert (session["secure"], session["httpOnly"], session["sameSite"], session["path"]) == (True, True, "Strict", "/")
    assert "joe" not in session["value"] and not session["domain"].startswith(".")
    assert (held["wide"]["secure"], held["wide"]["sameSite"]) == (True, "None")
    assert held["plain"]["sameSite"] == "Lax"


def test_the_application_reads_what_it_set_and_scripts_cannot(sites):
    sites.page.open(sites.here + "/login")
    assert set(sites.page.value("fetch('/who').then(r => r.text())").split("; ")) == {"session=joe", "wide=1", "plain=2"}
    assert "session" not in sites.page.value("document.cookie")


def test_a_cookie_that_was_changed_in_the_browser_does_not_arrive(sites):
    sites.page.open(sites.here + "/login")
    value = cookies(sites)["__Host-session"]["value"]
    sites.page.call("Network.setCookie", name="__Host-session", value=value[:-2] + ("AA" if value[-2:] != "AA" else "BB"),
                    url=sites.here + "/", path="/", secure=True)
    assert set(sites.page.value("fetch('/who').then(r => r.text())").split("; ")) == {"wide=1", "plain=2"}


def test_a_preflight_lets_the_request_through(here):
    got = here.fetch("/api/open/x", method="PUT", headers={"X-Token": "t"})
    assert got == [200, "PUT t ", "yes", None]


def test_what_the_list_does_not_name_is_kept_from_the_page(here):
    assert here.fetch("/api/open/x", method="DELETE") == "TypeError"
    assert here.fetch("/api/open/x", headers={"X-Other": "1"}) == "TypeError"
    assert here.fetch("/api/none/index.html") == "TypeError"
    assert here.fetch("/index.html") == "TypeError"


def test_a_preflight_needs_no_password_and_the_page_sees_the_refusal_behind_it(here):
    assert here.fetch("/api/x", method="PUT")[0] == 401


def test_credentials_go_along_where_they_may(here):
    """To another origin of the same site: browsers block cookies of third parties, whatever a server says."""
    beside = here.there.replace("//b.", "//b.a.")
    here.page.open(beside + "/login")
    here.page.open(here.here + "/")
    status, text, *_ = here.fetch("/api/open/x", at=beside, credentials="include")
    assert (status, set(text.removeprefix("GET  ").split("; "))) == (200, {"session=joe", "wide=1", "plain=2"})
    assert here.fetch("/index.html", at=beside, credentials="include") == "TypeError"


def test_another_site_cannot_embed_what_is_isolated(here):
    loads = """new Promise(done => { const i = new Image(); i.onload = () => done(true); i.onerror = () => done(false); i.src = %s; })"""
    assert here.page.value(loads % json.dumps(here.here + "/image"))
    assert not here.page.value(loads % json.dumps(here.there + "/image"))
