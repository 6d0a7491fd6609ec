"""Workers that share a cache are killed while clients of all sizes of responses come and go: no wrong byte, and nothing stands still."""

import os
import random
import signal
import threading
import zlib

import pytest

from weir.cached import FRESH, front  # noqa: F401
from weir.recorder import answer
from weir.server import wait_for

pytestmark = pytest.mark.weir_only
SIZES = [10, 1000, 70_000, 600_000, 2_500_000]      # in memory, in more than one block, and on disk


def body_of(path):
    """What the origin has there: bytes like no other path's."""
    n = SIZES[int(path.split("/")[1])]
    return random.Random(zlib.crc32(path.encode())).randbytes(n)


def test_killed_workers_leave_a_cache_that_is_right(front):
    one = front(lambda r: answer(body_of(r.target), fields=[FRESH]), main="worker_processes 2;", single=False)
    one.server.allowed = "exited on signal 9|killed|died"
    paths = [f"/{size}/{n}" for size in range(len(SIZES)) for n in range(6)]
    wanted = {path: body_of(path) for path in paths}
    ending, wrong, right = threading.Event(), [], [0]

    def ask(seed):
        chance = random.Random(seed)
        while not ending.is_set():
            path = chance.choice(paths)
            try:
                got = one.get(path)
            except Exception:           # it was the killed worker's
                continue
            if got.status == 200 and got.body != wanted[path]:
                wrong.append((path, len(got.body)))
            right[0] += got.status == 200

    threads = [threading.Thread(target=ask, args=(i,), daemon=True) for i in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(8):
            before = right[0]
            wait_for("answers", lambda: right[0] >= before + 25)
            workers = one.server.workers()
            os.kill(workers[number % len(workers)], signal.SIGKILL)
            wait_for("another worker", lambda: len(set(one.server.workers()) - set(workers)) >= 1)
    finally:
        ending.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "a request hangs"
    assert not wrong
    for path in paths:
        got = one.get(path)
        assert got.status == 200 and got.body == wanted[path]
        assert one.get(path).body == wanted[path]
