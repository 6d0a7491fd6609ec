"""slice: a response fetched in parts that a cache keeps.  [nginx ngx_http_slice_module]"""

import re

import pytest

from weir.cached import front  # noqa: F401
from weir.recorder import answer

pytestmark = pytest.mark.weir_only

BODY = bytes(i * 11 % 256 for i in range(1000))
MORE = """slice 100; proxy_set_header Range $slice_range; proxy_cache_key $uri$slice_range; proxy_cache_valid 200 206 1h;"""


def ranged(body=BODY, etag='"a"'):
    def reply(request):
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", request.get("Range") or "")
        fields = [("ETag", etag() if callable(etag) else etag), ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")]
        if not match:
            return answer(body, fields=fields)
        first, last = int(match[1]), min(int(match[2]), len(body) - 1)
        if first >= len(body):
            return answer(b"", status="416 No", fields=[("Content-Range", f"bytes */{len(body)}")])
        return answer(body[first:last + 1], status="206 Part",
                      fields=[*fields, ("Content-Range", f"bytes {first}-{last}/{len(body)}")])
    return reply


def test_the_whole_comes_in_parts_and_from_the_cache(front):
    one = front(ranged(), more=MORE)
    for _ in range(2):
        got = one.get()
        assert got.status == 200 and got.body == BODY and got.get("Content-Length") == "1000"
        assert got.get("Content-Range") is None and got.get("Accept-Ranges") == "bytes"
    assert [r.get("Range") for r in one.origin.requests] == [f"bytes={i}-{i + 99}" for i in range(0, 1000, 100)]


def test_the_request_has_what_the_cache_did_for_its_first_part(front):
    one = front(ranged(), more=MORE)
    assert [one.get().get("X-Cache") for _ in range(2)] == ["MISS", "HIT"]
    assert one.get(fields=[("Range", "bytes=150-160")]).get("X-Cache") == "HIT"


@pytest.mark.parametrize("size", [1, 99, 100, 101, 250])
def test_sizes_that_do_not_fit_the_parts(front, size):
    assert front(ranged(BODY[:size]), more=MORE).get().body == BODY[:size]


@pytest.mark.parametrize("text,first,last,parts", [
    ("bytes=0-9", 0, 9, ["0"]), ("bytes=150-160", 150, 160, ["100"]), ("bytes=190-310", 190, 310, ["100", "200", "300"]),
    ("bytes=950-", 950, 999, ["900"]), ("bytes=950-5000", 950, 999, ["900"]), ("bytes=100-199", 100, 199, ["100"])])
def test_a_range_fetches_the_parts_it_lies_in(front, text, first, last, parts):
    one = front(ranged(), more=MORE)
    got = one.get(fields=[("Range", text)])
    assert got.status == 206 and got.body == BODY[first:last + 1]
    assert got.get("Content-Range") == f"bytes {first}-{last}/1000"
    assert [re.match(r"bytes=(\d+)", r.get("Range"))[1] for r in one.origin.requests] == parts


def test_a_suffix_range(front):
    got = front(ranged(), more=MORE).get(fields=[("Range", "bytes=-50")])
    assert got.status == 206 and got.body == BODY[-50:]


def test_preconditions_are_answered(front):
    one = front(ranged(), more=MORE)
    assert one.get(fields=[("If-None-Match", '"a"')]).status == 304
    assert one.get(fields=[("If-None-Match", '"b"')]).status == 200
    assert one.get(fields=[("Range", "bytes=5-6"), ("If-Range", '"a"')]).body == BODY[5:7]
    assert one.get(fields=[("Range", "bytes=500-600"), ("If-Range", '"b"')]).body == BODY


def test_what_does_not_come_in_parts_is_passed(front):
    one = front(answer(b"whole"), more=MORE)
    assert one.get().body == b"whole"
    assert one.origin.requests[1].get("Range") is None


def test_another_version_cuts_the_answer(front):
    tags = iter(['"a"', '"a"', '"b"'] + ['"b"'] * 20)
    one = front(ranged(etag=lambda: next(tags)), more=MORE)
    with pytest.raises(Exception):
        one.get()


def test_another_version_is_known_by_its_date_where_there_are_no_tags(front):
    """[RFC 9110 15.3.7.3]"""
    days = iter(["06", "06", *["07"] * 20])

    def reply(request):
        first = int(re.match(r"bytes=(\d+)", request.get("Range"))[1])
        return answer(BODY[first:first + 100], status="206 Part", fields=[("Content-Range", f"bytes {first}-{first + 99}/1000"),
                                                                         ("Last-Modified", f"Sun, {next(days)} Nov 1994 08:49:37 GMT")])
    with pytest.raises(Exception):
        front(reply, more=MORE).get()


def test_a_head_costs_one_part(front):
    one = front(ranged(), more=MORE)
    got = one.get(method="HEAD", fields=[("Range", "bytes=500-600")])
    assert got.status == 200 and got.get("Content-Length") == "1000" and got.get("Content-Range") is None
    assert [r.get("Range") for r in one.origin.requests] == ["bytes=0-99"]


def test_a_range_behind_the_end_does_not_fetch_the_whole(front):
    one = front(ranged(), more=MORE)
    got = one.get(fields=[("Range", "bytes=5000-")])
    assert got.status == 416 and got.get("Content-Range") == "bytes */1000"
    assert [r.get("Range") for r in one.origin.requests] == ["bytes=5000-5099", "bytes=0-99"]


def test_a_range_behind_the_end_of_another_version_is_none(front):
    got = front(ranged(), more=MORE).get(fields=[("Range", "bytes=5000-"), ("If-Range", '"b"')])
    assert got.status == 200 and got.body == BODY
