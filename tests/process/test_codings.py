"""Coded bodies: decoded once for the filters that want text, coded once for the client.  [RFC 9110 8.4, 12.5.3]"""

import gzip
import json
import random
import re
import zlib

import brotli
import pytest
import zstandard

from weir.http2 import Http2
from weir.recorder import Origin, answer, chunked
from weir.server import BINARY, status_kb, wait_for
from weir.wire import Connection, fetch

pytestmark = pytest.mark.weir_only

TEXT = b"<html><p>every word of this page is there to be read, and read again, by a filter</p></html>" * 40


def raw_deflate(text):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(text) + c.flush()


def un_zstd(data):
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


CODE = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress,
        "zstd": zstandard.ZstdCompressor().compress}
DECODE = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": un_zstd, None: bytes}


def plain(got):
    return DECODE[got.get("Content-Encoding")](got.body)


def wait_log(server, words):
    wait_for(f"{words} in the log", lambda: words in server.log(whole=True))


class Setup:
    """A server in front of an origin that answers `reply`."""

    def __init__(self, make_server, reply, more="shout on;", **parts):
        self.origin = Origin(lambda request: reply(request) if callable(reply) else reply)
        self.server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{self.origin.port}; {more} }}",
                                  main="load_module %MODULE:shout%;", **parts).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.origin.stop()

    def get(self, accept="gzip", fields=(), **more):
        fields = [*fields, *([f"Accept-Encoding: {accept}"] if accept is not None else [])]
        return fetch(self.server.port, "/", fields=fields, **more)


def coded(coding, body=TEXT, fields=(), name=None):
    return answer(CODE[coding](body), fields=[("Content-Type", "text/html"), ("ETag", '"e"'), ("Accept-Ranges", "bytes"),
                                              ("Content-Encoding", name or coding), *fields])


# ---- In and out. ----

@pytest.mark.parametrize("came", ["gzip", "br", "zstd"])
def test_a_filter_sees_text_and_the_client_gets_what_came(make_server, came):
    with Setup(make_server, coded(came)) as s:
        got = s.get("gzip, br, zstd")
        assert got.get("Content-Encoding") == came and plain(got) == TEXT.upper()
        assert got.get("Content-Length") is None and got.get("Accept-Ranges") is None
        assert got.get("ETag") == 'W/"e"' and got.all("Vary") == ["Accept-Encoding"]


@pytest.mark.parametrize("came,accept,goes", [
    ("br", "gzip", "gzip"), ("gzip", "br;q=0.9, gzip;q=0.1", "br"), ("deflate", "zstd", "zstd"), ("gzip", "gzip;q=0", None),
    ("zstd", None, None), ("br", "identity", None), ("gzip", "*", "gzip"), ("br", "deflate", None)])
def test_what_goes_out_is_what_the_client_takes(make_server, came, accept, goes):
    with Setup(make_server, coded(came)) as s:
        got = s.get(accept)
        assert got.get("Content-Encoding") == goes and plain(got) == TEXT.upper()
        assert got.all("Vary") == ["Accept-Encoding"]


def test_without_a_filter_that_wants_text_nothing_is_decoded(make_server):
    body = gzip.compress(TEXT)
    with Setup(make_server, coded("gzip"), more="gzip on; brotli on;") as s:
        got = s.get("br")
        assert got.get("Content-Encoding") == "gzip" and got.get("ETag") == '"e"'
        assert plain(got) == TEXT and int(got.get("Content-Length")) == len(got.body)
        assert len(got.body) == len(body)


def test_a_plain_body_stays_plain(make_server):
    with Setup(make_server, answer(TEXT, fields=[("Content-Type", "text/html"), ("Content-Encoding", "identity")])) as s:
        got = s.get("gzip")
        assert got.body == TEXT.upper() and int(got.get("Content-Length")) == len(TEXT)


def test_vary_is_said_once(make_server):
    with Setup(make_server, coded("gzip", fields=[("Vary", "Cookie, accept-encoding")])) as s:
        assert s.get().all("Vary") == ["Cookie, accept-encoding"]


@pytest.mark.parametrize("name", ["x-gzip", "GZIP", " gzip ,"])
def test_names_of_codings_are_read_as_written(make_server, name):
    with Setup(make_server, coded("gzip", name=name)) as s:
        assert plain(s.get()) == TEXT.upper()


