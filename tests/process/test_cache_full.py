"""A cache on a disk that is full, read-only or gone: every response is whole and right, and caching goes on when the disk is well again.

The disk is a small tmpfs in a mount namespace of the server's own.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import threading
import zlib

import pytest

from weir.cached import FRESH, files, front  # noqa: F401
from weir.recorder import answer
from weir.server import wait_for

pytestmark = pytest.mark.weir_only
DISK = 3 << 20
SIZES = [3_000, 70_000, 300_000, 900_000]


def body_of(path):
    return random.Random(zlib.crc32(path.encode())).randbytes(SIZES[int(path.split("/")[1])])


def origin(request):
    return answer(body_of(request.target), fields=[FRESH])


PATHS = [f"/{size}/{n}" for n in range(12) for size in range(len(SIZES))]


@pytest.fixture
def small_disk(front):
    """A server whose cache is a tmpfs that only it sees."""
    refused = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True)
    if refused.returncode != 0:
        pytest.skip(f"the kernel allows no mount namespace: {refused.stderr.strip()}")

    def make(**parts):
        one = front(origin, **parts)
        one.server.process.send_signal(signal.SIGQUIT)
        one.server.process.wait(15)
        one.server.configure(one.server.text.replace("memory=8m", "memory=1m"))
        folder = one.server.prefix / "cache"
        shutil.rmtree(folder)
        folder.mkdir()
        plain = one.server.command
        script = f"mount -t tmpfs -o size={DISK},mode=0777 tmpfs {folder} && exec \"$@\""
        one.server.command = lambda *more: ["unshare", "-rm", "sh", "-c", script, "sh", *plain(*more)]
        one.server.start()
        one.disk = f"/proc/{one.server.process.pid}/root{folder}"
        wait_for("the cache to begin", lambda: os.path.exists(f"{one.disk}/secret"))
        return one
    return make


def on_disk(one):
    return sum(len(name) == 32 for _, _, names in os.walk(one.disk) for name in names)


def ask_all(one, paths=PATHS):
    """Two at a time."""
    wrong = []

    def ask(mine):
        for path in mine:
            got = one.get(path)
            if got.status != 200 or got.body != body_of(path):
                wrong.append((path, got.status, len(got.body)))

    threads = [threading.Thread(target=ask, args=(paths[i::2],)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a request hangs"
    assert not wrong


def log_of(one):
    return one.server.error_log.read_text("latin-1")


def metric(one, name):
    page = one.get("/metrics").body.decode()
    return float(re.search(rf"^weir_cache_zone_{name}{{[^}}]*}} ([0-9.e+]+)", page, re.M)[1])


METRICS = "cache_purge on; } location = /metrics { metrics prometheus;"


def test_more_than_the_disk_takes(small_disk):
    """The cache makes room for itself, and goes on."""
    one = small_disk(more=METRICS)
    for _ in range(3):
        ask_all(one)

    def some_is_stored():       # not while the disk rests, which made room just now
        ask_all(one, PATHS[:8])
        return on_disk(one) > 0
    wait_for("files", some_is_stored)
    assert "damaged" not in log_of(one)


def test_a_disk_that_others_have_filled(small_disk):
    one = small_disk(more=METRICS)
    with open(f"{one.disk}/others", "wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(4096)):
                pass
        except OSError:
            pass
    for _ in range(2):
        ask_all(one)
    wait_for("the log", lambda: "No space left" in log_of(one))
    said, failures = log_of(one).count("cannot write"), metric(one, "disk_failures_total")
    assert failures > 0 and said <= failures
    assert one.get(PATHS[0], "PURGE").status == 200         # no room to write it down: the file is gone before the answer
    assert one.get(PATHS[0]).get("X-Cache") == "MISS"
    before = on_disk(one)
    os.truncate(f"{one.disk}/others", 0)
    os.unlink(f"{one.disk}/others")

    def more_is_stored():
        ask_all(one, PATHS[:8])
        return on_disk(one) > before
    wait_for("files again", more_is_stored)
    assert "damaged" not in log_of(one)


def mount(one, option):
    """Remount the server's disk: no file may be open for writing meanwhile, so it may take a few tries."""
    enter = ["nsenter", "-t", str(one.server.process.pid), "-U", "-m", "--preserve-credentials"]
    wait_for(option, lambda: subprocess.run([*enter, "mount", "-o", f"remount,{option}", str(one.server.prefix / "cache")],
                                            capture_output=True).returncode == 0)


def test_a_disk_that_becomes_read_only(small_disk):
    one = small_disk(more=METRICS)
    ask_all(one, PATHS[:8])
    wait_for("files", lambda: on_disk(one) > 2)
    mount(one, "ro")
    ask_all(one)
    ask_all(one)
    wait_for("the log", lambda: "Read-only file system" in log_of(one))
    before = on_disk(one)
    mount(one, "rw")

    def more_is_stored():
        ask_all(one)
        return on_disk(one) != before
    wait_for("files again", more_is_stored)
    assert "damaged" not in log_of(one)


def test_a_folder_that_is_removed_under_way(front):
    one = front(origin, more=METRICS)
    folder = one.server.prefix / "cache"
    ask_all(one)
    wait_for("files", lambda: files(one))
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)       # what was made meanwhile
    for _ in range(2):
        ask_all(one)
    folder.mkdir(exist_ok=True)

    def more_is_stored():
        ask_all(one, [f"/2/{random.random()}" for _ in range(3)])
        return files(one)
    wait_for("files again", more_is_stored)
