"""What REDbot asks of a site, over files, compressed files, proxied and cached responses, with codings on and off: Date, lengths,
an ETag of each coding's own, Vary wherever a coding could apply, HEAD like GET, conditional requests, exact ranges.

Each claim is asked of every site below; a site is a set of settings, and the path its text stands at.
"""

import email.utils
import gzip
import random
import time

import brotli
import pytest
import zstandard

from weir.recorder import Origin, answer
from weir.wire import fetch

pytestmark = pytest.mark.weir_only

WORDS = random.Random(6).choices(["weir", "water", "falls", "over", "stones", "and", "on"], k=2000)
TEXT = " ".join(WORDS).encode()
TYPE = ("Content-Type", "text/plain")
ALL = "gzip on; brotli on; zstd on; gzip_types text/plain; brotli_types text/plain; zstd_types text/plain;"
CACHE = "proxy_cache_path %PREFIX%/cache keys_zone=c:4m memory=8m inactive=1h;"
DATE = "Sun, 09 Sep 2001 01:46:40 GMT"

# name: (settings of the location, where the text comes from, does a coding apply?)
SITES = {
    "files": ("", "file", False),
    "files, gzip": ("gzip on; gzip_types text/plain;", "file", True),
    "files, br": ("brotli on; brotli_types text/plain;", "file", True),
    "files, all codings": (ALL, "file", True),
    "files, compress": ("compress zstd br gzip;", "file", True),
    "files, compressed beforehand": ("gzip_static on; brotli_static on; zstd_static on;", "files", True),
    "files, compressed beforehand or now": ("gzip_static on; compress br gzip;", "gzip file", True),
    "proxied": ("", "origin", False),
    "proxied, gzip": ("gzip on; gzip_types text/plain; gzip_proxied any;", "origin", True),
    "proxied, compress": ("compress zstd br gzip;", "origin", True),
    "cached": ("proxy_cache c;", "origin", False),
    "cached, compress": ("proxy_cache c; compress zstd br gzip;", "origin", True),
    "proxied, came coded, gunzip": ("gunzip on;", "coded origin", True),
    "cached, came coded, gunzip": ("gunzip on; proxy_cache c;", "coded origin", True),
}
CODINGS = ["gzip", "br", "zstd"]
DECODE = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes,
          "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)}
# What clients send; the last asks for nothing that can be had.
ACCEPTS = [None, "identity", "gzip", "br", "zstd", "gzip, deflate, br, zstd", "gzip;q=0.1, br;q=0", "*", "identity;q=0, *",
           "compress;q=0.5"]


class Site:
    def __init__(self, make_server, name):
        settings, source, self.coded = SITES[name]
        self.origin = None
        if "origin" in source:
            self.origin = Origin(lambda request: self.reply(request, source == "coded origin"))
            settings += f" proxy_pass http://127.0.0.1:{self.origin.port};"
        self.server = make_server(f"location / {{ {settings} }}", http=CACHE if "proxy_cache" in settings else "")
        self.server.write("a.txt", TEXT)
        if source == "files":
            self.server.write("a.txt.br", brotli.compress(TEXT))
            self.server.write("a.txt.zst", zstandard.ZstdCompressor().compress(TEXT))
        if source in ("files", "gzip file"):
            self.server.write("a.txt.gz", gzip.compress(TEXT, mtime=0))
        self.server.start()

    @staticmethod
    def reply(request, coded):
        """A server with one strong tag for each thing it has, and conditions."""
        fields = [("Cache-Control", "max-age=60"), ("ETag", '"z"' if coded else '"o"'), ("Date", email.utils.formatdate(usegmt=True))]
        asked = request.get("If-None-Match")
        body = gzip.compress(TEXT, mtime=0) if coded else TEXT
        fields += [("Vary", "Accept-Encoding"), ("Content-Encoding", "gzip")] if coded else []
        if asked and fields[1][1] in asked.replace("W/", ""):
            return answer(b"", "304 Not Modified", fields, length=None)
        got = answer(body, fields=[TYPE, ("Last-Modified", DATE), ("Accept-Ranges", "none"), *fields])
        return got[:-len(body)] if request.method == "HEAD" else got

    def get(self, accept=None, fields=(), method="GET"):
        fields = [*fields, *([f"Accept-Encoding: {accept}"] if accept is not None else [])]
        return fetch(self.server.port, "/a.txt", method, fields=fields)


