"""A page over TLS and HTTP/2 in a real browser: reached by the plain port, with all its parts, on one connection."""

import base64
import hashlib
from dataclasses import dataclass

import pytest

from chromium import Chromium
from weir.authority import authority, openssl
from weir.server import TOP, Server, configuration

pytestmark = pytest.mark.weir_only
PARTS = 30
PAGE = ("<!doctype html><title>parts</title><link rel=icon href=data:,>"
        "<link rel=stylesheet href=style.css><script src=code.js></script><body>" +
        "".join(f'<img src="image.svg?{n}" width=10>' for n in range(PARTS)))
FILES = {"index.html": PAGE, "style.css": "body { color: rgb(1, 2, 3) }", "code.js": "window.ran = location.protocol;",
         "data.json": '{"said": "yes"}', "image.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'}
SITE = """
    server_name a.example; ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key;
    http2 on; https_redirect on; gzip on; gzip_types text/css text/javascript;
    location / { }
    location = /connection { return 200 "$connection $server_protocol $ssl_protocol $ssl_curve"; }
"""


def key_hash(name):
    """What Chromium calls a certificate's key by."""
    folder = authority()
    openssl(folder, "x509", "-in", f"{name}.pem", "-pubkey", "-noout", "-out", f"{name}.pub")
    openssl(folder, "pkey", "-pubin", "-in", f"{name}.pub", "-outform", "DER", "-out", f"{name}.spki")
    return base64.b64encode(hashlib.sha256((folder / f"{name}.spki").read_bytes()).digest()).decode()


@dataclass
class Visit:
    """The browser after one load of the page, by the address of the plain port."""
    page: Chromium
    plain: str
    tls: str


@pytest.fixture(scope="module")
def visit():
    server = Server(FILES)
    server.configure(configuration(SITE, listen="listen 127.0.0.1:%PORT%; listen 127.0.0.1:%PORT2% ssl;",
                                   http=f"include {TOP}/conf/mime.types;"))
    server.start()
    flags = ["--host-resolver-rules=MAP a.example 127.0.0.1", f"--ignore-certificate-errors-spki-list={key_hash('a.example')}"]
    try:
        with Chromium(flags=flags) as page:
            page.open(f"http://a.example:{server.port}/?a=b")
            yield Visit(page, f"http://a.example:{server.port}", f"https://a.example:{server.extra_ports['PORT2']}")
    finally:
        server.stop()


def responses(visit):
    return [e["response"] for e in visit.page.all_events("Network.responseReceived")
            if e["response"]["url"].startswith("http")]


def test_the_plain_port_leads_to_https_with_the_same_path(visit):
    assert visit.page.value("location.href") == f"{visit.tls}/?a=b"
    led = [e["redirectResponse"] for e in visit.page.all_events("Network.requestWillBeSent") if "redirectResponse" in e]
    assert [(r["status"], r["protocol"]) for r in led] == [(301, "http/1.1")]


def test_the_page_and_every_part_came_over_h2(visit):
    spoken = visit.page.value("[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
                              ".filter(e => e.name.startsWith('http')).map(e => e.nextHopProtocol)")
    assert spoken == ["h2"] * (PARTS + 3)
    assert not visit.page.all_events("Network.loadingFailed")


def test_all_of_it_took_one_connection(visit):
    got = responses(visit)
    assert len(got) == PARTS + 3 and {r["status"] for r in got} == {200}
    assert len({r["connectionId"] for r in got if not r["fromDiskCache"]}) == 1


def test_the_parts_work(visit):
    assert visit.page.value("document.images.length") == PARTS
    assert visit.page.value("[...document.images].every(i => i.complete && i.naturalWidth == 10)")
    assert visit.page.value("getComputedStyle(document.body).color") == "rgb(1, 2, 3)"
    assert visit.page.value("window.ran") == "https:"


def test_the_browser_says_that_the_connection_is_good(visit):
    security = visit.page.document()["securityDetails"]
    assert security["protocol"] == "TLS 1.3" and security["subjectName"] == "a.example"
    assert visit.page.value("isSecureContext")


def test_the_page_fetches_over_the_same_protocol(visit):
    assert visit.page.value("fetch('/data.json').then(r => r.json()).then(j => j.said)") == "yes"
    assert visit.page.value("fetch('/connection').then(r => r.text())").split()[1:3] == ["HTTP/2.0", "TLSv1.3"]


def test_the_page_asks_to_keep_to_https(visit):
    """[RFC 6797 7.1]"""
    heard = visit.page.document()["headers"]
    assert {k.lower(): v for k, v in heard.items()}["strict-transport-security"] == "max-age=15552000"


def test_nothing_complains(visit):
    assert visit.page.all_events("Log.entryAdded") == []
    assert visit.page.all_events("Runtime.exceptionThrown") == []
