"""The wall clock is set, and nobody is served wrongly for it.  [reliability 3]

A library in front of the C library's adds to what the clock says a number of seconds that stands in a file."""

import email.utils
import os
import struct
import subprocess
import time

import pytest

from weir.cached import FRESH
from weir.recorder import Origin, answer
from weir.server import BINARY
from weir.wire import Connection

pytestmark = [pytest.mark.weir_only,
              pytest.mark.skipif("san" in BINARY, reason="a sanitizer's library has to come first")]

DAY = 86400
LIBRARY = r"""
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

int
clock_gettime(clockid_t clock, struct timespec *to)
{
    static int (*real)(clockid_t, struct timespec *);
    static const volatile long long *ahead;
    int rc;

    if (real == NULL) {
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
        ahead = mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, open(getenv("AHEAD"), O_RDONLY), 0);
    }
    rc = real(clock, to);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        to->tv_sec += *ahead;
    }
    return rc;
}
"""


@pytest.fixture
def set_clock(tmp_path, monkeypatch):
    """A function that has the clocks of servers started afterwards be so many seconds ahead."""
    source, library, ahead = tmp_path / "ahead.c", tmp_path / "ahead.so", tmp_path / "ahead"
    source.write_text(LIBRARY)
    subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-fPIC", "-shared", "-o", library, source, "-ldl"],
                   check=True)

    def put(seconds):
        with open(ahead, "r+b" if ahead.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))

    put(0)
    monkeypatch.setenv("AHEAD", str(ahead))
    monkeypatch.setenv("LD_PRELOAD", str(library))
    return put


@pytest.fixture
def origin():
    one = Origin(lambda request: answer(b"fresh", fields=[FRESH]))
    yield one
    one.stop()


def test_a_clock_that_is_set_fails_no_request(make_server, set_clock, origin):
    """Over one connection, which no deadline ends before its time; Date is right, and no Age below 0."""
    server = make_server(f"""location /date {{ return 200 ok; }}
                             location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_cache c; }}""",
                         http="proxy_cache_path %PREFIX%/cache keys_zone=c:4m;").start()
    with Connection(server.port) as conn:
        for ahead in (0, 3, 0, -3, DAY, 0, -DAY, 3650 * DAY, 0):
            set_clock(ahead)
            before = int(time.time())
            date = email.utils.parsedate_to_datetime(conn.get("/date").get("Date")).timestamp()
            assert before - 1 <= date - ahead <= time.time() + 1, ahead
            for _ in range(2):
                got = conn.get("/")
                assert got.status == 200 and got.body == b"fresh" and int(got.get("Age") or 0) >= 0, ahead