def test_bare_deflate_is_read(make_server):
    reply = answer(raw_deflate(TEXT), fields=[("Content-Encoding", "deflate")])
    with Setup(make_server, reply) as s:
        assert plain(s.get(None)) == TEXT.upper()


def test_several_members_are_one_body(make_server):
    two = gzip.compress(TEXT) + gzip.compress(b"and more")
    with Setup(make_server, answer(two, fields=[("Content-Encoding", "gzip")])) as s:
        assert plain(s.get(None)) == TEXT.upper() + b"AND MORE"


def test_what_follows_the_stream_is_passed_over(make_server):
    with Setup(make_server, answer(gzip.compress(TEXT) + b"\0\0\0\0", fields=[("Content-Encoding", "gzip")])) as s:
        assert plain(s.get(None)) == TEXT.upper()


def test_a_coded_body_of_nothing_is_nothing(make_server):
    with Setup(make_server, answer(b"", fields=[("Content-Encoding", "gzip")])) as s:
        assert s.get(None).body == b""


# ---- What cannot be decoded is left as it is. ----

@pytest.mark.parametrize("fields,status", [
    ([("Content-Encoding", "compress")], "200 OK"), ([("Content-Encoding", "gzip, gzip")], "200 OK"),
    ([("Content-Encoding", "gzip"), ("Content-Encoding", "br")], "200 OK"),
    ([("Content-Encoding", "gzip"), ("Cache-Control", "public, no-transform")], "200 OK"),
    ([("Content-Encoding", "gzip"), ("Content-Range", "bytes 0-3/100")], "206 Partial Content")])
def test_what_may_or_can_not_be_decoded_passes_unchanged(make_server, fields, status):
    body = gzip.compress(TEXT)
    with Setup(make_server, answer(body, status, fields=fields)) as s:
        got = s.get("br")
        assert got.body == body and got.get("X-Text") == "no" and int(got.get("Content-Length")) == len(body)


# ---- Heads without bodies. ----

def test_head_says_what_get_would(make_server):
    with Setup(make_server, lambda r: coded("gzip") if r.method == "GET" else coded("gzip")[:-len(gzip.compress(TEXT))]) as s:
        got, head = s.get("br"), s.get("br", method="HEAD")
        without = lambda a: [(n, v) for n, v in a.fields if n not in ("Date", "Transfer-Encoding")]
        assert without(got) == without(head) and head.get("Content-Encoding") == "br"


def test_a_304_has_the_tag_and_vary_of_the_200(make_server):
    reply = answer(b"", "304 Not Modified", fields=[("ETag", '"e"'), ("Content-Encoding", "gzip")], length=None)
    with Setup(make_server, reply) as s:
        got = s.get("gzip", fields=['If-None-Match: W/"e"'])
        assert got.status == 304 and got.get("ETag") == 'W/"e"' and got.get("Vary") == "Accept-Encoding"
        assert got.get("Content-Encoding") is None


@pytest.mark.parametrize("more", ["shout on;", "gunzip on;", "gzip on;", "compress zstd;"])
@pytest.mark.parametrize("came,accept", [("gzip", None), ("gzip", "br"), ("zstd", None)])
def test_a_304_that_does_not_tell_how_the_200_came_has_its_tag(make_server, more, came, accept):
    """An origin's 304 has an ETag, and need not have more of the 200's fields that describe the body."""
    def reply(request):
        if request.get("If-None-Match") in ('W/"e"', '"e"'):
            return answer(b"", "304 Not Modified", fields=[("ETag", '"e"')], length=None)
        return coded(came)
    with Setup(make_server, reply, more=more) as s:
        tag = s.get(accept).get("ETag")
        got = s.get(accept, fields=[f"If-None-Match: {tag}"])
        assert got.status == 304 and got.get("ETag") == tag == ('"e"' if "gzip on" in more or "compress" in more else 'W/"e"')


def test_the_tag_of_a_304_stays_strong_where_the_client_has_it_so(make_server):
    reply = answer(b"", "304 Not Modified", fields=[("ETag", '"e"')], length=None)
    with Setup(make_server, reply) as s:
        for asked in ('"e"', 'W/"other"', 'W/"e', "*"):
            assert s.get(fields=[f"If-None-Match: {asked}"]).get("ETag") == '"e"'


