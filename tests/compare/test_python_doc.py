"""A whole real site, Python's manual, served by weir and by nginx: every file, the same answer.

Also ranges, preconditions, HEAD and gzip of each. Bodies are compared byte by byte, statuses and
the fields that describe the representation (RFC 9110 8) field by field.
"""

import zlib
from pathlib import Path
from urllib.parse import quote

import pytest

from weir import server as servers
from weir.beside import alike
from weir.server import Server, configuration
from weir.wire import Connection

DOC = Path("/usr/share/doc/python3.11/html")
TYPES = "include /etc/nginx/mime.types;" if Path("/etc/nginx/mime.types").exists() else ""
FIELDS = ("Content-Type", "Content-Length", "Last-Modified", "ETag", "Content-Range",
          "Accept-Ranges", "Content-Encoding", "Expires", "Cache-Control", "Location")
CONF = """
    location / { root %s; index index.html; }
    location /gz/ { gzip on; gzip_vary on; gzip_types text/css application/javascript text/plain; alias %s/; }
    location /list/ { autoindex on; alias %s/; }
""" % (DOC, DOC, DOC)


@pytest.fixture(scope="module")
def both():
    """(weir, nginx), equally configured."""
    pair = []
    binary = servers.BINARY
    try:
        for path in (binary, "/usr/sbin/nginx"):
            servers.BINARY = path
            server = Server()
            server.configure(configuration(CONF, http=f"{TYPES} default_type application/octet-stream;"))
            pair.append(server.start())
    finally:
        servers.BINARY = binary
    yield pair
    for server in pair:
        server.stop()


@pytest.fixture(scope="module")
def connections(both):
    pair = [Connection(server.port) for server in both]
    yield pair
    for conn in pair:
        conn.close()


def files():
    """Every file of the site as a request path, following the links inside it."""
    return sorted("/" + quote(str(path.relative_to(DOC))) for path in DOC.rglob("*") if path.is_file())


def differences(mine, theirs, fields=FIELDS):
    found = []
    if mine.status != theirs.status:
        found.append(f"status {mine.status}, not {theirs.status}")
    for name in fields:
        if not alike(name, mine.all(name), theirs.all(name)):
            found.append(f"{name}: {mine.all(name)}, not {theirs.all(name)}")
    if mine.status >= 400 and mine.status == theirs.status:
        return [d for d in found if not d.startswith("Content-Length")]  # error pages name their server
    if mine.body != theirs.body:
        found.append(f"body of {len(mine.body)} bytes, not the {len(theirs.body)}")
    return found


def ask(connections, index, method, path, fields=()):
    """One answer of one of the two, on a new connection where the last answer closed the old."""
    answer = connections[index].get(path, method, fields=fields)
    if (answer.get("Connection") or "").lower() == "close":
        connections[index].close()
        connections[index] = type(connections[index])(connections[index].address)
    return answer


def compare(connections, requests, look=differences):
    """Ask both the same; all differences at once, so that one run shows the pattern."""
    wrong, asked = [], 0
    for method, path, fields in requests:
        asked += 1
        mine, theirs = (ask(connections, n, method, path, fields) for n in (0, 1))
        wrong += [f"{method} {path} {fields}: {d}" for d in look(mine, theirs)]
    assert not wrong, f"{len(wrong)} differences in {asked} requests:\n" + "\n".join(wrong[:20])
    return asked


def test_every_file_is_the_same(connections):
    assert compare(connections, (("GET", path, ()) for path in files())) > 900


def test_every_head_is_the_same(connections):
    compare(connections, (("HEAD", path, ()) for path in files()))


@pytest.mark.parametrize("text", ["bytes=0-0", "bytes=0-99", "bytes=100-", "bytes=-100", "bytes=99999999-",
                                  "bytes=5-1000", "bytes=-1"])
def test_every_range_is_the_same(connections, text):
    compare(connections, (("GET", path, [f"Range: {text}"]) for path in files()[::3]))


def test_two_ranges_hold_the_same_parts(connections):
    def parts(mine, theirs):
        cut = lambda a: a.body.replace((a.get("Content-Type") or "").partition("boundary=")[2].encode(), b"B")
        if mine.status == theirs.status == 206 and cut(mine).replace(b"\r\n", b"") == \
                cut(theirs).replace(b"\r\n", b""):
            return []
        return differences(mine, theirs, ())
    compare(connections, (("GET", path, ["Range: bytes=0-9,20-29"]) for path in files()[::5]), parts)


def validators(connections):
    for path in files()[::3]:
        answer = ask(connections, 1, "HEAD", path)
        yield path, answer.get("ETag"), answer.get("Last-Modified")


def test_every_precondition_is_the_same(connections):
    def requests():
        for path, tag, date in validators(connections):
            yield "GET", path, [f"If-None-Match: {tag}"]
            yield "GET", path, [f"If-None-Match: W/{tag}"]
            yield "GET", path, ['If-None-Match: "other"']
            yield "GET", path, [f"If-Modified-Since: {date}"]
            yield "GET", path, ["If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT"]
            yield "GET", path, [f"If-Match: {tag}"]
            yield "GET", path, ["Range: bytes=0-9", f"If-Range: {tag}"]
            yield "GET", path, ["Range: bytes=0-9", f"If-Range: {date}"]
            yield "GET", path, ["Range: bytes=0-9", 'If-Range: "other"']
    compare(connections, requests(), lambda mine, theirs: differences(
        mine, theirs, [f for f in FIELDS if f != "Last-Modified" or mine.status != 304]))


def test_every_compressed_file_decodes_to_the_same(connections):
    def decoded(mine, theirs):
        found = differences(mine, theirs, ("Content-Type", "Last-Modified", "ETag", "Content-Encoding"))
        plain = lambda a: zlib.decompress(a.body, 31) if a.get("Content-Encoding") == "gzip" else a.body
        found = [d for d in found if not d.startswith("body")]
        if plain(mine) != plain(theirs):
            found.append("decoded bodies differ")
        if mine.get("Content-Encoding") and mine.get("Vary") != theirs.get("Vary"):
            found.append(f"Vary {mine.get('Vary')}, not {theirs.get('Vary')}")
        return found
    compare(connections, (("GET", "/gz" + path, ["Accept-Encoding: gzip"]) for path in files()), decoded)


def test_directories_and_misses_are_the_same(connections):
    folders = sorted({str(Path(path).parent) for path in files()})
    def look(mine, theirs):
        return [d for d in differences(mine, theirs, ("Content-Type",)) if not d.startswith("body")]
    compare(connections, [("GET", f.rstrip("/") + "/", ()) for f in folders] +
            [("GET", "/none", ()), ("GET", "/index.html/", ())], look)
    for folder in folders[1:]:
        places = [ask(connections, n, "GET", folder).get("Location") for n in (0, 1)]
        assert [p.partition("//")[2].partition("/")[2] for p in places] == [folder[1:] + "/"] * 2


def test_listings_are_the_same(connections):
    folders = sorted({str(Path(path).parent) for path in files()})
    compare(connections, (("GET", "/list" + f.rstrip("/") + "/", ()) for f in folders),
            lambda mine, theirs: differences(mine, theirs, ("Content-Type",)))
