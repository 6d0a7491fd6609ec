"""Parts of representations: kept, used, put together; and origins that lie about them. [RFC 9111 3.3, 3.4; RFC 9110 14]

An origin of a body of letters answers Range and If-Range as RFC 9110 says, unless a test has it do otherwise.
"""

import random
import re
import threading

import pytest

from weir.cached import FRESH, date, files, front, restart  # noqa: F401
from weir.recorder import answer, chunked
from weir.server import wait_for
from weir.wire import Connection

pytestmark = pytest.mark.weir_only

TAG = '"v1"'
RANGE = "proxy_cache_partial cut range;"
STALE = ("Cache-Control", "max-age=60"), ("Age", "3600")


def letters(n, seed=1):
    return random.Random(seed).randbytes(n)


BODY = letters(1000)


class Site:
    """An origin of one body, by the RFC; what a test sets is what it does otherwise."""

    def __init__(self, body=BODY, tag=TAG, fields=(FRESH,)):
        self.body, self.tag, self.fields = body, tag, list(fields)
        self.cut = None          # of the next reply's bytes so many are sent
        self.next = None         # a function of the request that answers the next one

    def __call__(self, request):
        if self.next is not None:
            said, self.next = self.next, None
            return said(request)
        return self.honest(request)

    def honest(self, request):
        common = [*self.fields, ("ETag", self.tag)]
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.get("Range", ""))
        if request.get("If-None-Match") == self.tag:
            return answer(b"", status="304 Not Modified", fields=common, length=None)
        if not asked or request.get("If-Range", self.tag) != self.tag:
            return self.send(request, answer(self.body, fields=common), len(self.body))
        n = len(self.body)
        first = int(asked[1]) if asked[1] else max(n - int(asked[2]), 0)
        last = min(int(asked[2]), n - 1) if asked[1] and asked[2] else n - 1
        return self.send(request, part(self.body, first, last, self.tag, self.fields), last - first + 1)

    def send(self, request, said, length):
        if self.cut is None:
            return said
        request.last = True
        n, self.cut = len(said) - length + self.cut, None
        return [said[:n]]


def part(body, first, last, tag=TAG, fields=(FRESH,), total=None, said=None, **rest):
    where = said or f"bytes {first}-{last}/{total or len(body)}"
    return answer(body[first:last + 1], status="206 Partial Content",
                  fields=[*fields, ("ETag", tag), ("Content-Range", where)], **rest)


def ask(one, text=None, *fields, **rest):
    return one.get(fields=[*([("Range", f"bytes={text}")] if text else []), *fields], **rest)


