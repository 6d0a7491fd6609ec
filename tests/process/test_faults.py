"""What must hold when processes die and disks fill."""

import os
import re
import signal
import time

import pytest

from weir.load import Load
from weir.server import BINARY, alive, status_kb, wait_for
from weir.wire import Connection, fetch, fetch_or_none

SANITIZED = "san" in BINARY
OK = 'location / { return 200 "ok"; }'


def two_workers(make_server, conf=OK, main="worker_processes 2;", **rest):
    server = make_server(conf, single=False, main=main, **rest).start()
    wait_for("two workers", lambda: len(server.workers()) == 2)
    return server


def test_a_killed_worker_is_replaced_and_costs_only_what_it_had(make_server):
    server = two_workers(make_server)
    server.allowed = "exited on signal 9"
    times = []
    for _ in range(3):
        with Load(server.port, keep=False, threads=2) as load:
            victim = server.workers()[0]
            server.kill(signal.SIGKILL, victim)
            begin = time.monotonic()
            wait_for("a new worker", lambda: len([p for p in server.workers() if p != victim]) == 2)
            times.append(time.monotonic() - begin)
            failed = len(load.failed)
            load.failed.clear()
            load.wait_more(100)
        assert failed <= 2, "more than what was in flight"
        load.assert_clean()
    assert min(times) < 0.5                 # at once: nothing is waited for
    assert re.search(r"worker process \d+ exited on signal 9", server.log(whole=True))


def test_a_worker_that_crashes_is_named_in_the_log_and_replaced(make_server):
    server = two_workers(make_server)
    server.allowed = r"exited on signal 11|signal (11|SEGV)|SIGSEGV|AddressSanitizer|backtrace"
    victim = server.workers()[0]
    server.kill(signal.SIGSEGV, victim)
    wait_for("its death in the log", lambda: re.search(
        rf"worker process {victim} exited (on signal 11|with code)", server.log(whole=True)))
    wait_for("a new worker", lambda: len([p for p in server.workers() if p != victim]) == 2)
    assert fetch(server.port).body == b"ok"


@pytest.mark.weir_only
def test_the_crash_line_holds_signal_and_last_request(make_server):
    """The request line is the peer's, so it is escaped there too."""
    server = make_server("location / { }", single=False, main="worker_processes 1;").start()
    server.allowed = r"exited on signal|signal|crash|Sanitizer"
    wait_for("a worker", lambda: len(server.workers()) == 1)
    conn = Connection(server.port)
    assert conn.get('/last?"q').status == 404
    server.kill(signal.SIGSEGV, server.workers()[0])
    wait_for("signal and request", lambda: "Sanitizer" in server.said() or re.search(
        r'(SIGSEGV|signal 11).*GET /last\?\\x22q HTTP/1\.1', server.said()))
    conn.close()


@pytest.mark.weir_only
def test_workers_leave_when_the_master_is_killed_and_a_new_start_works(make_server):
    server = two_workers(make_server)
    workers = server.workers()
    server.process.kill()
    server.process.wait()
    wait_for("workers leave", lambda: not any(alive(p) for p in workers))
    server.start()
    assert fetch(server.port).body == b"ok"


@pytest.mark.weir_only
def test_workers_finish_a_download_when_the_master_is_killed(make_server):
    server = make_server("location / { limit_rate 400k; limit_rate_after 1k; }", single=False,
                         main="worker_processes 1;", files={"slow.bin": b"0123456789" * 60000}).start()
    wait_for("a worker", lambda: len(server.workers()) == 1)
    worker = server.workers()[0]
    conn = Connection(server.port)
    conn.send(b"GET /slow.bin HTTP/1.1\r\nHost: a\r\n\r\n")
    conn.fill()
    server.process.kill()
    server.process.wait()
    assert len(conn.response().body) == 600000
    conn.close()
    wait_for("the worker leaves", lambda: not alive(worker))


@pytest.mark.weir_only
def test_a_worker_that_hangs_is_replaced(make_server):
    """One that gets its work done lives, also where the limit is short."""
    server = two_workers(make_server, 'location / { return 200 $pid; }', main="worker_processes 2; worker_watchdog 2s;")
    server.allowed = r"exited on signal"
    victim = int(fetch(server.port).body)
    with Load(server.port) as load:
        load.wait_more(100)
        time.sleep(3)
    load.assert_clean()
    assert victim in server.workers()
    server.kill(signal.SIGSTOP, victim)
    wait_for("a new worker", lambda: victim not in server.workers() and len(server.workers()) == 2)
    assert f"worker process {victim} hangs" in server.log(whole=True)
    assert fetch(server.port).status == 200


@pytest.mark.weir_only
def test_a_worker_of_too_much_memory_is_replaced_and_finishes_its_answer(make_server):
    """Every worker is past the limit here, so that each asks for a replacement once."""
    server = make_server("location / { limit_rate 20k; }", single=False, files={"f": b"x" * 20000},
                         main="worker_processes 1; worker_max_rss 1m;").start()
    wait_for("a worker", lambda: len(server.workers()) == 1)
    first = server.workers()[0]
    assert len(fetch(server.port, "/f").body) == 20000
    wait_for("another worker", lambda: first not in server.workers())
    assert "more memory than worker_max_rss" in server.log(whole=True)
    assert len(fetch(server.port, "/f").body) == 20000


