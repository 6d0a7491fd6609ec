"""Signals, -s, pid file, titles, daemon: nginx's ways of being managed."""

import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from weir.load import Load
from weir.server import FLAVOUR, alive, children, configuration, title, wait_for
from weir.wire import Closed, Connection, fetch

NAME = FLAVOUR
OK = 'location / { return 200 "ok"; }'


def master_server(make_server, conf=OK, main="worker_processes 2;", **rest):
    return make_server(conf, single=False, main=main, **rest)


def gone(pid):
    return lambda: not alive(pid)


def refused(port):
    try:
        Connection(port).close()
    except ConnectionRefusedError:
        return True


def slow_download(server):
    """A connection with an answer under way, which is more than buffers hold, and waits for its reader."""
    conn = Connection(server.port)
    conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    conn.send(b"GET /slow.bin HTTP/1.1\r\nHost: a\r\n\r\n")
    conn.fill()
    return conn


SLOW = {"conf": "location / { } location /ok { return 200 ok; }", "files": {"slow.bin": b"0123456789" * 1600000}}


def test_the_pid_file_holds_the_master(make_server):
    server = master_server(make_server).start()
    assert server.master() == server.process.pid
    wait_for("two workers", lambda: len(server.workers()) == 2)


def test_titles_tell_master_from_workers(make_server):
    server = master_server(make_server).start()
    wait_for("two workers", lambda: len(server.workers()) == 2)
    assert title(server.master()).startswith(f"{NAME}: master process ")
    for pid in server.workers():
        wait_for("worker title", lambda: title(pid).startswith(f"{NAME}: worker process"))


@pytest.mark.parametrize("how", ["TERM", "INT", "stop"])
def test_a_fast_stop_ends_at_once(make_server, how):
    server = master_server(make_server, **SLOW).start()
    conn = slow_download(server)
    if how == "stop":
        assert server.run("-s", "stop").returncode == 0
    else:
        server.kill(getattr(signal, f"SIG{how}"))
    assert server.process.wait(30) == 0
    assert not server.pid_file.exists()
    with pytest.raises(AssertionError):
        conn.response()
    conn.close()


@pytest.mark.parametrize("how", ["QUIT", "quit"])
def test_a_graceful_stop_ends_what_is_under_way(make_server, how):
    server = master_server(make_server, **SLOW).start()
    idle = Connection(server.port)
    assert idle.get("/ok").status == 200
    conn = slow_download(server)
    if how == "quit":
        assert server.run("-s", "quit").returncode == 0
    else:
        server.kill(signal.SIGQUIT)
    wait_for("listener closed", lambda: refused(server.port))
    idle.expect_closed()
    assert conn.response().body == SLOW["files"]["slow.bin"]
    conn.expect_closed()
    assert server.process.wait(30) == 0
    assert not server.pid_file.exists()


def test_a_graceful_stop_says_close_to_a_request_under_way(make_server):
    server = master_server(make_server, main="worker_processes 1;").start()
    conn = Connection(server.port)
    conn.send(b"GET / HTTP/1.1\r\nHo")
    assert fetch(server.port).status == 200
    server.kill(signal.SIGQUIT)
    wait_for("listener closed", lambda: refused(server.port))
    conn.send(b"st: a\r\n\r\n", methods=[b"GET"])
    try:
        answer = conn.response()
    except Closed:
        conn.close()
        return                          # nginx drops a header that it has not read whole
    assert answer.get("Connection") == "close"
    conn.close()


def test_worker_shutdown_timeout_ends_what_takes_too_long(make_server):
    server = master_server(make_server, main="worker_processes 1; worker_shutdown_timeout 1s;",
                           conf="location / { limit_rate 1k; limit_rate_after 1k; }",
                           files=SLOW["files"]).start()
    conn = slow_download(server)
    begin = time.monotonic()
    server.kill(signal.SIGQUIT)
    server.process.wait(30)
    assert time.monotonic() - begin > 0.8
    conn.close()