def cut_off(one, text=None, *fields):
    """A request whose answer is cut."""
    c = Connection(one.server.port)
    lines = "".join(f"{n}: {v}\r\n" for n, v in [*([("Range", f"bytes={text}")] if text else []), *fields])
    c.send(f"GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode())
    with pytest.raises(Exception):
        c.response(b"GET")
    c.close()


def is_part(reply, first, last, body=BODY):
    assert reply.status == 206 and reply.body == body[first:last + 1]
    assert reply.get("Content-Range") == f"bytes {first}-{last}/{len(body)}"
    return True


def is_whole(reply, body=BODY):
    assert reply.status == 200 and reply.body == body and reply.get("Content-Range") is None
    return True


def ranges(one):
    return [request.get("Range") for request in one.origin.requests]


# ---- A part is kept and used. [RFC 9111 3.3] ----

def test_a_part_that_a_client_asked_for_answers_ranges_inside_of_it(front):
    one = front(Site(), more=RANGE)
    assert is_part(ask(one, "100-199"), 100, 199)
    for text, first, last in [("100-199", 100, 199), ("150-160", 150, 160), ("199-199", 199, 199)]:
        hit = ask(one, text)
        assert is_part(hit, first, last) and hit.get("X-Cache") == "HIT" and hit.get("Age") is not None
    assert ranges(one) == ["bytes=100-199"]


def test_the_end_of_a_representation_answers_ranges_without_a_last_byte(front):
    one = front(Site(), more=RANGE)
    assert is_part(ask(one, "-50"), 950, 999)
    assert is_part(ask(one, "960-"), 960, 999) and is_part(ask(one, "-1"), 999, 999)
    assert is_part(ask(one, "990-5000"), 990, 999)
    assert one.asked == 1


def test_a_part_is_used_by_all_workers_and_after_a_restart(front):
    one = front(Site(), more=RANGE, main="worker_processes 2;", single=False)
    ask(one, "0-499")
    for _ in range(8):
        assert is_part(ask(one, "1-2"), 1, 2)
    assert one.asked == 1
    wait_for("the file", lambda: files(one))
    restart(one)
    wait_for("it to be found again", lambda: ask(one, "10-20").get("X-Cache") == "HIT")
    assert is_part(ask(one, "10-499"), 10, 499)


@pytest.mark.parametrize("size", [3_000_000])
def test_a_part_that_is_too_long_for_memory_is_kept_too(front, size):
    body = letters(size)
    one = front(Site(body), more=RANGE)
    assert is_part(ask(one, "100-2500000"), 100, 2500000, body)
    wait_for("the file", lambda: ask(one, "200-300").get("X-Cache") == "HIT")
    assert is_part(ask(one, "70000-2400000"), 70000, 2400000, body)
    assert is_whole(ask(one), body)
    assert is_part(ask(one, "0-2999999"), 0, 2999999, body)


def test_without_range_the_whole_is_fetched_for_a_part(front):
    one = front(Site())
    assert is_part(ask(one, "100-199"), 100, 199) and ranges(one) == [None]


def test_off_keeps_nothing(front):
    site = Site()
    one = front(site, more="proxy_cache_partial off;")
    site.cut = 500
    cut_off(one)
    assert is_part(ask(one, "0-9"), 0, 9) and ranges(one) == [None, None]


def test_if_range_counts_for_a_part(front):
    """[RFC 9110 13.1.5]"""
    one = front(Site(), more=RANGE)
    ask(one, "0-499")
    assert is_part(ask(one, "5-6", ("If-Range", TAG)), 5, 6) and one.asked == 1
    assert is_whole(ask(one, "5-6", ("If-Range", '"other"')))
    assert ranges(one)[1] == "bytes=500-"


def test_a_weak_if_range_never_counts(front):
    one = front(Site(), more=RANGE)
    ask(one, "0-499")
    assert is_whole(ask(one, "5-6", ("If-Range", "W/" + TAG)))


def test_conditions_are_answered_from_a_part(front):
    """[RFC 9111 4.3.2]"""
    one = front(Site(), more=RANGE)
    ask(one, "0-499")
    assert ask(one, "5-6", ("If-None-Match", TAG)).status == 304
    assert ask(one, "5-6", ("If-Match", '"other"')).status == 412
    assert one.asked == 1


def test_several_ranges_are_answered_from_the_whole(front):
    one = front(Site(), more=RANGE)
    ask(one, "0-499")
    assert ask(one, "0-1,4-5").status in (200, 206)
    assert ranges(one) == ["bytes=0-499", "bytes=500-"]
    assert is_whole(ask(one)) and one.asked == 2


def test_a_range_behind_the_end_is_the_origins_to_refuse(front):
    one = front(Site(), lambda request: answer(b"", status="416 Range Not Satisfiable", fields=[("Content-Range", "bytes */1000")]),
                more=RANGE)
    ask(one, "0-499")
    assert ask(one, "1000-").status == 416


def test_head_is_not_answered_by_a_part(front):
    """An incomplete response answers ranges alone. [RFC 9111 3.3]"""
    one = front(Site(), more=RANGE)
    ask(one, "0-499")
    head = ask(one, method="HEAD")
    assert head.status == 200 and head.get("Content-Length") == "1000"
    assert ranges(one) == ["bytes=0-499", "bytes=500-"]


def test_only_if_cached_gets_no_more_than_there_is(front):
    one = front(Site(), more=RANGE + "cache_obey_request on;")
    ask(one, "0-499")
    only = ("Cache-Control", "only-if-cached")
    assert is_part(ask(one, "0-9", only), 0, 9)
    assert ask(one, "0-500", only).status == 504 and ask(one, None, only).status == 504
    assert one.asked == 1


def test_variants_have_parts_of_their_own(front):
    def by_name(request):
        name = request.get("X-A")
        body = name.encode() * 100
        return part(body, 0, 49, f'"{name}"', [FRESH, ("Vary", "X-A")])
    one = front(by_name, more=RANGE)
    for _ in range(2):
        for name in "ab":
            assert ask(one, "0-49", ("X-A", name)).body == name.encode() * 50
    assert one.asked == 2


def test_a_purge_takes_a_part(front):
    one = front(Site(), more=RANGE + "cache_purge on;")
    ask(one, "0-499")
    assert one.get(method="PURGE").status == 200
    ask(one, "0-9")
    assert one.asked == 2


# ---- Responses that break off. [RFC 9111 3.3] ----

def test_what_came_of_a_response_that_broke_off_is_kept(front):
    site = Site()
    one = front(site)
    site.cut = 600
    cut_off(one)
    assert is_part(ask(one, "0-599"), 0, 599) and one.asked == 1
    assert is_whole(ask(one))
    assert ranges(one) == [None, "bytes=600-"] and one.origin.requests[1].get("If-Range") == TAG
    assert is_whole(ask(one)) and one.asked == 2


def test_a_long_response_that_broke_off_is_kept_on_disk(front):
    body = letters(5_000_000)
    site = Site(body)
    one = front(site)
    site.cut = 4_000_001
    cut_off(one)
    wait_for("what came", lambda: ask(one, "0-9").get("X-Cache") == "HIT")
    asked = one.asked
    assert is_part(ask(one, "3999000-4000000"), 3999000, 4000000, body)
    assert is_whole(ask(one), body)
    assert one.asked == asked + 1 and ranges(one)[-1] == "bytes=4000001-"
    wait_for("the whole", lambda: ask(one).get("X-Cache") == "HIT")


def test_a_cut_is_passed_on_to_all_who_read(front):
    site, started, go_on = Site(), threading.Event(), threading.Event()

    def half(request):
        request.last = True

        def pieces():
            said = answer(BODY, fields=[FRESH, ("ETag", TAG)])
            yield said[:-500]
            started.set()
            go_on.wait(10)
        return pieces()
    site.next = half
    one = front(site)
    clients = [Connection(one.server.port) for _ in range(4)]
    for c in clients:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert started.wait(10)
    for c in clients:
        c.until(BODY[400:499])
    go_on.set()
    for c in clients:
        with pytest.raises(Exception):
            c.exactly(600)
    assert is_whole(ask(one)) and ranges(one) == [None, "bytes=500-"]


@pytest.mark.parametrize("fields", [[], [("ETag", 'W/"v1"')], [("Last-Modified", date(-86400))]])
def test_what_has_no_strong_tag_is_not_kept_in_parts(front, fields):
    """[RFC 9111 3.4]"""
    def cut(request):
        request.last = True
        return answer(BODY, fields=[FRESH, *fields])[:-500]
    one = front(cut, answer(BODY, fields=[FRESH]))
    cut_off(one)
    assert is_whole(ask(one)) and ranges(one) == [None, None]


def test_what_has_no_length_is_not_kept_in_parts(front):
    def cut(request):
        request.last = True
        return chunked(BODY, fields=[FRESH, ("ETag", TAG)])[:-5]
    one = front(cut, Site())
    cut_off(one)
    assert is_whole(ask(one)) and ranges(one) == [None, None]


def test_a_cut_response_does_not_take_the_place_of_a_whole_one(front):
    site = Site(fields=STALE)
    one = front(site, more="proxy_cache_use_stale error;")
    is_whole(ask(one))
    site.tag, site.cut = '"v2"', 500
    cut_off(one)
    site.next = lambda request: None
    last = ask(one)
    assert is_whole(last) and last.get("ETag") == TAG and last.get("X-Cache") == "STALE"


# ---- Put together. [RFC 9111 3.4; RFC 9110 15.3.7.3] ----

def test_the_rest_of_a_part_is_asked_for_and_the_whole_is_stored(front):
    one = front(Site(), more=RANGE)
    ask(one, "0-399")
    got = ask(one)
    assert is_whole(got) and "fwd=partial" in got.get("Cache-Status")
    again = one.origin.requests[1]
    assert again.get("Range") == "bytes=400-" and again.get("If-Range") == TAG
    assert is_whole(ask(one)) and is_part(ask(one, "300-500"), 300, 500) and one.asked == 2


def test_what_is_missing_in_front_is_asked_for(front):
    one = front(Site(), more=RANGE)
    ask(one, "400-999")
    assert is_whole(ask(one)) and ranges(one) == ["bytes=400-999", "bytes=0-399"]
    assert is_whole(ask(one)) and one.asked == 2


def test_ranges_that_overlap_grow_the_part(front):
    one = front(Site(), more=RANGE)
    ask(one, "400-499")
    assert is_part(ask(one, "450-599"), 450, 599) and ranges(one)[-1] == "bytes=500-599"
    assert is_part(ask(one, "600-699"), 600, 699) and ranges(one)[-1] == "bytes=600-699"
    assert is_part(ask(one, "300-420"), 300, 420) and ranges(one)[-1] == "bytes=300-399"
    assert is_part(ask(one, "300-699"), 300, 699) and one.asked == 4


def test_a_range_elsewhere_takes_the_parts_place(front):
    one = front(Site(), more=RANGE)
    ask(one, "0-99")
    assert is_part(ask(one, "500-599"), 500, 599) and ranges(one)[-1] == "bytes=500-599"
    assert is_part(ask(one, "510-520"), 510, 520) and one.asked == 2
    assert is_part(ask(one, "0-9"), 0, 9) and one.asked == 3


def test_what_lacks_bytes_at_both_ends_is_asked_for_whole(front):
    one = front(Site(), more=RANGE)
    ask(one, "400-499")
    assert is_whole(ask(one)) and ranges(one) == ["bytes=400-499", None]


def test_stored_bytes_come_first_while_the_rest_is_on_its_way(front):
    site, asked, go_on = Site(), threading.Event(), threading.Event()
    one = front(site, more=RANGE)
    ask(one, "0-399")

    def slow(request):
        def pieces():
            said = site.honest(request)
            yield said[:-600]
            asked.set()
            go_on.wait(10)
            yield said[-600:]
        return pieces()
    site.next = slow
    c = Connection(one.server.port)
    c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert asked.wait(10)
    c.until(BODY[:400])
    go_on.set()
    assert c.exactly(600) == BODY[400:]


def test_many_clients_wait_for_one_join(front):
    site, asked, go_on = Site(), threading.Event(), threading.Event()
    one = front(site, more=RANGE, main="worker_processes 2;", single=False)
    ask(one, "0-399")

    def slow(request):
        def pieces():
            asked.set()
            go_on.wait(10)
            yield site.honest(request)
        return pieces()
    site.next = slow
    clients = [Connection(one.server.port) for _ in range(20)]
    for i, c in enumerate(clients):
        some = b"Range: bytes=350-450\r\n" if i % 2 and i > 1 else b""
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + some + b"\r\n")
        if i == 0:
            assert asked.wait(10)
    go_on.set()
    for i, c in enumerate(clients):
        got = c.response(b"GET")
        assert is_part(got, 350, 450) if i % 2 and i > 1 else is_whole(got)


