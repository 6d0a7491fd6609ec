"""What the cache learns from a HEAD that it passes on.  [RFC 9111 4.3.5]"""

import pytest

from weir.cached import FRESH, TAG, date, front  # noqa: F401
from weir.recorder import answer

pytestmark = pytest.mark.weir_only

HEADED = "proxy_cache_convert_head off;"
OLD = date(-86400 * 30)


def headed(front, stored, head, more=HEADED):
    """A stale GET of ten bytes, then a HEAD with these fields, then a GET again."""
    def of(fields):
        return lambda request: answer(b"", fields=fields, length=None) if request.method == "HEAD" \
            else answer(b"0123456789", fields=fields)
    one = front(of([*STALE_NOW, *stored]), of(head), of([FRESH, ("X-A", "3")]), more=more)
    one.get()
    got = one.get(method="HEAD")
    assert got.status == 200 and not got.body and one.origin.requests[1].method == "HEAD"
    return one


STALE_NOW = [("Cache-Control", "max-age=60, stale-if-error=9"), ("Age", "3600"), ("X-A", "1"), ("X-B", "1")]
AGREE = {
    "nothing is said": ([], []),
    "an equal tag": ([TAG], [TAG]),
    "an equal date": ([("Last-Modified", OLD)], [("Last-Modified", OLD)]),
    "both": ([TAG, ("Last-Modified", OLD)], [TAG, ("Last-Modified", OLD)]),
    "an equal length": ([], [("Content-Length", "10")]),
}
DISAGREE = {
    "another tag": ([TAG], [("ETag", '"other"')]),
    "a tag where there was none": ([], [TAG]),
    "another date": ([("Last-Modified", OLD)], [("Last-Modified", date(-86400))]),
    "an equal tag and another date": ([TAG, ("Last-Modified", OLD)],
                                      [TAG, ("Last-Modified", date(-86400))]),
    "another length": ([TAG], [TAG, ("Content-Length", "11")]),
}


@pytest.mark.parametrize("case", AGREE)
def test_a_head_that_agrees_brings_a_stored_get_up_to_date(front, case):
    """[RFC 9111 4.3.5]"""
    stored, head = AGREE[case]
    one = headed(front, stored, [FRESH, ("X-A", "2"), ("X-C", "2"), *head])
    got = one.get()
    assert got.get("X-Cache") == "HIT" and got.body == b"0123456789" and one.asked == 2
    assert [got.get(n) for n in ("X-A", "X-B", "X-C")] == ["2", "1", "2"]
    assert got.get("ETag") == dict(stored).get("ETag") and got.get("Content-Length") == "10"


@pytest.mark.parametrize("case", DISAGREE)
def test_a_head_that_does_not_agree_makes_a_stored_get_stale(front, case):
    """[RFC 9111 4.3.5]"""
    stored, head = DISAGREE[case]
    one = headed(front, stored, [FRESH, ("X-A", "2"), *head])
    got = one.get()
    assert got.get("X-A") == "3" and one.asked == 3


def test_a_head_that_forbids_storing_takes_a_stored_get_out(front):
    one = headed(front, [TAG], [("Cache-Control", "no-store"), TAG])
    assert one.get().get("X-A") == "3" and one.origin.requests[2].get("If-None-Match") is None


@pytest.mark.parametrize("status", ["404 Not Found", "500 No"])
def test_a_head_that_fails_changes_nothing(front, status):
    def reply(request):
        return answer(b"", status=status, fields=[FRESH, ("ETag", '"other"')]) if request.method == "HEAD" else \
            answer(b"x", fields=[*STALE_NOW, TAG])
    one = front(reply, more=HEADED)
    one.get()
    one.get(method="HEAD")
    one.get()
    assert one.origin.requests[2].get("If-None-Match") == TAG[1]


def test_what_a_head_says_to_us_alone_is_not_stored(front):
    """Fields that are not passed on, and a cookie that is one client's."""
    one = headed(front, [TAG], [("Cache-Control", "public, max-age=60"), TAG, ("Set-Cookie", "a=b"),
                                          ("X-Hidden", "1")], more=HEADED + "proxy_hide_header X-Hidden;")
    got = one.get()
    assert got.get("X-Cache") == "HIT" and got.get("Set-Cookie") is None and got.get("X-Hidden") is None
