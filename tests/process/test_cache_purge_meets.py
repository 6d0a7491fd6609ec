"""A purge that meets a fetch: what the origin said before it is not used after it. Only events decide what comes first.

[RFC 9111 4.4; the module's promise about cache_purge]"""

import threading

import pytest

from weir.cached import FRESH, STALE, TAG, Front, Held, all_at_once, confirmed, front, fronts, numbered  # noqa: F401
from weir.recorder import answer

pytestmark = pytest.mark.weir_only

MORE = "cache_purge on;"
BY = {"the key": ("/", ()), "a tag": ("/none", [("Cache-Tag", "t")]), "a prefix": ("/*", ())}
SOFT = {"hard": (), "soft": [("Soft-Purge", "1")]}


class Slow(Front):
    path = "proxy_cache_path %PREFIX%/cache keys_zone=c:4m memory=8m purger=on purger_files=1 purger_sleep=1h;"


class Waits:
    """A reply that comes when it may."""

    def __init__(self, reply):
        self.reply, self.asked, self.may = reply, threading.Event(), threading.Event()

    def __call__(self, request):
        self.asked.set()
        assert self.may.wait(30)
        return self.reply(request) if callable(self.reply) else self.reply


@pytest.fixture
def slow(make_server):
    yield from fronts(make_server, Slow)


def purge(one, by, how):
    path, fields = BY[by]
    assert one.get(path, method="PURGE", fields=[*fields, *SOFT[how]]).status == 200


@pytest.mark.parametrize("how", SOFT)
@pytest.mark.parametrize("by", BY)
def test_a_fetch_that_has_no_head_yet(front, by, how):
    old = Waits(answer(b"old", fields=[FRESH, ("Cache-Tag", "t")]))
    one = front(old, answer(b"new", fields=[FRESH]), more=MORE)
    client = all_at_once(one, 1)[0]
    assert old.asked.wait(30)
    purge(one, by, how)
    old.may.set()
    assert client.response(b"GET").body == b"old" and one.get().body == b"new"


@pytest.mark.parametrize("how", SOFT)
@pytest.mark.parametrize("by", BY)
def test_a_fetch_whose_body_is_coming(front, by, how):
    held = Held(head=[("Cache-Tag", "a, t")])
    one = front(held, answer(b"new", fields=[FRESH]), more=MORE)
    client = all_at_once(one, 1)[0]
    held.start.set()
    client.until(b"first")
    purge(one, by, how)
    held.go_on.set()
    client.until(b"0\r\n\r\n")
    assert one.get().body == b"new"


def test_another_tag_is_no_matter(front):
    old = Waits(answer(b"old", fields=[FRESH, ("Cache-Tag", "u")]))
    one = front(old, answer(b"new", fields=[FRESH]), more=MORE)
    client = all_at_once(one, 1)[0]
    assert old.asked.wait(30)
    purge(one, "a tag", "hard")
    old.may.set()
    assert client.response(b"GET").body == b"old" and one.get().body == b"old"


def test_more_purges_than_are_remembered_may_have_been_about_it(front):
    old = Waits(answer(b"old", fields=[FRESH, ("Cache-Tag", "t")]))
    one = front(old, answer(b"new", fields=[FRESH]), more=MORE)
    client = all_at_once(one, 1)[0]
    assert old.asked.wait(30)
    for tag in ["t", *(f"other{n}" for n in range(100))]:
        assert one.get("/none", method="PURGE", fields=[("Cache-Tag", tag)]).status == 200
    old.may.set()
    assert client.response(b"GET").body == b"old" and one.get().body == b"new"


@pytest.mark.parametrize("before", ["", "the key", "a tag"])
@pytest.mark.parametrize("how", SOFT)
@pytest.mark.parametrize("by", BY)
def test_a_question_that_is_not_answered_yet(front, by, how, before):
    """The 304 that comes says what held before; and a response may have been stale by a purge already."""
    held = Waits(confirmed(FRESH, TAG, ("Cache-Tag", "t")))
    one = front(answer(b"old", fields=[*(STALE if before == "" else [FRESH]), TAG, ("Cache-Tag", "t")]), held,
                answer(b"new", fields=[FRESH]), more=MORE + "proxy_cache_background_update off;")
    one.get()
    if before:
        purge(one, before, "soft")
    client = all_at_once(one, 1)[0]
    assert held.asked.wait(30)
    purge(one, by, how)
    held.may.set()
    assert client.response(b"GET").body == b"old"
    assert one.get().body == b"new" and one.asked == 3


def test_a_purge_whose_walk_is_not_over(slow):
    """Nothing gets past it by being confirmed."""
    held = Waits(confirmed(FRESH, TAG))
    many = [answer(b"x", fields=[FRESH]) for _ in range(50)]
    one = slow(*many, answer(b"old", fields=[*STALE, TAG]), held, answer(b"new", fields=[FRESH]), more=MORE)
    for n in range(50):
        one.get(f"/{n}")
    one.get()
    client = all_at_once(one, 1)[0]
    assert held.asked.wait(30)
    purge(one, "a prefix", "hard")
    held.may.set()
    assert client.response(b"GET").body == b"old" and one.get().body == b"new"


def test_a_soft_purge_of_a_uri_is_one_of_its_variants(front):
    one = front(numbered(FRESH, ("Vary", "X-A")), more=MORE)
    ask = [[("X-A", "1")], [("X-A", "2")]]
    assert [one.get(fields=f).body for f in ask] == [b"body 1", b"body 2"]
    purge(one, "the key", "soft")
    assert [one.get(fields=f).body for f in ask] == [b"body 3", b"body 4"]
    assert [one.get(fields=f).body for f in ask] == [b"body 3", b"body 4"]


def test_a_soft_purge_of_a_uri_is_none_of_what_begins_like_it(front):
    one = front(numbered(FRESH, ("Vary", "X-A")), more=MORE)
    assert [one.get(p).body for p in ("/a", "/ab")] == [b"body 1", b"body 2"]
    assert one.get("/a", method="PURGE", fields=SOFT["soft"]).status == 200
    assert [one.get(p).body for p in ("/a", "/ab")] == [b"body 3", b"body 2"]