def test_a_log_on_a_full_disk_fails_no_request(make_server):
    server = make_server(OK, http="access_log /dev/full;").start()
    with Load(server.port) as load:
        load.wait_more(200)
    load.assert_clean()
    server.allowed = "No space left on device"


def test_descriptors_come_back_after_they_ran_out(make_server):
    """Accepting goes on soon after descriptors are free again."""
    server = make_server(OK, single=False, main="worker_processes 1; worker_rlimit_nofile 80;").start()
    server.allowed = "Too many open files|worker_connections|worker_rlimit"
    held = [Connection(server.port) for _ in range(120)]
    answered = 0
    for conn in held[:20]:
        answered += conn.get("/").status == 200
    assert answered == 20
    assert "descriptors are running out, not accepting connections" in server.log()
    for conn in held:
        conn.close()
    begin = time.monotonic()
    assert fetch(server.port).body == b"ok"
    assert time.monotonic() - begin < 10    # and not when some timeout of a connection is over


def test_connections_over_worker_connections_are_not_fatal(make_server):
    server = make_server(OK)
    server.configure(server.text.replace("worker_connections 1024;", "worker_connections 64;"))
    server.start()
    server.allowed = "worker_connections are not enough"
    held = [Connection(server.port) for _ in range(100)]
    for conn in held:
        conn.close()
    wait_for("it serves again", lambda: fetch_or_none(server.port))


def test_a_link_that_flips_never_leads_out_of_the_root(make_server):
    """disable_symlinks on: the file or a 403 or 404, never the secret."""
    server = make_server("disable_symlinks on; open_file_cache off; location / { }",
                         files={"good.txt": "good"}).start()
    (server.prefix / "secret").write_text("SECRET")
    flip, good = server.root / "flip", server.root / "good.txt"
    with Load(server.port, "/flip", check=lambda a: a.status in (200, 403, 404, 500) and
              b"SECRET" not in a.body) as load:
        limit = time.monotonic() + 60
        turn = 0
        while (turn <= 1000 or load.done <= 500) and time.monotonic() < limit:
            spare = server.root / f"spare{turn % 2}"
            spare.unlink(missing_ok=True)
            if turn % 2:
                spare.symlink_to(server.prefix / "secret")
            else:
                os.link(good, spare)
            spare.rename(flip)
            turn += 1
        load.wait_more(1)
    load.assert_clean()
    assert turn > 1000 and load.done > 500


def test_a_file_that_shrinks_while_sent_is_cut_not_padded(make_server):
    """Without sendfile: with it the kernel itself zeroes pages that wait in the socket."""
    server = make_server("sendfile off; location / { limit_rate 200k; limit_rate_after 1k; }",
                         files={"f.bin": b"x" * 4000000}).start()
    server.allowed = "sendfile|pread|was truncated|reported"
    conn = Connection(server.port)
    conn.send(b"GET /f.bin HTTP/1.1\r\nHost: a\r\n\r\n")
    conn.until(b"\r\n\r\n")
    os.truncate(server.root / "f.bin", 1000)
    while conn.fill():
        pass
    assert len(conn.pending) < 4000000 and set(conn.pending) <= set(b"x")
    conn.close()
    assert fetch(server.port, "/f.bin").body == b"x" * 1000


def test_a_file_that_grows_while_sent_is_not_longer_than_promised(make_server):
    server = make_server("sendfile on; location / { limit_rate 400k; limit_rate_after 1k; }",
                         files={"f.bin": b"x" * 300000}).start()
    conn = Connection(server.port)
    conn.send(b"GET /f.bin HTTP/1.1\r\nHost: a\r\n\r\n")
    conn.fill()
    with open(server.root / "f.bin", "ab") as file:
        file.write(b"y" * 300000)
    assert conn.response().body == b"x" * 300000
    conn.expect_kept()
    conn.close()


def test_reloads_leave_no_memory_and_no_descriptors(make_server):
    server = two_workers(make_server)
    def reload(times):
        for _ in range(times):
            before = set(server.workers())
            server.kill(signal.SIGHUP)
            wait_for("new workers", lambda: len(set(server.workers()) - before) == 2 and
                     len(server.workers()) == 2)
    reload(10)
    rss, fds = status_kb(server.master(), "RssAnon"), len(os.listdir(f"/proc/{server.master()}/fd"))
    reload(30)
    grown = status_kb(server.master(), "RssAnon") - rss
    if not SANITIZED:
        assert grown <= 30 * 4 + 64, f"{grown} kB in 30 reloads"
    wait_for("the descriptors of workers that left", lambda:
             len(os.listdir(f"/proc/{server.master()}/fd")) <= fds + 1)