@pytest.fixture(params=SITES)
def site(request, make_server):
    made = Site(make_server, request.param)
    yield made
    if made.origin:
        made.origin.stop()


def plain(got):
    return DECODE[got.get("Content-Encoding")](got.body)


def each(site):
    """Every kind of client, each twice: what is kept from the first must not be told from it."""
    for accept in ACCEPTS * 2:
        yield accept, site.get(accept)


def varies(got):
    return [v.strip().lower() for line in got.all("Vary") for v in line.split(",")].count("accept-encoding")


# ---- The representation. ----

def test_everybody_gets_the_text_in_a_coding_that_they_take(site):              # [RFC 9110 12.5.3]
    for accept, got in each(site):
        assert got.status == 200 and plain(got) == TEXT
        coding = got.get("Content-Encoding")
        assert coding is None or (accept is not None and (coding in accept or "*" in accept) and f"{coding};q=0," not in accept + ",")
        assert site.coded or coding is None


def test_a_length_is_that_of_the_body(site):                                     # [RFC 9110 8.6]
    for _, got in each(site):
        assert got.get("Content-Length") in (None, str(len(got.body)))
        assert got.get("Content-Encoding") is not None or got.get("Content-Length") is not None or "gunzip" in site.server.text


def test_the_date_is_that_of_now(site):                                          # [RFC 9110 6.6.1]
    for _, got in each(site):
        assert len(got.all("Date")) == 1
        assert abs(email.utils.parsedate_to_datetime(got.get("Date")).timestamp() - time.time()) < 60


def test_vary_is_said_to_everybody_or_to_nobody(site):                           # [RFC 9110 12.5.5]
    for _, got in each(site):
        assert varies(got) == (1 if site.coded else 0)


def test_a_strong_tag_belongs_to_one_coding(site):                               # [RFC 9110 8.8.3.3]
    codings = {}
    for _, got in each(site):
        tag = got.get("ETag")
        assert len(got.all("ETag")) == 1 and len(got.all("Last-Modified")) == 1
        if not tag.startswith("W/"):
            codings.setdefault(tag, set()).add(got.get("Content-Encoding"))
    assert all(len(c) == 1 for c in codings.values()), codings


# ---- HEAD. ----

def test_head_says_what_get_says(site):                                          # [RFC 9110 9.3.2]
    for accept in ACCEPTS * 2:
        got, head = site.get(accept), site.get(accept, method="HEAD")
        assert head.status == 200 and head.body == b""
        for name in ("Content-Type", "Content-Encoding", "ETag", "Last-Modified", "Accept-Ranges", "Cache-Control"):
            assert head.all(name) == got.all(name), (accept, name)
        assert varies(head) == varies(got)
        assert head.get("Content-Length") in (None, got.get("Content-Length"), str(len(got.body)))


# ---- Conditions. ----

def test_a_tag_that_was_given_is_found_again(site):                              # [RFC 9110 13.1.2, 15.4.5]
    for accept, got in each(site):
        for asked in (got.get("ETag"), f'"else", {got.get("ETag")}', "*"):
            again = site.get(accept, [f"If-None-Match: {asked}"])
            if asked == "*" and site.origin:
                continue                                                         # the origin's to judge
            assert (again.status, again.body) == (304, b""), (accept, asked)
            assert again.get("ETag") == got.get("ETag") and varies(again) == varies(got), (accept, asked)
            assert again.get("Date") and again.get("Cache-Control") == got.get("Cache-Control")
            assert again.get("Content-Encoding") is None or again.get("Content-Encoding") == got.get("Content-Encoding")


