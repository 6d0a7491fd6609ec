"""What coders made of files and of cached responses is kept, and sent again while it is theirs.  [compress_memory]"""

import random
import re
import signal
import time

import brotli
import pytest

from test_codings import plain
from weir.http2 import Http2
from weir.recorder import Origin, answer
from weir.server import children, wait_for
from weir.wire import Connection, fetch

pytestmark = pytest.mark.weir_only

PAGE = b"".join(b"line %d of a page that is asked for again and again\n" % i for i in range(4000))


def settled(server):
    """What files that were written this very moment are coded to is not kept: these are older."""
    newest = max(file.stat().st_ctime for file in server.root.iterdir())
    wait_for("another moment", lambda: time.time() > newest + 0.1)
    return server


def kept_server(make_server, more="", **parts):
    return settled(make_server(f"gzip on; brotli on; zstd on; {more} location / {{ }} location = /metrics {{ metrics prometheus; gzip off; brotli off; zstd off; }}",
                       files={"p.html": PAGE, "q.html": PAGE[::-1]}, **parts).start())


def hits(server, coding):
    pages = fetch(server.port, "/metrics").body.decode()
    return int(re.search(rf'^weir_encoded_kept_hits_total{{coding="{coding}"}} (\d+)', pages, re.M)[1])


def of(server, coding, path="/p.html", method="GET", fields=()):
    return fetch(server.port, path, method, fields=[f"Accept-Encoding: {coding}", *fields])


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_the_second_answer_with_a_file_is_the_one_that_was_kept(make_server, coding):
    server = kept_server(make_server)
    first, second = of(server, coding), of(server, coding)
    assert plain(first) == plain(second) == PAGE and first.body == second.body
    assert first.get("Content-Length") is None and int(second.get("Content-Length")) == len(second.body)
    same = lambda a: [(n, v) for n, v in a.fields if n not in ("Date", "Transfer-Encoding", "Content-Length")]
    assert same(first) == same(second)
    assert hits(server, coding) == 1


def test_head_and_304_are_those_of_what_is_kept(make_server):
    server = kept_server(make_server)
    of(server, "br")
    got, head = of(server, "br"), of(server, "br", method="HEAD")
    fields = lambda a: [(n, v) for n, v in a.fields if n != "Date"]
    assert fields(got) == fields(head)
    again = of(server, "br", fields=[f"If-None-Match: {got.get('ETag')}"])
    assert again.status == 304 and again.get("ETag") == got.get("ETag") and again.get("Vary") == "Accept-Encoding"


def test_each_file_coding_and_level_is_kept_apart(make_server):
    server = kept_server(make_server, "location /best/ { gzip_comp_level 9; alias %ROOT%/; }")
    for _ in range(2):
        assert plain(of(server, "gzip")) == PAGE
        assert plain(of(server, "gzip", "/q.html")) == PAGE[::-1]
        assert plain(of(server, "zstd")) == PAGE
        assert plain(of(server, "gzip", "/best/p.html")) == PAGE
    assert len(of(server, "gzip", "/best/p.html").body) < len(of(server, "gzip").body)


def test_a_file_that_changed_is_coded_anew(make_server):
    server = kept_server(make_server)
    of(server, "gzip")
    of(server, "gzip")
    server.write("p.html", PAGE.upper())        # of the same length and time
    wait_for("the new page", lambda: plain(of(server, "gzip")) == PAGE.upper())
    assert plain(of(server, "gzip")) == PAGE.upper()


def test_nothing_is_kept_where_there_is_no_memory_for_it(make_server):
    server = kept_server(make_server, http="compress_memory 0;")
    for _ in range(3):
        assert plain(of(server, "gzip")) == PAGE
    assert hits(server, "gzip") == 0