def test_a_204_has_nothing(make_server):
    with Setup(make_server, answer(b"", "204 No Content", fields=[("Content-Encoding", "gzip")], length=None)) as s:
        assert s.get().status == 204


# ---- Cuts. ----

@pytest.mark.parametrize("coding", list(CODE))
def test_every_pair_of_cuts_gives_the_same_text(make_server, coding):
    text = b"a page, a page"
    data = CODE[coding](text)
    cuts = [(a, b) for a in range(len(data) + 1) for b in range(a, len(data) + 1)]

    def reply(request):
        a, b = cuts[int(request.target[1:])]
        pieces = [p for p in (data[:a], data[a:b], data[b:]) if p]
        return chunked(*pieces, fields=[("Content-Encoding", coding)])

    with Setup(make_server, reply, more="shout on; proxy_buffering off; keepalive_requests 9999;") as s:
        with Connection(s.server.port) as c:
            for i in range(len(cuts)):
                got = c.get(f"/{i}", fields=["Accept-Encoding: " + ("gzip", "br", "zstd", "identity")[i % 4]])
                assert plain(got) == text.upper(), cuts[i]


def test_a_long_body_of_little_order_comes_whole(make_server):
    body = random.Random(1).randbytes(700_000) + b"x" * 300_000
    for coding in CODE:
        with Setup(make_server, coded(coding, body), more="shout on; gzip on;") as s:
            assert plain(s.get("gzip")) == body.upper()


# ---- Broken and hostile ones. ----

@pytest.mark.parametrize("body", [gzip.compress(TEXT)[:-9], b"no gzip at all", gzip.compress(TEXT)[:-8] + b"12345678"])
def test_a_broken_body_is_cut_and_told(make_server, body):
    with Setup(make_server, answer(body, fields=[("Content-Encoding", "gzip")])) as s:
        with pytest.raises(Exception):
            s.get(None)
        wait_log(s.server, 'a "gzip" body ')


@pytest.mark.parametrize("coding", list(CODE))
def test_a_bomb_is_cut(make_server, coding):
    with Setup(make_server, coded(coding, b"\0" * (64 << 20))) as s:
        with pytest.raises(Exception):
            s.get(None)
        wait_log(s.server, "has become more than 100 times as long")


def test_the_ratio_is_a_directive(make_server):
    with Setup(make_server, coded("gzip", b"a" * (4 << 20)), more="shout on; decode_max_ratio 2000;") as s:
        assert s.get(None).body == b"A" * (4 << 20)


def test_the_size_is_a_directive(make_server):
    with Setup(make_server, coded("gzip", b"a" * 100_000), more="shout on; decode_max_size 99999;") as s:
        with pytest.raises(Exception):
            s.get(None)
        wait_log(s.server, "longer than decode_max_size")


def refused(server, coder):
    pages = fetch(server.port, "/metrics").body.decode()
    return int(re.search(rf'^weir_coder_refused_total{{coder="{coder}"}} (\d+)', pages, re.M)[1])


def test_without_memory_for_an_encoder_the_answer_goes_plain_and_is_counted(make_server):
    """An encoder of gzip takes 268 KiB."""
    for memory, said, count in (("64k", None, 1), ("1m", "gzip", 0)):
        server = make_server("gzip on; location / { } location = /metrics { metrics prometheus; gzip off; }",
                             files={"p.html": TEXT}, http=f"coder_memory {memory};").start()
        got = fetch(server.port, "/p.html", fields=["Accept-Encoding: gzip"])
        assert got.get("Content-Encoding") == said and plain(got) == TEXT and refused(server, "encoder") == count
        assert refused(server, "decoder") == 0