def test_another_tag_is_no_match_whatever_the_date(site):                        # [RFC 9110 13.1.3]
    for accept in ACCEPTS:
        got = site.get(accept, ['If-None-Match: "else"', f"If-Modified-Since: {DATE}"])
        assert got.status == 200 and plain(got) == TEXT


def test_a_date_that_was_given_is_found_again(site):                             # [RFC 9110 13.1.3]
    for accept, got in each(site):
        if site.origin and "proxy_cache" not in site.server.text:
            continue
        again = site.get(accept, [f"If-Modified-Since: {got.get('Last-Modified')}"])
        assert (again.status, again.body) == (304, b"") and varies(again) == varies(got), accept
        assert again.get("ETag") in (None, got.get("ETag")), accept


# ---- Ranges. ----

@pytest.mark.parametrize("asked,begin,end", [("0-9", 0, 10), ("5-", 5, None), ("-7", -7, None), ("0-0", 0, 1)])
def test_a_part_is_exactly_that_of_some_whole(site, asked, begin, end):          # [RFC 9110 14.2, 15.3.7]
    for accept in ACCEPTS:
        got = site.get(accept, [f"Range: bytes={asked}"])
        assert varies(got) == (1 if site.coded else 0)
        if got.status == 200:                                                    # nobody has to answer with a part
            assert plain(got) == TEXT and site.origin
            continue
        whole = next(g for g in map(site.get, ACCEPTS) if g.get("Content-Encoding") == got.get("Content-Encoding"))
        size = len(whole.body)
        assert got.status == 206 and got.body == whole.body[begin:end]
        assert got.get("Content-Range").endswith(f"/{size}") and got.get("Content-Length") == str(len(got.body))
        assert got.get("ETag") == whole.get("ETag") and got.get("Content-Type") == "text/plain"


def test_a_whole_with_ranges_goes_on_by_its_own_tag(site):                       # [RFC 9110 13.1.5]
    for accept in ACCEPTS:
        whole = site.get(accept)
        tag = whole.get("ETag")
        rest = site.get(accept, ["Range: bytes=10-", f"If-Range: {tag}"])
        if rest.status == 206:
            assert not tag.startswith("W/") and rest.get("Content-Encoding") == whole.get("Content-Encoding")
            assert whole.body[:10] + rest.body == whole.body, accept
        else:
            assert rest.status == 200 and plain(rest) == TEXT
            assert whole.get("Accept-Ranges") != "bytes", accept
        other = site.get(accept, ["Range: bytes=10-", 'If-Range: "else"'])
        assert other.status == 200 and plain(other) == TEXT


def test_a_part_beyond_the_end_says_how_long_the_whole_is(site):                 # [RFC 9110 15.5.17]
    for accept in ACCEPTS:
        got = site.get(accept, ["Range: bytes=9999999-"])
        if got.status == 416:
            sizes = {len(g.body) for g in map(site.get, ACCEPTS)}
            assert int(got.get("Content-Range").removeprefix("bytes */")) in sizes
        else:
            assert got.status == 200 and plain(got) == TEXT


def test_several_parts_are_exact(site):                                          # [RFC 9110 14.6]
    got = site.get("gzip", ["Range: bytes=0-4, 10-14"])
    if got.status == 206:
        kind, boundary = got.get("Content-Type").split("; boundary=")
        assert kind == "multipart/byteranges" and int(got.get("Content-Length")) == len(got.body)
        wholes = [g.body for g in map(site.get, ACCEPTS)]
        bodies = [p.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n") for p in got.body.split(b"--" + boundary.encode())[1:-1]]
        assert any(bodies == [w[0:5], w[10:15]] for w in wholes)
        assert varies(got) == (1 if site.coded else 0)
    else:
        assert got.status == 200 and plain(got) == TEXT