def test_what_is_kept_stays_below_its_memory(make_server):
    """Of 16k an entry has at most 2k: neither of the pages fits, and files that do push each other out."""
    server = kept_server(make_server, http="compress_memory 16k;")
    small = {f"s{i}.html": random.Random(i).randbytes(1000).hex().encode() for i in range(64)}
    for path, content in small.items():
        server.write(path, content)
    settled(server)
    for _ in range(3):
        assert plain(of(server, "gzip")) == PAGE
        for path, content in small.items():
            assert plain(of(server, "gzip", "/" + path)) == content
    assert hits(server, "gzip") == 0        # 64 of them, of a kilobyte each, never fit
    assert plain(of(server, "gzip", "/s63.html")) == small["s63.html"] and hits(server, "gzip") == 1


def test_a_filter_that_wants_text_is_not_passed_by(make_server):
    server = make_server("gzip on; location / { } location /shout/ { shout on; alias %ROOT%/; }",
                         files={"p.html": PAGE}, main="load_module %MODULE:shout%;").start()
    of(server, "gzip")
    assert plain(of(server, "gzip")) == PAGE
    for _ in range(2):
        assert plain(of(server, "gzip", "/shout/p.html")) == PAGE.upper()
    assert plain(of(server, "gzip")) == PAGE


