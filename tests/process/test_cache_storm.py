"""What is stale is used for all who wait when one fetch of it fails, and the origin is spared.  [RFC 5861 4; RFC 9111 4.2.4]"""

import re
import threading

import pytest

from weir.cached import STALE, TAG, all_at_once, bodies, front  # noqa: F401
from weir.recorder import answer
from weir.server import wait_for
from weir.wire import fetch

pytestmark = pytest.mark.weir_only
METRICS = "} location = /metrics { metrics prometheus;"


class Fails:
    """A fetch that fails when it may."""

    def __init__(self, how):
        self.how, self.came, self.may = how, threading.Event(), threading.Event()

    def __call__(self, request):
        self.came.set()
        assert self.may.wait(30)
        return self.how


def waiting(one):
    page = fetch(one.server.port, "/metrics").body.decode()
    return float(re.search(r"^weir_cache_zone_collapsed_total{[^}]*} ([0-9.e+]+)", page, re.M)[1])


def storm(one, fails, n):
    """n clients of which one fetches, and the others wait for it."""
    clients = all_at_once(one, n)
    assert fails.came.wait(30)
    wait_for("all to wait", lambda: waiting(one) == n - 1)
    fails.may.set()
    return bodies(clients)


@pytest.mark.parametrize("how,more", [(b"HTTP/1.1 2x0 No\r\n\r\n", "proxy_cache_use_stale invalid_header;"),
                                      (answer(b"no", status="503 No"), "proxy_cache_use_stale http_503;")])
def test_one_failure_is_enough_for_all_who_wait(front, how, more):
    fails = Fails(how)
    one = front(answer(b"old", fields=[*STALE, TAG]), fails, more=more + METRICS)
    one.get()
    assert storm(one, fails, 20) == {b"old"} and one.asked == 2


def test_one_who_comes_later_asks_again(front):
    fails = Fails(answer(b"no", status="503 No"))
    one = front(answer(b"old", fields=[*STALE, TAG]), fails, answer(b"new"), more="proxy_cache_use_stale http_503;" + METRICS)
    one.get()
    assert storm(one, fails, 5) == {b"old"} and one.get().body == b"new"


def test_nobody_gets_what_forbids_it(front):
    """[RFC 9111 5.2.2.2]"""
    fails = Fails(answer(b"no", status="503 No"))
    one = front(answer(b"old", fields=[*STALE, TAG, ("Cache-Control", "must-revalidate")]), fails, answer(b"new"),
                more="proxy_cache_use_stale http_503;" + METRICS)
    one.get()
    assert storm(one, fails, 5) == {b"no", b"new"}