def test_newer_fields_take_the_place_of_stored_ones(front):
    """[RFC 9111 3.4]"""
    site = Site(fields=[FRESH, ("X-A", "1"), ("X-B", "1")])
    one = front(site, more=RANGE)
    ask(one, "0-399")
    site.fields = [FRESH, ("X-A", "2"), ("X-C", "2")]
    for _ in range(2):
        got = ask(one)
        assert is_whole(got) and [got.get(n) for n in ("X-A", "X-B", "X-C")] == ["2", "1", "2"]


def test_a_stale_part_is_asked_about_and_used(front):
    """[RFC 9111 4.3.1]"""
    site = Site(fields=STALE)
    one = front(site, more=RANGE)
    ask(one, "0-399")
    site.fields = [FRESH]
    got = ask(one, "10-19")
    assert is_part(got, 10, 19) and got.get("X-Cache") == "REVALIDATED"
    assert one.origin.requests[1].get("If-None-Match") == TAG
    assert is_part(ask(one, "0-9"), 0, 9) and one.asked == 2


def test_a_stale_part_that_has_changed_is_replaced(front):
    site, new = Site(fields=STALE), letters(800, 2)
    one = front(site, more=RANGE)
    ask(one, "0-399")
    site.body, site.tag, site.fields = new, '"v2"', [FRESH]
    assert is_part(ask(one, "10-19"), 10, 19, new)
    assert is_part(ask(one, "12-14"), 12, 14, new) and one.asked == 2