def test_a_client_that_leaves_leaves_nothing_half(make_server):
    server = kept_server(make_server)
    server.write("big.html", PAGE * 40)
    with Connection(server.port) as c:
        c.send(b"GET /big.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
        c.fill()
    for _ in range(2):
        assert plain(of(server, "gzip", "/big.html")) == PAGE * 40


# ---- What is kept of cached responses. ----

class Cached:
    """A caching proxy; the origin's page holds the number of its answer."""

    def __init__(self, make_server, more="", http="", path="keys_zone=c:4m memory=8m", cache="", **parts):
        self.n = 0
        self.origin = Origin(lambda request: self.reply(request))
        self.server = make_server(
            f"gzip on; brotli on; {more} location / {{ proxy_pass http://127.0.0.1:{self.origin.port}; proxy_cache c; {cache} }}"
            "location = /metrics { metrics prometheus; gzip off; brotli off; }",
            http=f"proxy_cache_path %PREFIX%/cache {path}; {http}", **parts).start()

    def reply(self, request):
        self.n += 1
        return answer(self.page(self.n), fields=[("Content-Type", "text/html"), ("Cache-Control", "max-age=3600"),
                                                 ("ETag", f'"{self.n}"')])

    @staticmethod
    def page(n):
        return b"answer %d\n" % n + PAGE

    def get(self, coding="gzip", *rest, **more):
        return of(self.server, coding, *rest, **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.origin.stop()


@pytest.mark.parametrize("path", ["keys_zone=c:4m memory=8m", "keys_zone=c:4m"])
@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_the_second_answer_with_a_cached_response_costs_no_coding(make_server, path, coding):
    with Cached(make_server, path=path) as s:
        first = s.get(coding)
        got = s.get(coding)
        assert plain(first) == plain(got) == s.page(1) and s.n == 1
        assert first.get("Content-Length") is None and int(got.get("Content-Length")) == len(got.body)
        assert got.get("ETag") == 'W/"1"' and got.all("Vary") == ["Accept-Encoding"]
        assert hits(s.server, coding) == 1


def test_a_new_body_under_the_same_key_is_not_the_kept_one(make_server):
    with Cached(make_server, cache="proxy_cache_key $uri; proxy_cache_bypass $arg_new;") as s:
        for n in (1, 2, 3):
            assert plain(s.get("gzip", "/a?new=1")) == s.page(n)
            for _ in range(2):
                assert plain(s.get("gzip", "/a")) == s.page(n)
            assert hits(s.server, "gzip") == 2 * n


def test_a_response_that_was_confirmed_is_still_the_kept_one(make_server):
    with Cached(make_server) as s:
        def reply(request):
            s.n += 1
            fields = [("Content-Type", "text/html"), ("Cache-Control", "max-age=0" if s.n == 1 else "max-age=3600"), ("ETag", '"1"')]
            if request.get("If-None-Match") is not None:
                return answer(b"", "304 Not Modified", fields=fields, length=None)
            return answer(s.page(1), fields=fields)
        s.reply = reply
        assert plain(s.get()) == s.page(1)
        wait_for("the second to be the first", lambda: plain(s.get()) == s.page(1) and s.n == 2)
        assert hits(s.server, "gzip") >= 1


def test_an_error_page_in_the_place_of_a_cached_response_is_not_kept_as_it(make_server):
    with Cached(make_server, cache="error_page 412 =200 /other;", more='location = /other { default_type text/html; return 200 "another page, another page"; }') as s:
        s.get()
        for _ in range(2):
            got = s.get("br", fields=['If-Match: "none"'])
            assert got.status == 200 and plain(got) == b"another page, another page"
        assert plain(s.get("br")) == s.page(1)


def test_variants_of_a_cached_response_are_kept_apart(make_server):
    with Cached(make_server) as s:
        s.reply = lambda r: answer(r.get("X-Tongue").encode() + PAGE, fields=[
            ("Content-Type", "text/html"), ("Cache-Control", "max-age=3600"), ("Vary", "X-Tongue")])
        for _ in range(4):
            for tongue in ("de", "fr"):
                assert plain(s.get(fields=[f"X-Tongue: {tongue}"])) == tongue.encode() + PAGE
        assert hits(s.server, "gzip") == 6


def test_cached_responses_share_the_memory_of_what_is_kept(make_server):
    with Cached(make_server, http="compress_memory 16k;") as s:
        for _ in range(4):
            assert plain(s.get()) == s.page(1)      # longer than an eighth of it
        assert hits(s.server, "gzip") == 0


def test_a_filter_that_changes_cached_responses_sees_each(make_server):
    with Cached(make_server, main="load_module %MODULE:shout%;", cache="shout on;") as s:
        for _ in range(4):
            assert plain(s.get()) == s.page(1).upper()
        assert hits(s.server, "gzip") == 0


# ---- Over reloads and over HTTP/2. ----

def test_a_reload_neither_loses_nor_mixes_what_is_kept(make_server):
    server = settled(make_server("gzip on; gzip_types *; limit_rate $arg_rate; location / { }",
                                 files={"p.html": PAGE, "q.html": PAGE[::-1]},
                                 main="worker_processes 1;", single=False).start())
    for _ in range(2):
        want = of(server, "gzip").body
    with Connection(server.port) as c:          # it is sent what is kept, while its worker leaves
        c.send(b"GET /p.html?rate=8k HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
        c.fill()
        old = children(server.process.pid)
        server.kill(signal.SIGHUP)
        wait_for("a new worker", lambda: set(children(server.process.pid)) - set(old))
        for _ in range(3):
            assert plain(of(server, "gzip")) == PAGE and plain(of(server, "gzip", "/q.html")) == PAGE[::-1]
        got = c.response()
        assert got.body == want and int(got.get("Content-Length")) == len(want)


def test_a_reload_of_a_cache_keeps_to_the_bodies(make_server):
    with Cached(make_server, cache="proxy_cache_key $uri; proxy_cache_bypass $arg_new;", single=False, main="worker_processes 2;") as s:
        for n in (1, 2, 3):
            assert plain(s.get("gzip", "/a?new=1")) == s.page(n)
            for _ in range(6):
                assert plain(s.get("gzip", "/a")) == s.page(n)
            old = children(s.server.process.pid)
            s.server.kill(signal.SIGHUP)
            wait_for("new workers alone", lambda: not set(children(s.server.process.pid)) & set(old))
            for _ in range(6):
                assert plain(s.get("gzip", "/a")) == s.page(n)


def test_over_http2_what_is_kept_is_sent(make_server):
    server = kept_server(make_server, "http2 on;")
    with Http2(server.port) as conn:
        for _ in range(3):
            got = conn.get("/p.html", fields=[("accept-encoding", "br")])
            assert brotli.decompress(got.body) == PAGE
        assert int(got.get("content-length")) == len(got.body)
    assert hits(server, "br") == 2
