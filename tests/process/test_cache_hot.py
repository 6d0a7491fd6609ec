"""What a worker holds ready because it answers with it again and again (cache/hot.c) is never older than what is stored."""

import json

import pytest

from weir.cached import FRESH, TAG, confirmed, front, numbered  # noqa: F401
from weir.recorder import answer
from weir.server import children, wait_for
from weir.wire import Connection

pytestmark = pytest.mark.weir_only
OFTEN = 8                               # finds of one response, well past what makes it hot


def in_all_workers(one, n=24):
    """Connections kept open: with so many, each of three workers has some."""
    wait_for("workers", lambda: len(children(one.server.process.pid)) >= 3)
    return [Connection(one.server.port) for _ in range(n)]


def ask(conn, path="/", method="GET"):
    conn.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return conn.response(method.encode())


def seen_by_all(clients, path="/"):
    return {ask(c, path).get("X-N") for c in clients}


def heated(one, path="/"):
    clients = in_all_workers(one)
    for _ in range(OFTEN):
        assert len(seen_by_all(clients, path)) == 1
    return clients


PARTS = {"main": "worker_processes 3;", "single": False}


@pytest.mark.parametrize("target", ["/", "/*"])
def test_a_purge_holds_for_what_is_hot(front, target):
    one = front(numbered(FRESH), more="cache_purge on;", **PARTS)
    clients = heated(one)
    for n in range(1, 12):
        for _ in range(OFTEN):
            assert seen_by_all(clients) == {str(n)}
        assert json.loads(ask(clients[n], target, "PURGE").body)["purged"] == 1


def test_an_unsafe_request_holds_for_what_is_hot(front):
    one = front(numbered(FRESH), **PARTS)
    clients = heated(one)
    ask(clients[0], method="DELETE")
    assert seen_by_all(clients) == {"3"}        # the second answer was the DELETE's


def test_a_soft_purge_holds_for_what_is_hot(front):
    one = front(numbered(FRESH), more="cache_purge soft;", **PARTS)
    clients = heated(one)
    ask(clients[0], method="PURGE")
    assert seen_by_all(clients) == {"2"}


def test_new_fields_hold_for_what_is_hot(front):
    """A 304 brings them; all workers send them from then on."""
    one = front(answer(b"a", fields=[FRESH, TAG, ("X-N", "1")]), confirmed(TAG, ("X-N", "2")), more="cache_purge soft;", **PARTS)
    clients = heated(one)
    ask(clients[0], method="PURGE")
    ask(clients[1])
    assert seen_by_all(clients) == {"2"} and one.asked == 2


def test_what_is_hot_becomes_stale(front):
    one = front(numbered(("Cache-Control", "max-age=2")), **PARTS)
    clients = in_all_workers(one)
    for _ in range(OFTEN):              # a slow machine may see the next one already
        seen_by_all(clients)
    wait_for("the next", lambda: "1" not in seen_by_all(clients))
    assert one.asked >= 2


def test_hot_uses_are_counted(front):
    one = front(numbered(FRESH), more="} location = /m { metrics prometheus;")
    for _ in range(50):
        one.get()
    hits = [line for line in one.get("/m").body.decode().splitlines() if line.startswith("weir_cache_") and "hit" in line.lower()]
    assert any(float(line.rsplit(" ", 1)[1]) == 49 for line in hits), hits


def test_more_responses_than_there_are_places(front):
    """Each finds its own, whatever place it shares."""
    one = front(lambda request: answer(request.target.encode(), fields=[FRESH]), more="keepalive_requests 10000;")
    with Connection(one.server.port) as conn:
        for _ in range(4):
            for i in range(400):
                assert ask(conn, f"/{i}").body == f"/{i}".encode()
    assert one.asked == 400