@pytest.mark.parametrize("came", CODE)
def test_bytes_are_counted_in_and_out(make_server, came):
    with Setup(make_server, coded(came), more="shout on; } location = /metrics { metrics json;") as s:
        got = s.get("br")
        series = json.loads(fetch(s.server.port, "/metrics").body)["metrics"]
        counted = {name: series[f"weir_{name}_total"]["values"] for name in
                   ("decoded_bytes_in", "decoded_bytes_out", "encoded_bytes_in", "encoded_bytes_out")}
    assert counted["decoded_bytes_in"][came] == len(CODE[came](TEXT)) and counted["decoded_bytes_out"][came] == len(TEXT)
    assert counted["encoded_bytes_in"]["br"] == len(TEXT) and counted["encoded_bytes_out"]["br"] == len(got.body)


def test_without_memory_for_a_decoder_there_is_no_answer_and_it_is_counted(make_server):
    with Setup(make_server, coded("gzip"), http="coder_memory 1k;", more="shout on; } location = /metrics { metrics prometheus;") as s:
        assert s.get().status == 503 and refused(s.server, "decoder") == 1


# ---- gunzip. ----

@pytest.mark.parametrize("came", list(CODE))
def test_gunzip_decodes_for_those_who_cannot(make_server, came):
    with Setup(make_server, coded(came), more="gunzip on; gunzip_buffers 4 8k;") as s:
        for accept in (None, "identity", f"{came};q=0, *;q=0"):
            got = s.get(accept)
            assert got.get("Content-Encoding") is None and got.body == TEXT
            assert got.get("ETag") == 'W/"e"' and got.all("Vary") == ["Accept-Encoding"]
        got = s.get(came)
        assert got.get("Content-Encoding") == came and got.get("ETag") == '"e"' and got.all("Vary") == ["Accept-Encoding"]


def test_what_gunzip_decodes_is_coded_as_the_client_likes(make_server):
    with Setup(make_server, coded("gzip"), more="gunzip on; brotli on;") as s:
        got = s.get("br")
        assert got.get("Content-Encoding") == "br" and plain(got) == TEXT


def test_gunzip_leaves_sealed_bodies(make_server):
    with Setup(make_server, coded("gzip", fields=[("Cache-Control", "no-transform")]), more="gunzip on;") as s:
        got = s.get(None)
        assert got.get("Content-Encoding") == "gzip" and plain(got) == TEXT


# ---- Files, and pages of several parts. ----

def test_a_filter_reads_files_that_are_stored_coded(make_server):
    server = make_server("gzip_static always; shout on; location / { }", main="load_module %MODULE:shout%;")
    server.write("p.html.gz", gzip.compress(TEXT))
    server.start()
    for accept in ("gzip", "br"):
        got = fetch(server.port, "/p.html", fields=[f"Accept-Encoding: {accept}"])
        assert got.get("Content-Encoding") == accept and plain(got) == TEXT.upper()
    assert fetch(server.port, "/p.html").body == TEXT.upper()


def test_parts_that_come_coded_are_put_together_as_text(make_server):
    origin = Origin(lambda r: coded("gzip", b"[" + r.target.encode() + b"]"))
    server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}"
                         f"location /page {{ proxy_pass http://127.0.0.1:{origin.port}; add_before_body /a; add_after_body /b; }}")
    server.start()
    got = fetch(server.port, "/page", fields=["Accept-Encoding: gzip"])
    assert got.get("Content-Encoding") == "gzip" and plain(got) == b"[/a][/page][/b]"
    got = fetch(server.port, "/page")
    assert got.get("Content-Encoding") is None and got.body == b"[/a][/page][/b]"
    origin.stop()


# ---- What origins are asked for. ----

@pytest.mark.parametrize("accept,asked", [
    ("gzip, deflate, br, zstd", "gzip, deflate, br, zstd"), ("gzip;q=0.5, compress, br;q=0.1", "gzip;q=0.5, br;q=0.1"),
    ("dcb, dcz, x-gzip", "x-gzip"), ("gzip, *", "gzip"), ("gzip;q=1, *;q=0, zzz", "gzip;q=1, *;q=0"),
    ("compress", "identity"), ("*", "identity"), ("identity;q=0, zzz", "identity;q=0"), ("br;q=x, zzz", "br;q=x"), ("", "")])
def test_where_a_filter_reads_the_origin_is_asked_for_what_can_be_decoded(make_server, accept, asked):
    with Setup(make_server, coded("gzip")) as s:
        s.get(accept)
        assert s.origin.requests[0].all("Accept-Encoding") == [asked]


