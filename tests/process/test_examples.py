"""The examples of conf/examples do what they say."""

import base64
import gzip
import hashlib
import json
import re

import pytest

from weir.server import TOP, wait_for
from weir.wire import fetch

pytestmark = pytest.mark.weir_only

HERE = ("daemon off;\nmaster_process off;\npid %PREFIX%/logs/weir.pid;\nerror_log %PREFIX%/logs/error.log;\n")


@pytest.fixture
def example(make_server):
    """A server with that example, on a port of its own and with two files."""
    def start(name, *more):
        server = make_server()
        server.write("index.html", "<p>index</p>\n")
        server.write("main.0123abcd.css", "p { }\n")
        server.write("../conf/users", "ann:{PLAIN}secret\n")
        text = (TOP / f"conf/examples/{name}.conf").read_text()
        text = text.replace("include ../mime.types", f"include {TOP}/conf/mime.types").replace("root conf/html", "root %ROOT%")
        for number, port in enumerate(more, 2):
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:%PORT{number}%")
        server.configure(HERE + re.sub(r"\b127\.0\.0\.1:8080\b(?= default_server;|;)", "127.0.0.1:%PORT%", text)
                         .replace("http {", "http {\n    access_log off;", 1))
        return server.start()
    return start


def test_maps(example):
    server = example("maps")
    answer = fetch(server.port, "/", host="www.shop.example", fields=["Accept-Language: de-AT"])
    assert answer.get("Content-Language") == "de"
    assert answer.get("X-Site") in ("shop, here, old", "shop, here, new")
    assert fetch(server.port, "/?beta=1").get("X-Site") == "main, here, new"
    assert fetch(server.port, "/old/contact").get("Location").endswith("/contact/")
    assert fetch(server.port, "/old/a/b").get("Location").endswith("/archive/a/b")


def test_access(example):
    server = example("access")
    password = "Authorization: Basic " + base64.b64encode(b"ann:secret").decode()
    assert fetch(server.port, "/admin/").status == 200
    assert fetch(server.port, "/team/").status == 401
    assert fetch(server.port, "/team/", fields=[password]).status == 200
    assert fetch(server.port, "/notes/").status == 200
    assert fetch(server.port, "/notes/", method="PUT", fields=["Content-Length: 0"]).status == 401
    assert fetch(server.port, "/members/").get("Location").endswith("/login?back=/members/")
    assert fetch(server.port, "/members/", fields=["Cookie: session=me"]).get("X-Member") == "me"
    assert fetch(server.port, "/files/x?s=x&t=1893456000").status == 403
    for expires, status in ((2147483647, 200), (1, 410)):
        made = base64.urlsafe_b64encode(hashlib.md5(f"{expires}/files/x secret".encode()).digest()).decode().rstrip("=")
        assert fetch(server.port, f"/files/x?t={expires}&s={made}").status == status
    assert fetch(server.port, "/images/x", fields=["Referer: http://elsewhere.test/"]).status == 403


def test_limits(example):
    server = example("limits")
    answers = [fetch(server.port, "/login") for _ in range(5)]
    assert [a.status for a in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].get("Retry-After") == "10" and answers[-1].body.startswith(b"Please")
    assert [fetch(server.port, "/api/").status for _ in range(14)] == 14 * [200]
    assert fetch(server.port, "/downloads/").status == 200


def test_headers(example):
    server = example("headers")
    page = fetch(server.port, "/")
    assert page.get("X-Content-Type-Options") == "nosniff" and page.get("Server") == "example"
    assert page.get("Content-Security-Policy") == "default-src 'self'"
    assert page.get("Vary") == "Accept-Language" and page.get("Cache-Control") == "max-age=600"
    missing = fetch(server.port, "/none")
    assert missing.get("X-Frame-Options") == "DENY" and missing.get("Content-Security-Policy") is None
    assert "immutable" in fetch(server.port, "/main.0123abcd.css").get("Cache-Control")
    assert fetch(server.port, "/api/x").get("Cache-Control") == "no-store"
    assert fetch(server.port, "/api/x").get("Retry-After") is None
    assert fetch(server.port, "/app/x", fields=["Cookie: a=b"]).body == b"main, en\n"
    assert fetch(server.port, "/old/x").get("X-Content-Type-Options") == "nosniff"


