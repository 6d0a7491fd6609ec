"""What browsers are told on every answer: over TLS, and as the MDN HTTP Observatory scores it (its algorithm, version 6)."""

import re

import pytest

from weir.server import TOP, with_comments
from weir.tls import TlsConnection
from weir.wire import Connection

pytestmark = pytest.mark.weir_only
PAIR = "ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key; server_name a.example;"
BOTH = "listen 127.0.0.1:%PORT%; listen 127.0.0.1:%PORT2% ssl;"
NONE = "csp default-src none; csp img-src self; csp style-src self; csp base-uri none; csp form-action none;"
SELF = "csp default-src self; csp object-src none; csp base-uri self; csp form-action self;"


@pytest.fixture
def site(make_server):
    def make(words):
        server = make_server(f"{PAIR} https_redirect on; {words} error_page 503 /sorry.html;"
                             "location / { } location = /down { return 503; }",
                             {"index.html": b"<!doctype html><title>a</title>", "sorry.html": b"<title>sorry</title>"},
                             listen=BOTH, http=f"include {TOP}/conf/mime.types;").start()
        return server
    return make


def policies(answer):
    """The directives of each policy."""
    return [{p.split()[0]: p.split()[1:] for p in text.split(";") if p.strip()}
            for text in answer.all("Content-Security-Policy")]


def policy_score(answer):
    """Of several policies a browser heeds all: one that is strict makes the whole strict."""
    best = -25
    for p in policies(answer):
        scripts = p.get("script-src", p.get("default-src"))
        styles = p.get("style-src", p.get("default-src"))
        if scripts is None or styles is None or "object-src" not in p and "default-src" not in p:
            score = -20
        elif {"'unsafe-inline'", "'unsafe-eval'", "https:", "http:", "*", "data:"} & {*scripts, *styles}:
            score = -20
        else:
            score = 10 if p.get("default-src") == ["'none'"] else 5
        best = max(best, score)
    return best


def scores(answer, redirect):
    """Each test's modifier."""
    one = lambda name, good, plus, minus, absent=0: (absent if answer.get(name) is None else plus if answer.get(name) in good else minus)
    hsts = re.match(r"max-age=(\d+)", answer.get("Strict-Transport-Security", ""))
    ancestors = any(p.get("frame-ancestors") in (["'none'"], ["'self'"]) for p in policies(answer))
    return {
        "content-security-policy": policy_score(answer),
        "cookies": 0 if answer.get("Set-Cookie") is None else -40,
        "cross-origin-opener-policy": one("Cross-Origin-Opener-Policy", ("same-origin", "same-origin-allow-popups"), 10, -5),
        "cross-origin-embedder-policy": one("Cross-Origin-Embedder-Policy", ("require-corp", "credentialless"), 10, -5),
        "cross-origin-resource-policy": one("Cross-Origin-Resource-Policy", ("same-origin", "same-site"), 10, -5),
        "cross-origin-resource-sharing": 0 if answer.get("Access-Control-Allow-Origin") is None else -50,
        "redirection": 0 if redirect.status in (301, 308) and redirect.get("Location", "").startswith("https://a.example") else -20,
        "referrer-policy": one("Referrer-Policy", ("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"), 5, -5),
        "strict-transport-security": 0 if hsts and int(hsts[1]) >= 15552000 else -20,
        "subresource-integrity": 0,                     # the page loads no script from elsewhere
        "x-content-type-options": one("X-Content-Type-Options", ("nosniff",), 0, -5, -5),
        "x-frame-options": 5 if ancestors or answer.get("X-Frame-Options") in ("DENY", "SAMEORIGIN") else -20,
    }


def total(answer, redirect):
    got = scores(answer, redirect).values()
    left = 100 + sum(n for n in got if n < 0)
    return left + sum(n for n in got if n > 0) if left >= 90 else left


def visit(server, path="/"):
    with Connection(server.port) as plain, TlsConnection(server.extra_ports["PORT2"]) as tls:
        return tls.get(path, host="a.example"), plain.get(path, host="a.example")


@pytest.mark.parametrize("words, score", [
    ("security_headers strict;" + NONE, 150),           # all that a static site without a place in the preload list can have
    ("security_headers balanced;" + SELF, 135),
    ("security_headers balanced;" + NONE, 140),
    ("security_headers off;", 50),    # https_redirect alone
])
def test_the_observatory_gives(site, words, score):
    answer, redirect = visit(site(words))
    assert answer.status == 200 and total(answer, redirect) == score, scores(answer, redirect)


def test_a_strict_site_loses_nothing_in_any_test(site):
    got = scores(*visit(site("security_headers strict;" + NONE)))
    assert min(got.values()) == 0
    assert got == {**got, "content-security-policy": 10, "cross-origin-opener-policy": 10, "cross-origin-embedder-policy": 10,
                   "cross-origin-resource-policy": 10, "referrer-policy": 5, "x-frame-options": 5}


@pytest.mark.parametrize("path, status", [("/missing", 404), ("/down", 503), ("/../..", 400)])
def test_errors_score_as_pages_do(site, path, status):
    server = site("security_headers strict;" + NONE)
    answer, _ = visit(server, path)
    assert answer.status == status and total(answer, visit(server)[1]) == 150


def test_the_promise_of_tls_is_made_over_tls_alone(site):
    answer, redirect = visit(site("security_headers strict;"))
    assert answer.all("Strict-Transport-Security") == ["max-age=63072000; includeSubDomains"]
    assert redirect.get("Strict-Transport-Security") is None        # [RFC 6797 7.2]


def test_the_example_of_a_secured_site_scores_full(make_server):
    """conf/examples/security.conf, with a certificate."""
    text = with_comments((TOP / "conf/examples/security.conf").read_text())
    for old, new in {"include ../mime.types": f"include {TOP}/conf/mime.types", "root conf/html": f"root {TOP}/conf/html",
                     "/etc/ssl/site": "%TLS%/a.example", "localhost": "a.example", ":8080": ":%PORT%", ":8443": ":%PORT2%",
                     "events {": "daemon off; master_process off; pid %PREFIX%/logs/weir.pid;"
                     "error_log %PREFIX%/logs/error.log info; events {"}.items():
        assert old in text
        text = text.replace(old, new)
    assert total(*visit(make_server(whole=text).start())) == 150