def test_several_lines_of_what_is_accepted_are_one(make_server):
    with Setup(make_server, coded("gzip")) as s:
        s.get("compress", fields=["Accept-Encoding: gzip", "Accept-Encoding: zzz, br"])
        assert s.origin.requests[0].all("Accept-Encoding") == ["gzip, br"]


def test_who_accepts_nothing_asks_for_nothing(make_server):
    with Setup(make_server, coded("gzip")) as s:
        s.get(None)
        assert s.origin.requests[0].all("Accept-Encoding") == []


@pytest.mark.parametrize("more", ["", "gunzip on; gzip on;"])
def test_where_no_filter_reads_the_question_passes_as_it_is(make_server, more):
    with Setup(make_server, coded("gzip"), more=more) as s:
        s.get("compress, *", fields=["Accept-Encoding: zzz"])
        assert s.origin.requests[0].all("Accept-Encoding") == ["zzz", "compress, *"]


def test_what_the_operator_asks_for_is_asked_for(make_server):
    with Setup(make_server, coded("gzip"), more="shout on; proxy_set_header Accept-Encoding $http_accept_encoding;") as s:
        s.get("compress, gzip")
        assert s.origin.requests[0].all("Accept-Encoding") == ["compress, gzip"]


def test_parts_of_a_page_are_asked_for_as_text(make_server):
    origin = Origin(lambda r: coded("gzip", r.target.encode()))
    server = make_server(f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}"
                         'location = /page { default_type text/html; return 200 "page"; add_after_body /b; }').start()
    assert fetch(server.port, "/page", fields=["Accept-Encoding: compress, br"]).status == 200
    assert [r.get("Accept-Encoding") for r in origin.requests] == ["br"]
    origin.stop()


def test_a_cache_that_renews_behind_a_client_asks_the_same(make_server):
    stale = [("Cache-Control", "max-age=0, stale-while-revalidate=60"), ("Content-Type", "text/html")]
    with Setup(make_server, lambda r: answer(TEXT, fields=stale), more="shout on; proxy_cache c;",
               http="proxy_cache_path %PREFIX%/cache keys_zone=c:4m memory=8m;") as s:
        s.get("compress, gzip")
        s.get("compress, gzip")
        wait_for("the second question", lambda: len(s.origin.requests) >= 2)
        assert {r.get("Accept-Encoding") for r in s.origin.requests} == {"gzip"}


# ---- Over HTTP/2, and with slow clients. ----

@pytest.mark.parametrize("came", list(CODE))
def test_over_http2_it_is_the_same(make_server, came):
    with Setup(make_server, coded(came), more="shout on; } http2 on; location /none {") as s:
        with Http2(s.server.port) as conn:
            for accept, goes in (("gzip", "gzip"), ("br", "br"), ("zstd, gzip;q=0.1", "zstd"), ("identity", None)):
                got = conn.get("/", fields=[("accept-encoding", accept)])
                assert got.get("content-encoding") == goes and DECODE[goes](got.body) == TEXT.upper()
                assert got.get("etag") == 'W/"e"' and got.get("vary") == "Accept-Encoding"


@pytest.mark.skipif("san" in BINARY, reason="a sanitizer's memory says nothing about the server's")
def test_a_client_that_does_not_read_keeps_a_bomb_small(make_server):
    """32 MiB of nothing in 32 KiB: what waits for the client waits in that form."""
    body = gzip.compress(b"\0" * (32 << 20))
    with Setup(make_server, coded("gzip", body=b"", fields=()), more="shout on; decode_max_ratio 2000;") as s:
        s.origin.script = lambda r: answer(body, fields=[("Content-Type", "text/html"), ("Content-Encoding", "gzip")])
        assert s.get(None, fields=["X: 1"], method="HEAD").status == 200
        before = status_kb(s.server.process.pid, "RssAnon")
        clients = [Connection(s.server.port) for _ in range(8)]
        for c in clients:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        for c in clients:
            c.fill()
        wait_for("all answers under way", lambda: len(s.origin.requests) >= 9)
        s.get(None, method="HEAD")              # the server has had its turn with all of them
        assert status_kb(s.server.process.pid, "RssAnon") - before < 16 << 10
        for c in clients:
            c.close()
