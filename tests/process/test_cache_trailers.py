"""Trailers of stored responses.  [RFC 9110 6.5]"""

import threading

import pytest

from weir.cached import FRESH, files, front, restart  # noqa: F401
from weir.recorder import answer, chunked
from weir.server import wait_for
from weir.wire import Connection

pytestmark = pytest.mark.weir_only

PASS = "proxy_pass_trailers on;"
TE = [("Connection", "TE"), ("TE", "trailers")]
TRAILERS = [("X-Sum", "1234"), ("X-Last", "a b")]
WITH = chunked(b"hello ", b"world", fields=[FRESH], trailers=TRAILERS)


def get(one, fields=TE):
    c = Connection(one.server.port)
    lines = "".join(f"{n}: {v}\r\n" for n, v in fields)
    c.send(f"GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode())
    return c.response(b"GET")


def test_trailers_are_stored_and_given_to_who_takes_them(front):
    one = front(WITH, more=PASS)
    for n in range(3):
        got = get(one)
        assert got.body == b"hello world" and got.trailers == TRAILERS
        assert got.get("X-Cache") == ("HIT" if n else "MISS")
    assert one.asked == 1


def test_who_does_not_take_trailers_gets_a_length(front):
    """[RFC 9110 6.5.1]"""
    one = front(WITH, more=PASS)
    get(one)
    for fields in ([], [("Connection", "TE"), ("TE", "gzip")]):
        got = get(one, fields)
        assert got.body == b"hello world" and got.get("Content-Length") == "11" and not got.trailers


def test_the_origin_is_asked_for_trailers_whoever_asks_first(front):
    """What is stored is for others, too."""
    one = front(WITH, more=PASS)
    assert not get(one, []).trailers
    assert one.origin.requests[0].get("TE") == "trailers"
    assert get(one).trailers == TRAILERS and one.asked == 1


def test_no_trailers_are_kept_where_none_are_passed_on(front):
    one = front(WITH)
    for _ in range(2):
        assert not get(one).trailers
    assert one.origin.requests[0].get("TE") is None and one.asked == 1


def test_who_reads_while_it_comes_gets_them_too(front):
    go_on, came = threading.Event(), threading.Event()

    def slow(request):
        def pieces():
            yield WITH[:-60]
            came.set()
            go_on.wait(10)
            yield WITH[-60:]
        return pieces()
    one = front(slow, more=PASS, main="worker_processes 2;", single=False)
    clients = [Connection(one.server.port) for _ in range(6)]
    clients[0].send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: trailers\r\n\r\n")
    assert came.wait(10)
    for c in clients[1:]:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: trailers\r\n\r\n")
    go_on.set()
    for c in clients:
        got = c.response(b"GET")
        assert got.body == b"hello world" and got.trailers == TRAILERS
    assert get(one).trailers == TRAILERS and one.asked == 1


def test_they_survive_a_restart_and_come_with_long_bodies(front):
    body = bytes(range(256)) * 8000
    one = front(chunked(body, fields=[FRESH], trailers=TRAILERS), more=PASS)
    get(one)
    wait_for("the file", lambda: files(one))
    restart(one)
    wait_for("it to be found again", lambda: get(one).get("X-Cache") == "HIT")
    got = get(one)
    assert got.body == body and got.trailers == TRAILERS


def test_they_stay_when_the_head_is_brought_up_to_date(front):
    stale = [("Cache-Control", "max-age=60"), ("Age", "3600"), ("ETag", '"a"')]
    one = front(chunked(b"hello", fields=stale, trailers=TRAILERS),
                answer(b"", status="304 Not Modified", fields=[FRESH, ("ETag", '"a"')], length=None), more=PASS)
    get(one)
    for outcome in ("REVALIDATED", "HIT"):
        got = get(one)
        assert got.get("X-Cache") == outcome and got.trailers == TRAILERS


@pytest.mark.parametrize("trailers", [[("X-Long", "x" * 2100)], [(f"X-{i}", "y" * 100) for i in range(30)]])
def test_too_many_are_not_kept_and_the_response_is(front, trailers):
    one = front(chunked(b"hello", fields=[FRESH], trailers=trailers), more=PASS)
    for _ in range(2):
        got = get(one)
        assert got.body == b"hello" and not got.trailers
    assert one.asked == 1


def test_fields_that_say_where_a_body_ends_are_none(front):
    """[RFC 9110 6.5.1]"""
    one = front(chunked(b"hello", fields=[FRESH], trailers=[("Content-Length", "3"), ("Transfer-Encoding", "gzip"), ("X-A", "1")]),
                more=PASS)
    for _ in range(2):
        got = get(one)
        assert got.body == b"hello" and got.get("Content-Length") in (None, "5")
        assert all(n == "X-A" for n, _ in got.trailers)


def test_a_range_comes_without_them(front):
    """They are of the whole."""
    one = front(WITH, more=PASS)
    get(one)
    got = get(one, [*TE, ("Range", "bytes=0-4")])
    assert got.status == 206 and got.body == b"hello" and not got.trailers
