"""Python's manual at a real nginx, asked for directly and through weir: every file, the same answer.

What weir adds or changes on purpose (Date, Server, Connection, how a body is framed) is left out; status, the fields that
describe the representation (RFC 9110 8) and every byte of every body are compared.
"""

from pathlib import Path

import pytest

from test_python_doc import DOC, TYPES, ask, compare, differences, files
from weir import server as servers
from weir.server import Server, configuration
from weir.wire import Closed, Connection

pytestmark = pytest.mark.weir_only
FIELDS = ("Content-Type", "Content-Length", "Last-Modified", "ETag", "Content-Range", "Accept-Ranges", "Content-Encoding",
          "Vary", "Expires", "Cache-Control", "X-Origin")
ORIGIN = f"""
    add_header X-Origin "$request_method $request_uri $http_range";
    location / {{ root {DOC}; index index.html; }}
    location /gz/ {{ gzip on; gzip_vary on; gzip_proxied any; gzip_http_version 1.0; gzip_types text/css
                    application/javascript text/plain; alias {DOC}/; }}
    location /list/ {{ autoindex on; alias {DOC}/; expires 1h; }}
"""


class Direct(Connection):
    """A connection to nginx, which ends it behind a 412 that says keep-alive: then another one is made."""

    def get(self, *what, **more):
        try:
            return super().get(*what, **more)
        except Closed:
            self.close()
            self.__init__(self.address)
            return super().get(*what, **more)


@pytest.fixture(scope="module")
def origin():
    binary, servers.BINARY = servers.BINARY, "/usr/sbin/nginx"
    server = Server()
    try:
        server.configure(configuration(ORIGIN, http=f"{TYPES} default_type application/octet-stream; keepalive_requests 300;"))
        server.start()
    finally:
        servers.BINARY = binary
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["buffered", "as it comes", "HTTP/1.0"])
def connections(request, origin):
    """[through weir, directly]"""
    how = {"buffered": "", "as it comes": "proxy_buffering off;", "HTTP/1.0": "proxy_http_version 1.0;"}[request.param]
    weir = Server()
    weir.configure(configuration(f"proxy_via off; location / {{ proxy_pass http://127.0.0.1:{origin.port}; {how} }}"))
    weir.start()
    pair = [Connection(weir.port), Direct(origin.port)]
    yield pair
    for conn in pair:
        conn.close()
    weir.stop()


def look(mine, theirs):
    return differences(mine, theirs, FIELDS)


def test_every_file_is_the_same(connections):
    assert compare(connections, (("GET", path, ()) for path in files()), look) > 900


def test_every_head_is_the_same(connections):
    compare(connections, (("HEAD", path, ()) for path in files()), look)


@pytest.mark.parametrize("text", ["bytes=0-0", "bytes=100-", "bytes=-100", "bytes=99999999-", "bytes=5-1000", "items=1-2"])
def test_every_range_is_the_same(connections, text):
    compare(connections, (("GET", path, [f"Range: {text}"]) for path in files()[::5]), look)


def test_several_ranges_come_as_the_origin_divides_them(connections):
    def parts(mine, theirs):
        cut = lambda a: a.body.replace((a.get("Content-Type") or "").partition("boundary=")[2].encode(), b"B")
        return [] if mine.status == theirs.status == 206 and cut(mine) == cut(theirs) else look(mine, theirs)
    compare(connections, (("GET", path, ["Range: bytes=0-9,20-29"]) for path in files()[::10]), parts)


def test_every_precondition_is_the_same(connections):
    def requests():
        for path in files()[::10]:
            answer = ask(connections, 1, "HEAD", path)
            tag, date = answer.get("ETag"), answer.get("Last-Modified")
            for field in (f"If-None-Match: {tag}", 'If-None-Match: "other"', f"If-Modified-Since: {date}", f"If-Match: {tag}",
                          'If-Match: "other"', "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:40 GMT"):
                yield "GET", path, [field]
            yield "GET", path, ["Range: bytes=0-9", f"If-Range: {tag}"]
            yield "GET", path, ["Range: bytes=0-9", 'If-Range: "other"']
    compare(connections, requests(), look)


def test_what_the_origin_has_coded_passes_as_it_is(connections):
    compare(connections, (("GET", "/gz" + path, ["Accept-Encoding: gzip"]) for path in files()[::3]), look)


def test_listings_and_misses_are_the_same(connections):
    folders = sorted({str(Path(path).parent).rstrip("/") for path in files()})
    compare(connections, [("GET", f"/list{folder}/", ()) for folder in folders] + [("GET", f"{folder}/", ()) for folder in folders]
            + [("GET", "/none", ()), ("HEAD", "/none", ()), ("POST", "/index.html", ()), ("GET", "/a%3Fb%20c?d=%3F", ())], look)


def test_redirects_of_the_origin_are_the_sites(connections):
    for folder in sorted({str(Path(path).parent) for path in files()})[1:]:
        mine, theirs = (ask(connections, n, "GET", folder) for n in (0, 1))
        assert mine.status == theirs.status == 301
        assert mine.get("Location") in (f"{folder}/", f"http://a:{connections[0].address[1]}{folder}/")