def test_reload_puts_a_new_configuration_in_force_without_a_failed_request(make_server):
    server = master_server(make_server, 'location / { return 200 "old"; }').start()
    wait_for("two workers", lambda: len(server.workers()) == 2)
    old = server.workers()
    with Load(server.port, check=lambda a: a.body in (b"old", b"new"), keep=True) as load, \
            Load(server.port, check=lambda a: a.body in (b"old", b"new"), keep=False) as fresh:
        load.wait_more(100)
        server.configure(server.text.replace('"old"', '"new"'))
        server.kill(signal.SIGHUP)
        wait_for("the new text", lambda: fetch(server.port).body == b"new")
        wait_for("old workers gone", lambda: not any(alive(p) for p in old))
        load.wait_more(100)
        fresh.wait_more(50)
    load.assert_clean()
    fresh.assert_clean(raced_per_10000=0)
    assert fetch(server.port).body == b"new"
    assert len(server.workers()) == 2


def test_a_storm_of_reloads_fails_no_request(make_server):
    server = master_server(make_server, 'location / { return 200 "v0"; }').start()
    with Load(server.port, check=lambda a: re.fullmatch(rb"v\d+", a.body), keep=False) as load:
        for number in range(1, 21):
            server.configure(re.sub(r'"v\d+"', f'"v{number}"', server.text))
            server.kill(signal.SIGHUP)
            load.wait_more(5)
        wait_for("the last configuration", lambda: fetch(server.port).body == b"v20")
        wait_for("workers settle", lambda: len(server.workers()) == 2)
    load.assert_clean(raced_per_10000=0)


def test_s_reload_reloads(make_server):
    server = master_server(make_server).start()
    server.configure(server.text.replace('"ok"', '"reloaded"'))
    assert server.run("-s", "reload").returncode == 0
    wait_for("the new text", lambda: fetch(server.port).body == b"reloaded")


@pytest.mark.parametrize("broken", [
    "nonsense;", "location / { alias", "listen 300.0.0.1:1;", "location ~ ( { }", "\0\0\0",
    "include /no/such/file.conf;"])
def test_a_broken_configuration_changes_nothing(make_server, broken):
    server = master_server(make_server).start()
    wait_for("two workers", lambda: len(server.workers()) == 2)
    pids = server.workers()
    server.mark_log()
    server.configure(server.text.replace(OK, OK + broken))
    server.kill(signal.SIGHUP)
    wait_for("the error", lambda: re.search(r"\[emerg\].*(weir\.conf:\d+|file\.conf|weir\.conf)", server.log()))
    assert fetch(server.port).body == b"ok"
    assert server.workers() == pids
    assert server.run("-t").returncode == 1
    server.allowed = r"\[emerg\]"
    server.configure(server.text.replace(OK + broken, OK.replace("ok", "again")))
    server.kill(signal.SIGHUP)
    wait_for("a good one after it", lambda: fetch(server.port).body == b"again")


def test_a_busy_port_in_a_reload_changes_nothing(make_server):
    other = make_server(OK).start()
    server = master_server(make_server).start()
    wait_for("two workers", lambda: len(server.workers()) == 2)
    pids = server.workers()
    server.configure(server.text.replace(OK, OK + f" listen 127.0.0.1:{other.port};"))
    server.kill(signal.SIGHUP)
    wait_for("the error", lambda: "in use" in server.log(whole=True))
    assert fetch(server.port).body == b"ok"
    assert server.workers() == pids
    server.allowed = "in use|still could not bind"


def test_reload_adds_and_removes_a_port(make_server):
    server = master_server(make_server, OK + " listen 127.0.0.1:%PORT2%;").start()
    port2 = server.extra_ports["PORT2"]
    assert fetch(port2).body == b"ok"
    server.configure(server.text.replace("listen 127.0.0.1:%PORT2%;", "listen 127.0.0.1:%PORT3%;"))
    server.kill(signal.SIGHUP)
    wait_for("the new port", lambda: not refused(server.extra_ports["PORT3"]))
    wait_for("the old port closed", lambda: refused(port2))


def test_reload_changes_the_number_of_workers(make_server):
    server = master_server(make_server).start()
    wait_for("two workers", lambda: len(server.workers()) == 2)
    server.configure(server.text.replace("worker_processes 2;", "worker_processes 3;"))
    server.kill(signal.SIGHUP)
    wait_for("three workers", lambda: len(server.workers()) == 3)
    assert fetch(server.port).body == b"ok"


