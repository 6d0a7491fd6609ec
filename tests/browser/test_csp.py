"""A policy in a real browser: marked scripts run, injected ones do not, and the violation arrives at the collector."""

import json

import pytest

from chromium import Chromium
from weir.server import TOP, Server, configuration, wait_for
from weir.wire import fetch

pytestmark = pytest.mark.weir_only
INJECTED = "<script>window.injected = 1</script><script data-weir-nonce>window.forged = 1</script><img src=x onerror='window.handler = 1'>"
FILES = {
    "app/index.html": "<!doctype html><title>app</title><link rel=icon href=data:,>"
                      "<style data-weir-nonce=s3cret77>body { color: rgb(1, 2, 3) }</style><style>body { color: red }</style>"
                      "<script data-weir-nonce=s3cret77>window.marked = 1</script><script src=lib.js data-weir-nonce='s3cret77'></script>"
                      f"<body><svg><style>circle {{ fill: red }}</style></svg><!-- <script data-weir-nonce=s3cret77> -->{INJECTED}",
    "app/lib.js": "window.loaded = 1;",
    "docs/index.html": "<!doctype html><meta charset=utf-8><title>docs</title><link rel=icon href=data:,><style>body { color: rgb(4, 5, 6) }</style>\r\n"
                       "<script>\r\nwindow.inline = 1;\r\n</script><script>window.second = '<!--<script>\u00e4</script>-->'</script><body>"
                       "<p onclick='window.handler = 1'>x</p>",
}
SITE = f"""
    include {TOP}/conf/mime.types;
    csp default-src 'self'; csp img-src 'self' data:; csp object-src 'none'; csp report-uri /reports;
    security_headers strict; security_header Cross-Origin-Embedder-Policy off;
    location /app/ {{ csp script-src 'nonce-$csp_nonce'; csp style-src 'nonce-$csp_nonce'; csp_marker data-weir-nonce s3cret77; }}
    location /docs/ {{ csp_hashes on; }}
    location /meta/app/ {{ alias %ROOT%/app/; csp script-src 'nonce-$csp_nonce'; csp style-src 'nonce-$csp_nonce'; csp_marker data-weir-nonce s3cret77; csp_meta on; }}
    location /meta/docs/ {{ alias %ROOT%/docs/; csp_hashes on; csp_meta on; }}
    location /lost/ {{ csp off; security_headers off; proxy_pass http://127.0.0.1:%PORT%/; proxy_hide_header Content-Security-Policy;
                      sub_filter '<body>' '<body><script>window.added = 1</script>'; }}
    location = /reports {{ csp_report logs/csp.log; csp_learn learned/policy.conf; }}
"""


@pytest.fixture(scope="module")
def server():
    server = Server({name: text.encode() for name, text in FILES.items()})
    server.configure(configuration(SITE))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def app(server):
    with Chromium() as page:
        page.open(f"http://127.0.0.1:{server.port}/app/index.html")
        yield page


@pytest.fixture(scope="module")
def docs(server):
    with Chromium() as page:
        page.open(f"http://127.0.0.1:{server.port}/docs/index.html")
        yield page


def reports(server):
    path = server.prefix / "logs/csp.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_marked_scripts_and_styles_run(app):
    assert app.value("window.marked") == 1
    assert app.value("window.loaded") == 1
    assert app.value("getComputedStyle(document.body).color") == "rgb(1, 2, 3)"


def test_injected_ones_do_not(app):
    assert app.value("[window.injected, window.forged, window.handler].every(x => x === undefined)")


def test_the_markers_secret_does_not_leave_the_server(app):
    assert not app.value("[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.value == 's3cret77'))")


def test_the_violations_arrive_at_the_collector(server, app):
    wait_for("the reports", lambda: {"script-src-elem", "style-src-elem"} <= {r["directive"] for r in reports(server)})
    wait_for("the handler's", lambda: any(r["directive"] == "script-src-attr" for r in reports(server)))
    one = next(r for r in reports(server) if r["directive"] == "script-src-elem")
    assert one["document"].endswith("/app/index.html") and one["blocked"] == "inline" and one["disposition"] == "enforce"
    assert "# csp script-src 'unsafe-inline';" in (server.prefix / "learned/policy.conf").read_text()


def test_each_visit_has_another_nonce(server, app):
    nonce = app.value("document.querySelector('script').nonce")
    app.open(f"http://127.0.0.1:{server.port}/app/index.html")
    assert len(nonce) == 24 and app.value("document.querySelector('script').nonce") not in (nonce, "")
    assert app.value("window.marked") == 1


def test_inline_scripts_of_a_file_run_by_their_sums(docs):
    assert docs.value("window.inline") == 1
    assert "script" in docs.value("window.second")
    assert docs.value("getComputedStyle(document.body).color") == "rgb(4, 5, 6)"


def test_handlers_have_no_sums(docs):
    docs.value("document.querySelector('p').click()")
    assert docs.value("window.handler === undefined")


# ---- Where the field gets lost, and somebody puts a script in besides: the policy of the element. ----

@pytest.fixture(scope="module")
def lost(server):
    """Opens a page without its field: behind a proxy that drops it, or saved to a file."""
    with Chromium() as page:
        def visit(path, how="proxied"):
            url = f"http://127.0.0.1:{server.port}/lost/{path}index.html"
            if how == "saved":
                saved = server.prefix / "saved.html"
                saved.write_bytes(fetch(server.port, f"/lost/{path}index.html").body)
                url = saved.as_uri()
            page.open(url)
            assert "content-security-policy" not in {name.lower() for name in page.document()["headers"]}
            return page
        yield visit


def elements(page):
    return page.value("document.querySelectorAll('meta[http-equiv=\"Content-Security-Policy\"]').length")


def ran(page, *names):
    return [name for name in names if page.value(f"window.{name}") == 1]


def test_without_the_element_injected_scripts_would_run(lost):
    page = lost("app/")
    assert elements(page) == 0 and ran(page, "added", "injected", "forged") == ["added", "injected", "forged"]
    wait_for("the handler", lambda: ran(page, "handler"))


@pytest.mark.parametrize("how", ["proxied", "saved"])
def test_by_the_element_marked_scripts_and_styles_run_and_injected_ones_do_not(lost, how):
    page = lost("meta/app/", how)
    assert elements(page) == 1
    assert ran(page, "marked", "added", "injected", "forged", "handler") == ["marked"]
    assert page.value("getComputedStyle(document.body).color") == "rgb(1, 2, 3)"
    wait_for("the violations", lambda: sum("Content Security Policy" in e["entry"]["text"]
                                           for e in page.all_events("Log.entryAdded")) >= 4)


@pytest.mark.parametrize("how", ["proxied", "saved"])
def test_by_the_sums_in_the_element_the_pages_own_scripts_run_and_added_ones_do_not(lost, how):
    page = lost("meta/docs/", how)
    page.value("document.querySelector('p').click()")
    assert elements(page) == 1
    assert ran(page, "inline", "added", "handler") == ["inline"] and "script" in page.value("window.second")
