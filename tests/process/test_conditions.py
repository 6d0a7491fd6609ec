"""What is said to those who ask for a part, or about their copy, of what others have: kept, changed, or in the place of an error.
[RFC 9110 13, 14]"""

import gzip

import pytest

from weir.recorder import Origin, answer
from weir.wire import fetch

pytestmark = pytest.mark.weir_only

DATE, EARLIER = "Sun, 09 Sep 2001 01:46:40 GMT", "Sun, 09 Sep 2001 01:46:39 GMT"
CACHE = "proxy_cache_path %PREFIX%/cache keys_zone=c:1m;"
TEXT = b"<html>falling water</html>"


def conditional(request):
    """An origin that knows conditions and ranges, and says how long to keep what it has."""
    coded = request.target.endswith("coded")
    body = gzip.compress(TEXT, mtime=0) if coded else TEXT
    fields = [("Content-Type", "text/html"), ("ETag", '"o"'), ("Last-Modified", DATE), ("Accept-Ranges", "bytes"),
              ("Cache-Control", "max-age=60"), ("Content-Language", "en"), ("Content-Disposition", "inline"),
              *([("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")] if coded else [])]
    if request.get("If-None-Match") == '"o"' or request.get("If-Modified-Since") == DATE:
        return answer(b"", "304 Not Modified", fields, length=None)
    if request.get("If-Unmodified-Since"):
        return answer(b"changed", "412 Precondition Failed")
    if request.get("Range"):
        return answer(TEXT[:2], "206 Partial Content", [*fields, ("Content-Range", f"bytes 0-1/{len(TEXT)}")])
    return answer(body, "200 Fine", fields)


@pytest.fixture
def origin():
    with Origin(conditional) as made:
        yield made


# ---- Errors of our own. ----

@pytest.mark.parametrize("path", ["/plain", "/coded"])
@pytest.mark.parametrize("filters", ["", "gunzip on;", "sub_filter water wine; sub_filter_last_modified on;"],
                         ids=["as it is", "gunzip", "sub"])
def test_a_412_for_what_is_kept_says_nothing_of_it(make_server, origin, path, filters):
    """Its page is neither coded nor fresh, and comes whole.  [RFC 9110 15.5.13, RFC 9111 3]"""
    server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_cache c; {filters} }}", http=CACHE).start()
    assert fetch(server.port, path).status == 200
    for asked in ('If-Match: "x"', f"If-Unmodified-Since: {EARLIER}"):
        got = fetch(server.port, path, fields=[asked])
        assert got.line == "HTTP/1.1 412 Precondition Failed" and b"<h1>412 Precondition Failed</h1>" in got.body
        for name in ("ETag", "Last-Modified", "Cache-Control", "Age", "Content-Encoding", "Content-Language", "Accept-Ranges"):
            assert got.get(name) is None, name


@pytest.mark.parametrize("how", ["proxy_force_ranges on;", "proxy_cache c;", "proxy_force_ranges on; expires 1h;"])
def test_a_416_is_not_as_fresh_as_what_it_is_about(make_server, origin, how):
    """A cache that went by the field would keep the error for everybody.  [RFC 9111 3, RFC 9110 15.5.17]"""
    server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_set_header Range ''; {how} }}", http=CACHE).start()
    for _ in range(2):
        got = fetch(server.port, "/plain", fields=["Range: bytes=99-"])
        assert got.status == 416 and got.get("Content-Range") == f"bytes */{len(TEXT)}"
        assert b"<h1>416 Requested Range Not Satisfiable</h1>" in got.body
        for name in ("Cache-Control", "Expires", "Age", "ETag", "Last-Modified", "Content-Language", "Content-Disposition"):
            assert got.get(name) is None, name


def test_a_part_and_an_error_do_not_have_the_words_of_the_whole(make_server, origin):
    """[RFC 9112 4]"""
    server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_set_header Range ''; }}").start()
    assert fetch(server.port, "/plain").line == "HTTP/1.1 200 Fine"
    assert fetch(server.port, "/plain", fields=["Range: bytes=0-1"]).line == "HTTP/1.1 206 Partial Content"
    assert fetch(server.port, "/plain", fields=["Range: bytes=99-"]).line == "HTTP/1.1 416 Requested Range Not Satisfiable"