def test_a_new_connection_brings_its_first_request_to_a_leaving_worker(make_server):
    """The client has done nothing that it could do again; only what was kept may close at once."""
    main = "worker_processes 1; compat nginx;" if FLAVOUR == "weir" else "worker_processes 1;"
    server = master_server(make_server, main=main).start()
    conn = Connection(server.port)
    assert fetch(server.port).status == 200         # so conn has been accepted as well
    server.kill(signal.SIGHUP)
    wait_for("a shutting worker", lambda: any("shutting down" in title(p) for p in server.workers()))
    conn.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", methods=[b"GET"])
    answer = conn.response()
    assert answer.status == 200 and answer.get("Connection") == "close"
    conn.close()


def test_reload_lets_a_download_of_the_old_generation_end(make_server):
    server = master_server(make_server, **SLOW).start()
    conn = slow_download(server)
    server.kill(signal.SIGHUP)
    wait_for("a shutting worker", lambda: any("shutting down" in title(p) for p in server.workers()))
    assert conn.response().body == SLOW["files"]["slow.bin"]
    conn.close()
    wait_for("it leaves", lambda: not any("shutting down" in title(p) for p in server.workers()))


def test_rotation_writes_every_request_in_exactly_one_log(make_server):
    server = master_server(make_server, http="log_format id '$arg_id'; access_log logs/ids.log id;").start()
    log, kept = server.prefix / "logs/ids.log", []
    with Load(server.port, "/?id=", each=str) as load:
        for turn in range(5):
            load.wait_more(200)
            rotated = log.with_suffix(f".{turn}")
            log.rename(rotated)
            kept.append(rotated)
            if turn % 2:
                server.kill(signal.SIGUSR1)
            else:
                assert server.run("-s", "reopen").returncode == 0
            wait_for("a new log", log.exists)
        load.wait_more(50)
    load.assert_clean()
    server.kill(signal.SIGQUIT)
    server.process.wait(30)
    lines = [line for path in (*kept, log) for line in path.read_text().splitlines()]
    assert all(re.fullmatch(r"\d+", line) for line in lines), "a torn line"
    written = sorted(map(int, lines))
    assert len(written) == len(set(written)), "a request in two logs"
    assert set(load.ids) <= set(written), "a request in no log"


def test_buffered_lines_are_written_on_a_graceful_stop(make_server):
    server = master_server(make_server, http="log_format id '$arg_id'; access_log logs/ids.log id buffer=64k;").start()
    for number in range(10):
        assert fetch(server.port, f"/?id={number}").status == 200
    server.kill(signal.SIGQUIT)
    server.process.wait(30)
    assert sorted((server.prefix / "logs/ids.log").read_text().split()) == [str(n) for n in range(10)]


def daemon_server(make_server):
    """An upgrade is for a master whose parent is gone: nginx ignores USR2 otherwise."""
    server = master_server(make_server)
    server.configure(server.text.replace("daemon off;", "daemon on;"))
    assert server.run().returncode == 0
    server.wait_ready_by_pid()
    wait_for("two workers", lambda: len(server.workers()) == 2)
    return server


def upgrade(server):
    """USR2; the new master's pid, once its pid file and workers are there."""
    old = server.master()
    server.kill(signal.SIGUSR2, old)
    oldbin = server.pid_file.with_name(server.pid_file.name + ".oldbin")
    wait_for("the old pid file aside", oldbin.exists)
    wait_for("a new pid file", lambda: server.pid_file.exists() and
             server.pid_file.read_text().strip() not in ("", str(old)))
    wait_for("new workers", lambda: len(children(server.master())) >= 2)
    assert int(oldbin.read_text()) == old
    return server.master(), oldbin


def test_an_upgrade_fails_no_request_and_the_new_master_reloads(make_server):
    server = daemon_server(make_server)
    old = server.master()
    with Load(server.port, keep=False) as load:
        new, oldbin = upgrade(server)
        load.wait_more(50)
        server.kill(signal.SIGWINCH, old)
        wait_for("old workers gone", lambda: not [p for p in children(old) if p != new])
        load.wait_more(50)
        server.kill(signal.SIGQUIT, old)
        wait_for("the old master gone", gone(old))
        wait_for("its pid file gone", lambda: not oldbin.exists())
        assert server.master() == new
        server.configure(server.text.replace('"ok"', '"after"'))
        server.kill(signal.SIGHUP, new)
        wait_for("the new text", lambda: fetch(server.port).body == b"after")
        load.wait_more(20)
    load.assert_clean(raced_per_10000=0)
    server.kill(signal.SIGQUIT, new)
    wait_for("the new master gone", gone(new))


