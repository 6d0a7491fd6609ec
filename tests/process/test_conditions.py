"""What is said to those who ask for a part, or about their copy, of what others have: kept, changed, or in the place of an error.
[RFC 9110 13, 14]"""

import gzip
import time
from email.utils import parsedate_to_datetime

import pytest

from weir.http2 import Http2, head
from weir.recorder import Origin, answer
from weir.server import wait_for
from weir.wire import Connection, fetch

pytestmark = pytest.mark.weir_only

DATE, EARLIER = "Sun, 09 Sep 2001 01:46:40 GMT", "Sun, 09 Sep 2001 01:46:39 GMT"
CACHE = "proxy_cache_path %PREFIX%/cache keys_zone=c:1m;"
TEXT = b"<html>falling water</html>"
# What may be asked of what the origin below has: its tag and date are these.
ASKED = ['If-None-Match: "o"', 'If-Match: "x"', f"If-Modified-Since: {DATE}", f"If-Unmodified-Since: {EARLIER}", "Range: bytes=0-1",
         "Range: bytes=99-"]


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
    whole = answer(body, "200 Fine", fields)
    return whole[:-len(body)] if request.method == "HEAD" else whole


@pytest.fixture
def origin():
    with Origin(conditional) as made:
        yield made


def conditions(request):
    """The names of those fields of a request."""
    return [n for n, _ in request.fields if n.lower().startswith("if-") or n.lower() == "range"]


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


# ---- Pages in the place of errors. ----

@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("page", ["/page", "@page"])
@pytest.mark.parametrize("cache", ["", "proxy_cache c;"], ids=["proxied", "kept"])
def test_the_page_of_an_error_comes_whole_whatever_is_asked(make_server, origin, page, cache, asked):
    """A 304 of its origin's has no body to send.  [RFC 9110 13.2.1, 14.2]"""
    server = make_server(f"location / {{ error_page 404 {page}; return 404; }}"
                         f"location {page} {{ proxy_pass http://127.0.0.1:{origin.port}; {cache} }}", http=CACHE).start()
    for _ in range(2):
        got = fetch(server.port, "/", fields=[asked])
        assert (got.status, got.body) == (404, TEXT) and got.get("Content-Range") is None
    assert not conditions(origin.requests[-1])


@pytest.mark.parametrize("status", ["=", "=200"])
@pytest.mark.parametrize("cache", ["", "proxy_cache c;"], ids=["proxied", "kept"])
def test_a_page_that_is_the_answer_can_be_asked_for_as_such(make_server, origin, status, cache):
    """What a 304, a 206 or a 412 stands for is a 200, which the page is.  [RFC 9110 15.4.5]"""
    server = make_server(f"location / {{ error_page 404 {status} /page; return 404; }}"
                         f"location /page {{ proxy_pass http://127.0.0.1:{origin.port}; {cache} }}", http=CACHE).start()
    assert fetch(server.port, "/").status == 200
    for asked, want in (('If-None-Match: "o"', 304), (f"If-Modified-Since: {DATE}", 304), (f"If-Unmodified-Since: {EARLIER}", 412),
                        ("Range: bytes=0-1", 206)):
        got = fetch(server.port, "/", fields=[asked])
        assert got.status == want, asked
        assert want != 206 or (got.body, got.get("Content-Range")) == (TEXT[:2], f"bytes 0-1/{len(TEXT)}")


def test_a_page_for_what_was_asked_in_vain_is_not_asked_for_it_again(make_server):
    server = make_server("error_page 412 =200 /page; location / { }", files={"f": b"file", "page": b"page"}).start()
    got = fetch(server.port, "/f", fields=['If-Match: "x"'])
    assert (got.status, got.body) == (200, b"page")


def test_a_page_that_nobody_asked_to_read_has_no_304(make_server):
    """A POST is not answered by what its client is said to have.  [RFC 9110 13.1.2]"""
    server = make_server("location / { error_page 404 =200 /page; return 404; } location /page { }",
                         files={"page": b"page"}).start()
    got = fetch(server.port, "/x", "POST", fields=["If-None-Match: *", "Content-Length: 0"])
    assert (got.status, got.body) == (200, b"page")