def test_a_client_whose_if_range_has_become_wrong_gets_the_whole(front):
    site, new = Site(fields=STALE), letters(800, 2)
    one = front(site, more=RANGE)
    ask(one, "0-399")
    site.body, site.tag, site.fields = new, '"v2"', [FRESH]
    assert is_whole(ask(one, "10-19", ("If-Range", TAG)), new)
    assert is_whole(ask(one), new) and one.asked == 2


def test_a_stale_part_is_completed_when_it_has_not_changed(front):
    site = Site(fields=STALE)
    one = front(site, more=RANGE)
    ask(one, "0-399")
    site.fields = [FRESH]
    assert is_whole(ask(one)) and is_whole(ask(one)) and ranges(one) == ["bytes=0-399", "bytes=400-"]


def test_a_stale_part_is_used_when_the_origin_fails(front):
    site = Site(fields=STALE)
    one = front(site, more=RANGE + "proxy_cache_use_stale error http_500;")
    ask(one, "0-399")
    site.next = lambda request: answer(b"no", status="500 No")
    assert is_part(ask(one, "0-9"), 0, 9)
    site.next = lambda request: answer(b"no", status="500 No")
    assert ask(one).status == 500


def test_a_join_that_breaks_off_keeps_what_it_has(front):
    site = Site()
    one = front(site, more=RANGE)
    ask(one, "0-399")
    site.cut = 200
    cut_off(one)
    assert is_part(ask(one, "0-599"), 0, 599) and one.asked == 2
    assert is_whole(ask(one)) and ranges(one)[-1] == "bytes=600-"