def test_an_upgrade_can_be_taken_back(make_server):
    server = daemon_server(make_server)
    old = server.master()
    with Load(server.port, keep=False) as load:
        new, oldbin = upgrade(server)
        server.kill(signal.SIGWINCH, old)
        wait_for("old workers gone", lambda: not [p for p in children(old) if p != new])
        server.kill(signal.SIGHUP, old)
        wait_for("old workers back", lambda: len([p for p in children(old) if p != new]) == 2)
        server.kill(signal.SIGQUIT, new)
        wait_for("the new master gone", gone(new))
        wait_for("its pid file back", lambda: server.pid_file.exists() and server.master() == old)
        assert not oldbin.exists()
        load.wait_more(50)
    load.assert_clean(raced_per_10000=0)
    server.kill(signal.SIGQUIT, old)
    wait_for("the old master gone", gone(old))


def test_in_the_foreground_winch_is_only_the_terminals(make_server):
    server = master_server(make_server, conf="access_log logs/access.log; " + OK).start()
    wait_for("two workers", lambda: len(server.workers()) == 2)
    before = set(server.workers())
    (server.prefix / "logs/access.log").unlink()
    server.kill(signal.SIGWINCH)
    server.kill(signal.SIGUSR1)
    wait_for("the next signal", (server.prefix / "logs/access.log").exists)
    assert fetch(server.port).body == b"ok"
    assert set(server.workers()) == before


def test_an_upgrade_that_fails_leaves_the_old_one(make_server):
    server = daemon_server(make_server)
    old, good = server.master(), server.text
    server.configure(good.replace(OK, "nonsense;"))
    server.kill(signal.SIGUSR2)
    wait_for("the error", lambda: "nonsense" in server.log(whole=True))
    wait_for("the pid file back", lambda: server.pid_file.exists() and server.master() == old)
    assert fetch(server.port).body == b"ok"
    server.configure(good)
    server.kill(signal.SIGQUIT, old)
    wait_for("the old master gone", gone(old))


def test_daemon_leaves_the_terminal(make_server):
    server = master_server(make_server)
    server.configure(server.text.replace("daemon off;", "daemon on;"))
    result = server.run()
    assert result.returncode == 0, result.stderr
    assert server.wait_ready_by_pid()
    pid = server.master()
    try:
        assert os.getsid(pid) != os.getsid(0)
        assert fetch(server.port).body == b"ok"
        assert title(pid).startswith(f"{NAME}: master process")
    finally:
        assert server.run("-s", "quit").returncode == 0
        wait_for("it leaves", gone(pid))
    assert not server.pid_file.exists()


def test_a_second_start_on_the_same_port_fails_and_leaves_the_first(make_server):
    server = master_server(make_server).start()
    pid = server.master()
    result = server.run()
    assert result.returncode == 1
    assert "in use" in result.stderr
    assert server.master() == pid and fetch(server.port).body == b"ok"
    server.allowed = "in use|still could not bind"


def test_term_to_one_worker_ends_it_cleanly(make_server):
    server = master_server(make_server).start()
    wait_for("two workers", lambda: len(server.workers()) == 2)
    pid = server.workers()[0]
    server.kill(signal.SIGTERM, pid)
    wait_for("it is gone", gone(pid))
    wait_for("its exit in the log", lambda: f"worker process {pid} exited with code 0" in server.log(whole=True))
    assert fetch(server.port).body == b"ok"


def zombies_of(parent):
    """Children of parent that have ended and were not waited for; processes may go while we look."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, its_parent = path.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if state == "Z" and int(its_parent) == parent:
            found.append(path)
    return found


def test_a_storm_of_signals_harms_nothing(make_server):
    server = master_server(make_server).start()
    with Load(server.port, keep=False) as load:
        for _ in range(30):
            for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGUSR1):
                server.kill(number)
            load.wait_more(1)
        wait_for("workers settle", lambda: len(server.workers()) == 2)
    load.assert_clean(raced_per_10000=0)
    wait_for("all children reaped", lambda: not zombies_of(server.master()))
    if FLAVOUR == "nginx":              # its new workers race its own change of the log's owner
        server.allowed = "error.log.*Permission denied"
