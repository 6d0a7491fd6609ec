"""Path confusion: thousands of spellings, and not one byte from outside a root.

Two secrets lie beside the root: one in a sibling file and one in a folder whose name begins as
the root's does, so that an off-by-slash shows. Every form is asked of every way to a file.
"""

import itertools

import pytest

from weir.server import FLAVOUR
from weir.wire import Closed, Connection, ProtocolError

CONF = """
location / { }
location /a/ { alias %ROOT%/sub/; }
location /r/ { root %ROOT%/sub; }
location /t/ { try_files $uri $uri/ =404; }
location ~ ^/re/(.*)$ { alias %ROOT%/sub/$1; }
location /list/ { autoindex on; alias %ROOT%/sub/; }
"""
PREFIXES = ("/", "/a/", "/r/", "/t/", "/re/", "/list/", "/sub/", "/a")
DOTS = ("..", "%2e%2e", ".%2e", "%2E.", "%252e%252e", "..%00", "..;", "..%20", "%c0%ae%c0%ae",
        "%e0%80%ae%e0%80%ae", "..%09", "...", "%u002e%u002e", "..%ff", "..%01", ".%00.", "..%0d%0a")
SLASHES = ("/", "%2f", "%5c", "\\", "//", "%252f", "%c0%af", "/./", "%2f/", "/%2e/", "%e0%80%af", ";/")
TARGETS = ("secret.txt", "html-secret/secret.txt")
STARTS = ("", "x/", "./", "/", "%2f", "\\")
MAGIC = b"OUTSIDE-THE-ROOT"


def forms():
    """Every prefix, kind of dots, kind of slash, depth and target; then some by hand."""
    for prefix, start, dots, slash in itertools.product(PREFIXES, STARTS, DOTS, SLASHES):
        for depth, target in ((1, TARGETS[0]), (2, TARGETS[0]), (3, TARGETS[1])):
            yield prefix + start + (dots + slash) * depth + target
    for up in range(1, 12):
        yield "/" + "../" * up + "etc/passwd"
        yield "/a" + "../" * up + "secret.txt"
        yield "/sub/" + "%2e%2e/" * up + "etc/passwd"
    yield from ("/a../secret.txt", "/a..%2fsecret.txt", "/a..;/secret.txt", "//etc/passwd",
                "/%2fetc/passwd", "/a//etc/passwd", "/a/%2fetc%2fpasswd", "/..", "/a/..", "/a/../..",
                "/.", "/a/.", "/sub/..%c1%9csecret.txt", "/re//etc/passwd", "/re/%2fetc/passwd",
                "/-secret/secret.txt", "/a/../../html-secret/secret.txt")


def ask(server, paths):
    """(path, answer) of each path, on as few connections as the server allows."""
    conn = None
    for path in paths:
        for _ in range(2):
            try:
                conn = conn or Connection(server.port)
                conn.send(b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\nHost: a\r\n\r\n", 0, [b"GET"])
                answer = conn.response()
                break
            except (Closed, ConnectionError):
                conn.close()
                conn = None
        else:
            raise AssertionError(f"no answer to {path}")
        yield path, answer
        if (answer.get("Connection") or "").lower() == "close":
            conn.close()
            conn = None


@pytest.fixture
def guarded(make_server):
    server = make_server(CONF, files={"index.html": "index", "sub/in.txt": "inside", "x/y": "y"})
    (server.prefix / "secret.txt").write_bytes(MAGIC)
    (server.prefix / "html-secret").mkdir()
    (server.prefix / "html-secret/secret.txt").write_bytes(MAGIC)
    return server.start()


def test_no_form_leads_out_of_a_root(guarded):
    seen = 0
    for path, answer in ask(guarded, forms()):
        seen += 1
        assert MAGIC not in answer.body and b"root:" not in answer.body, f"{path}: {answer!r}"
        assert b"html-secret" not in answer.body, f"{path} lists the folder above"
        assert answer.status in (200, 301, 400, 403, 404, 405, 414), f"{path}: {answer!r}"
        assert answer.status != 200 or answer.body in (b"index", b"inside", b"y") or \
            path.startswith("/list/"), f"{path}: {answer!r}"
    assert seen >= 5000


@pytest.mark.parametrize("path, status", [
    ("/..", 400), ("/../", 400), ("/a/../..", 400), ("/a/../../", 400), ("/%2e%2e/", 400),
    ("/sub/../index.html", 200), ("/sub/./in.txt", 200), ("/sub/%2e/in.txt", 200),
    ("/./index.html", 200), ("/x/../sub/in.txt", 200), ("/sub//in.txt", 200), ("//index.html", 200),
    ("/sub/...", 404), ("/sub/..x", 404), ("/sub/.x", 404), ("/sub/%5c..%5cin.txt", 404),
    ("/a/in.txt", 200), ("/re/in.txt", 200), ("/a/../sub/in.txt", 200), ("/sub/..;/index.html", 404)])
def test_dots_are_resolved_as_rfc_3986_says(guarded, path, status):
    """[RFC 3986 5.2.4]; what would climb above the root is refused."""
    assert dict(ask(guarded, [path]))[path].status == status


@pytest.mark.weir_only
@pytest.mark.parametrize("path", ["/sub%2fin.txt", "/sub%2Fin.txt", "/in%00.txt", "/sub/in.txt%00",
                                  "/a/%2e%2e%2fin.txt"])
def test_escaped_slash_and_nul_are_refused(guarded, path):
    assert dict(ask(guarded, [path]))[path].status == 400