def test_a_join_in_front_that_breaks_off_leaves_the_part(front):
    site = Site()
    one = front(site, more=RANGE)
    ask(one, "400-999")
    site.cut = 200
    cut_off(one)
    assert is_part(ask(one, "400-999"), 400, 999) and one.asked == 2


def test_a_client_that_goes_does_not_end_a_join(front):
    site, go_on = Site(), threading.Event()
    one = front(site, more=RANGE)
    ask(one, "0-399")

    def slow(request):
        def pieces():
            said = site.honest(request)
            yield said[:-600]
            go_on.wait(10)
            yield said[-600:]
        return pieces()
    site.next = slow
    c = Connection(one.server.port)
    c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    c.until(BODY[:400])
    c.close()
    go_on.set()
    wait_for("the whole", lambda: ask(one).get("X-Cache") == "HIT")
    assert is_whole(ask(one)) and one.asked == 2


# ---- Origins that are damaged, or lie. ----

def changed(site):
    site.body, site.tag = letters(1000, 2), '"v2"'


LIES = {
    "another tag": lambda r: part(letters(1000, 2), 400, 999, '"v2"'),
    "a weak tag": lambda r: part(BODY, 400, 999, "W/" + TAG),
    "no tag": lambda r: answer(BODY[400:], status="206 P", fields=[FRESH, ("Content-Range", "bytes 400-999/1000")]),
    "two tags": lambda r: part(BODY, 400, 999, fields=[FRESH, ("ETag", '"v2"')]),
    "another length": lambda r: part(BODY, 400, 999, total=1001),
    "an unknown length": lambda r: part(BODY, 400, 999, said="bytes 400-999/*"),
    "another first byte": lambda r: part(BODY, 401, 999),
    "an earlier first byte": lambda r: part(BODY, 399, 999),
    "another last byte": lambda r: part(BODY, 400, 998),
    "no Content-Range": lambda r: answer(BODY[400:], status="206 P", fields=[FRESH, ("ETag", TAG)]),
    "two Content-Ranges": lambda r: part(BODY, 400, 999, fields=[FRESH, ("Content-Range", "bytes 0-599/1000")]),
    "another unit": lambda r: part(BODY, 400, 999, said="lines 400-999/1000"),
    "numbers past 64 bits": lambda r: part(BODY, 400, 999, said="bytes 400-18446744073709551999/18446744073709552000"),
    "a negative number": lambda r: part(BODY, 400, 999, said="bytes -400-999/1000"),
    "a length that is not the range's": lambda r: part(BODY, 400, 998, said="bytes 400-999/1000"),
    "several parts": lambda r: answer(b"--x\r\n\r\n--x--", status="206 P",
                                      fields=[FRESH, ("ETag", TAG), ("Content-Type", "multipart/byteranges; boundary=x")]),
    "416": lambda r: answer(b"", status="416 No", fields=[("Content-Range", "bytes */1000")]),
    "304": lambda r: answer(b"", status="304 Not Modified", fields=[FRESH], length=None),
    "no-store": lambda r: part(BODY, 400, 999, fields=[("Cache-Control", "no-store")]),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_does_not_fit_is_not_joined_and_the_whole_is_asked_for(front, lie):
    site = Site()
    one = front(site, more=RANGE)
    ask(one, "0-399")
    site.next = LIES[lie]
    changed(site)
    assert is_whole(ask(one), site.body)
    assert ranges(one) == ["bytes=0-399", "bytes=400-", None]
    assert is_whole(ask(one), site.body) and one.asked == 3


def test_a_200_in_place_of_a_206_takes_the_parts_place(front):
    site = Site()
    one = front(site, more=RANGE)
    ask(one, "0-399")
    changed(site)
    assert is_whole(ask(one), site.body) and one.asked == 2
    assert is_whole(ask(one), site.body) and one.asked == 2


def test_a_200_that_is_not_to_be_stored_takes_nothings_place(front):
    site = Site()
    one = front(site, more=RANGE)
    ask(one, "0-399")
    site.next = lambda r: part(BODY, 400, 999, '"v2"')
    changed(site)
    site.fields = [("Cache-Control", "no-store")]
    assert is_whole(ask(one), site.body)
    assert is_part(ask(one, "0-9"), 0, 9, site.body) and one.asked == 4


@pytest.mark.parametrize("sent", [BODY[400:] + b"more", BODY[400:999], BODY[400:] * 3, b""])
def test_more_or_fewer_bytes_than_said_are_cut(front, sent):
    """In chunks, so that no length gives it away before."""
    site = Site()
    one = front(site, more=RANGE)
    ask(one, "0-399")
    site.next = lambda r: chunked(*([sent] if sent else []), status="206 P",
                                  fields=[FRESH, ("ETag", TAG), ("Content-Range", "bytes 400-999/1000")])
    cut_off(one)
    assert is_part(ask(one, "0-399"), 0, 399) and one.asked == 2
    assert is_whole(ask(one)) and ranges(one)[-1] == "bytes=400-"


@pytest.mark.parametrize("sent", [BODY[:400] + b"more" * 200, BODY[:399], b""])
def test_more_or_fewer_bytes_than_said_in_front_are_cut(front, sent):
    site = Site()
    one = front(site, more=RANGE)
    ask(one, "400-999")
    site.next = lambda r: chunked(*([sent] if sent else []), status="206 P",
                                  fields=[FRESH, ("ETag", TAG), ("Content-Range", "bytes 0-399/1000")])
    cut_off(one)
    assert is_part(ask(one, "400-999"), 400, 999) and one.asked == 2


@pytest.mark.parametrize("sent", [BODY[:400] + b"more", BODY[:399]])
def test_a_part_of_more_or_fewer_bytes_than_said_is_not_stored(front, sent):
    site = Site()
    one = front(site, more=RANGE)
    site.next = lambda r: chunked(sent, status="206 P", fields=[FRESH, ("ETag", TAG), ("Content-Range", "bytes 0-399/1000")])
    cut_off(one, "0-399")
    assert is_part(ask(one, "0-9"), 0, 9) and one.asked == 2


PASSED = {
    "a weak tag": part(BODY, 0, 99, "W/" + TAG),
    "an unknown length": part(BODY, 0, 99, said="bytes 0-99/*"),
    "a length that is not the range's": part(BODY, 0, 99, said="bytes 0-100/1000"),
    "a last byte behind the end": part(BODY, 0, 99, said="bytes 0-99/99"),
    "a complete length past all bounds": part(BODY, 0, 99, said="bytes 0-99/9223372036854775807"),
    "no-store": part(BODY, 0, 99, fields=[("Cache-Control", "no-store")]),
}


@pytest.mark.parametrize("why", PASSED)
def test_a_part_that_cannot_be_kept_is_passed_on_as_it_is(front, why):
    one = front(PASSED[why], more=RANGE)
    for n in (1, 2):
        got = ask(one, "0-99")
        assert got.status == 206 and got.body == BODY[:100] and one.asked == n


def test_other_bytes_than_were_asked_for_are_passed_on_as_what_they_say(front):
    site = Site()
    one = front(site, more=RANGE)
    site.next = lambda r: part(BODY, 50, 149)
    assert is_part(ask(one, "0-99"), 50, 149)
    assert is_part(ask(one, "60-70"), 60, 70) and one.asked == 1
    assert is_part(ask(one, "0-99"), 0, 99) and ranges(one)[-1] == "bytes=0-49"


SMALL = "proxy_cache_path %PREFIX%/d keys_zone=d:4m memory=4m max_size=1m;"


def test_a_join_that_finds_no_room_is_answered_by_the_whole(front):
    body = letters(3_000_000)
    one = front(Site(body), more=RANGE, http=SMALL, zone="d")
    assert is_part(ask(one, "0-399999"), 0, 399999, body)
    assert is_whole(ask(one), body)
    assert ranges(one) == ["bytes=0-399999", "bytes=400000-", None]
    assert is_part(ask(one, "5-9"), 5, 9, body)


def test_a_join_without_room_passes_a_reason_of_its_own(front):
    """Nothing of the reply that was given up stays."""
    body = letters(3_000_000)
    site = Site(body)
    one = front(site, more=RANGE, http=SMALL, zone="d")
    ask(one, "0-399999")
    site.next = lambda request: part(body, 400000, 2999999, fields=[FRESH, ("X-Given-Up", "1")])
    got = ask(one)
    assert is_whole(got, body) and got.get("X-Given-Up") is None and got.get("ETag") == TAG


def test_slice_is_as_it_was(front):
    """Its parts have keys of their own."""
    site = Site()
    one = front(site, more=RANGE + """slice 250; proxy_cache_key $uri$slice_range;
                                       proxy_set_header Range $slice_range; proxy_cache_valid 200 206 1h;""")
    for _ in range(2):
        assert is_whole(ask(one)) and is_part(ask(one, "240-260"), 240, 260)
    assert ranges(one) == ["bytes=0-249", "bytes=250-499", "bytes=500-749", "bytes=750-999"]


def test_max_range_offset_comes_first(front):
    one = front(Site(), more=RANGE + "proxy_cache_max_range_offset 500;")
    for _ in range(2):
        assert is_part(ask(one, "600-699"), 600, 699)
    assert one.asked == 2