def test_a_page_in_the_place_of_an_error_switches_no_protocols(make_server):
    """Over either version the page comes, or an error; never a tunnel under the status of a page.  [RFC 9110 7.8, RFC 8441 5]"""
    def script(request):
        if request.get("Upgrade"):
            return answer(b"tunnel", "101 Switching Protocols", [("Upgrade", "websocket"), ("Connection", "upgrade")], length=None)
        return answer(b"page")

    with Origin(script) as origin:
        server = make_server(f"""http2 on;
            location /path {{ error_page 404 /page; return 404; }} location /as {{ error_page 404 =200 /page; return 404; }}
            location /named {{ error_page 404 @page; return 404; }} location /own {{ error_page 404 = @page; return 404; }}
            location /set {{ error_page 404 @set; return 404; }}
            location @set {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_set_header Upgrade websocket;
                             proxy_set_header Connection upgrade; }}
            location /page {{ proxy_pass http://127.0.0.1:{origin.port}; }}
            location @page {{ proxy_pass http://127.0.0.1:{origin.port}; }}""").start()
        upgrade = ["Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
        for path, want in (("/path", (404, b"page")), ("/as", (200, b"page")), ("/named", (404, b"page"))):
            got = fetch(server.port, path, fields=upgrade)
            assert (got.status, got.body) == want and got.get("Upgrade") is None, path
        assert fetch(server.port, "/set", fields=upgrade).status == 502
        with Connection(server.port) as conn:                   # where the page is the answer it may be a tunnel
            conn.send("\r\n".join(["GET /own HTTP/1.1", "Host: a", *upgrade, "", ""]).encode())
            assert conn.response().status == 101
        with Http2(server.port) as conn:
            stream = conn.request(raw=[*head("/named", "CONNECT"), (":protocol", "websocket")], end=False)
            conn.until("an answer", lambda: stream in conn.answers)
            assert conn.answers[stream].status >= 400


# ---- What others are asked on the way. ----

@pytest.mark.parametrize("asked", ['If-None-Match: "o"', "Range: bytes=0-1", "Range: bytes=99-"])
@pytest.mark.parametrize("cache", ["", "proxy_cache c;"], ids=["proxied", "kept"])
def test_a_part_of_a_page_comes_whole_whatever_is_asked_of_the_page(make_server, origin, cache, asked):
    server = make_server(f"location / {{ alias %ROOT%/; add_after_body /part; }}"
                         f"location /part {{ proxy_pass http://127.0.0.1:{origin.port}; {cache} }}",
                         http=f"{CACHE} types {{ text/html html; }}", files={"a.html": b"<p>page</p>"}).start()
    for _ in range(2):
        got = fetch(server.port, "/a.html", fields=[asked])
        assert (got.status, got.body) == (200, b"<p>page</p>" + TEXT)
    assert not conditions(origin.requests[-1])


@pytest.mark.parametrize("asked", [a for a in ASKED if "Match" in a or "Since" in a])
@pytest.mark.parametrize("cache", ["", "proxy_cache c;"], ids=["proxied", "kept"])
def test_who_is_asked_for_leave_is_not_asked_about_a_copy(make_server, origin, cache, asked):
    """Its 304 or 412 would be neither yes nor no.  [nginx auth_request]"""
    server = make_server(f"location / {{ auth_request /ask; }} location /free/ {{ alias %ROOT%/; }}"
                         f"location /ask {{ proxy_pass http://127.0.0.1:{origin.port}; {cache} }}", http=CACHE,
                         files={"f": b"file"}).start()
    for _ in range(2):
        assert fetch(server.port, "/f", fields=[asked]).status == fetch(server.port, "/free/f", fields=[asked]).status
    assert not conditions(origin.requests[-1])


def test_a_mirror_is_shown_what_was_asked(make_server, origin):
    server = make_server(f"location / {{ alias %ROOT%/; mirror /copy; }}"
                         f"location /copy {{ proxy_pass http://127.0.0.1:{origin.port}; }}", files={"f": b"file"}).start()
    for asked in ASKED:
        fetch(server.port, "/f", fields=[asked])
    wait_for("the copies", lambda: len(origin.requests) == len(ASKED))
    assert sorted(n for r in origin.requests for n in conditions(r)) == sorted(a.split(":")[0] for a in ASKED)


# ---- What filters have changed. ----

@pytest.mark.parametrize("source", ["file", "kept"])
@pytest.mark.parametrize("filters", ["add_after_body /part;", "source_charset utf-8; charset iso-8859-1;",
                                     "sub_filter water wine; sub_filter_last_modified on;"], ids=["addition", "charset", "sub"])
def test_a_304_has_the_tag_of_the_200_that_it_confirms(make_server, origin, source, filters):
    """A strong one would be that of another content; by the date alone nobody says which.  [RFC 9110 15.4.5, 8.8.1]"""
    how = f"proxy_pass http://127.0.0.1:{origin.port}; proxy_cache c;" if source == "kept" else ""
    server = make_server(f"location / {{ {filters} {how} }} location /part {{ return 200 part; }}",
                         http=f"{CACHE} types {{ text/html html; }}", files={"a.html": TEXT}).start()
    tag = fetch(server.port, "/a.html").get("ETag")
    assert tag.startswith('W/"')
    for asked in (f"If-Modified-Since: {DATE}", f"If-None-Match: {tag}", f"If-None-Match: {tag[2:]}"):
        got = fetch(server.port, "/a.html", fields=[asked])
        assert (got.status, got.get("ETag"), got.body) == (304, tag, b""), asked


# ---- Dates. ----

def test_a_file_of_the_future_was_modified_now(make_server):
    """Caches count from that date, and clients send it back; what it will be true of is not what was sent.  [RFC 9110 8.8.2.1]"""
    server = make_server().start()
    server.write("f", b"file", mtime=int(time.time()) + 86400)
    for _ in range(3):
        got = fetch(server.port, "/f")
        modified, date = (parsedate_to_datetime(got.get(n)) for n in ("Last-Modified", "Date"))
        assert modified <= date
        assert fetch(server.port, "/f", fields=[f"If-Modified-Since: {got.get('Last-Modified')}"]).status == 200
        again = fetch(server.port, "/f", fields=[f"If-None-Match: {got.get('ETag')}"])
        assert again.status == 304 and parsedate_to_datetime(again.get("Last-Modified")) <= parsedate_to_datetime(again.get("Date"))


# ---- Checksums. ----

DIGESTS = [("Content-Digest", "sha-256=:AAAA:"), ("Repr-Digest", "sha-256=:AAAA:"), ("Digest", "sha-256=AAAA"), ("Content-MD5", "AAAA")]


@pytest.mark.parametrize("how,asked,left", [
    ("", "X: y", {"Content-Digest", "Repr-Digest", "Digest", "Content-MD5"}),
    ("", "Range: bytes=0-1", {"Repr-Digest", "Digest"}),
    ("", "Range: bytes=99-", set()),
    ("sub_filter water wine;", "X: y", set()),
    ("gzip on; gzip_proxied any; gzip_min_length 0;", "Accept-Encoding: gzip", set())],
    ids=["as it is", "a part", "no part", "changed", "coded"])
def test_a_checksum_is_that_of_what_is_sent(make_server, how, asked, left):
    """A part is one of a representation that stays; what a filter changes is another, and an error is, too.  [RFC 9530 2, 3]"""
    with Origin(lambda request: answer(TEXT, fields=[("Content-Type", "text/html"), ("Accept-Ranges", "bytes"), *DIGESTS])) as origin:
        server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_set_header Range ''; {how} }}").start()
        got = fetch(server.port, "/", fields=[asked])
        assert {n for n, _ in DIGESTS if got.get(n)} == left


# ---- HEAD. ----

@pytest.mark.parametrize("accept", ["identity", "gzip"])
@pytest.mark.parametrize("filters", ["csp script-src 'nonce-$csp_nonce'; csp_marker data-nonce 01234567;", "sub_filter water wine;",
                                     "charset iso-8859-1; source_charset utf-8;", "gunzip on;", "addition_types *; add_after_body /part;"],
                         ids=["csp", "sub", "charset", "gunzip", "addition"])
def test_head_of_a_page_that_comes_coded_is_that_of_get(make_server, origin, filters, accept):
    """[RFC 9110 9.3.2]"""
    server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; {filters} }} location /part {{ return 200 part; }}").start()
    got, head = (fetch(server.port, "/coded", method, fields=[f"Accept-Encoding: {accept}"]) for method in ("GET", "HEAD"))
    passing = ("Date", "Content-Security-Policy")
    assert [f for f in head.fields if f[0] not in passing] == [f for f in got.fields if f[0] not in passing]