def test_rewrites(example):
    server = example("rewrites")
    assert fetch(server.port, "/user/7/photos").body == b"user 7, photos\n"
    assert fetch(server.port, "/blog/2024/x?y").get("Location").endswith("/archive/2024/x")
    assert fetch(server.port, "/assets/v12/main.0123abcd.css").body == b"p { }\n"
    assert fetch(server.port, "/any").body == b"made for /any\n"
    assert fetch(server.port, "/page/x", fields=["Accept: application/json"]).body == b'{"page": "/page/x"}'
    assert fetch(server.port, "/page/x", fields=["Cookie: old=1"]).get("Location").endswith("/old/page/x")
    assert fetch(server.port, "/page/x").body == b"<p>index</p>\n"
    assert fetch(server.port, "/x", host="www.example.test").get("Location") == "http://example.test/x"


def test_cache(example):
    server = example("cache", "8081")
    assert fetch(server.port, "/page").get("Age") is None
    wait_for("a hit", lambda: fetch(server.port, "/page").get("Age") is not None)
    hit = fetch(server.port, "/page")
    assert "hit" in hit.get("Cache-Status") and hit.body.startswith(b"made at ")
    assert fetch(server.port, "/page", fields=["Cookie: session=1"]).get("Age") is None
    assert json.loads(fetch(server.port, "/page", method="PURGE").body)["purged"] == 1
    assert fetch(server.port, "/page").get("Age") is None


def test_compression(example):
    server = example("compression")
    page = b"<html><body>" + b"words, more words. " * 100 + b"</body></html>"
    server.write("page.html", page)
    server.write("downloads/d.txt", b"text " * 500)
    server.write("main.0123abcd.css.gz", gzip.compress(b"p { }\n"))

    def get(path, accept="gzip"):
        return fetch(server.port, path, fields=[f"Accept-Encoding: {accept}"])
    for accept, coding in (("gzip, deflate, br, zstd", "br"), ("gzip, zstd", "zstd"), ("gzip", "gzip"), ("identity", None)):
        assert get("/page.html", accept).get("Content-Encoding") == coding
    wait_for("a page that was kept", lambda: get("/page.html").get("Content-Length") is not None)   # not while it is brand-new
    again = get("/page.html")
    assert gzip.decompress(again.body) == page and int(again.get("Content-Length")) == len(again.body) < len(page)
    made = get("/main.0123abcd.css")
    assert made.get("Content-Encoding") == "gzip" and gzip.decompress(made.body) == b"p { }\n"
    assert get("/api/", "gzip, br").get("Content-Encoding") == "gzip"
    assert get("/downloads/d.txt").get("Content-Encoding") is None
    assert get("/account/?q=x" + "y" * 400).get("Content-Encoding") is None
    assert b"Maintenance tonight" in get("/app/", "identity").body


def test_cookies(example):
    server = example("cookies")
    server.write("api/x", '{"ok": true}')
    server.write("badges/b.svg", "<svg/>")
    lines = fetch(server.port, "/login").all("Set-Cookie")
    session, theme, seen = lines
    assert session.startswith("__Host-session=") and "4711" not in session
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(session.split("; ")[1:])
    assert theme.startswith("theme=dark;") and "Max-Age=31536000" in theme and "Secure" in theme
    assert "SameSite=Strict" in seen and "Secure" in seen
    assert fetch(server.port, "/whoami", fields=[f"Cookie: {session.partition(';')[0]}"]).body == b"session 4711\n"
    assert fetch(server.port, "/whoami", fields=["Cookie: session=forged"]).body == b"session \n"
    for origin in ("https://www.example.com", "https://a.example.org"):
        answer = fetch(server.port, "/api/x", fields=[f"Origin: {origin}"])
        assert answer.get("Access-Control-Allow-Origin") == origin and answer.get("Access-Control-Allow-Credentials") == "true"
    assert fetch(server.port, "/api/x", fields=["Origin: https://evil.test"]).get("Access-Control-Allow-Origin") is None
    preflight = fetch(server.port, "/api/x", method="OPTIONS",
                      fields=["Origin: https://www.example.com", "Access-Control-Request-Method: PUT"])
    assert preflight.status == 204 and "PUT" in preflight.get("Access-Control-Allow-Methods")
    assert preflight.get("Access-Control-Max-Age") == "600"
    foreign = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"]
    assert fetch(server.port, "/api/x", fields=foreign).status == 403
    assert fetch(server.port, "/badges/b.svg", fields=foreign).status == 200
