"""Who runs what, and what a worker may."""

import os
import pwd
import re
from pathlib import Path

import pytest

from weir.server import wait_for
from weir.wire import fetch

OK = 'location / { return 200 "ok"; }'
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="privileges are dropped by root only")


def status(pid, field):
    return re.search(rf"^{field}:\s+(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M)[1].split()


@AS_ROOT
def test_workers_of_a_root_master_are_the_user_and_hold_nothing(make_server):
    server = make_server(OK, single=False, main="user nobody nogroup;").start()
    wait_for("a worker", lambda: len(server.workers()) == 1)
    worker = server.workers()[0]
    nobody = str(pwd.getpwnam("nobody").pw_uid)
    wait_for("uid", lambda: set(status(worker, "Uid")) == {nobody})
    assert int(status(worker, "CapEff")[0], 16) == 0
    assert int(status(worker, "CapPrm")[0], 16) == 0
    assert "0" not in status(worker, "Groups")
    assert fetch(server.port).body == b"ok"


@AS_ROOT
@pytest.mark.weir_only
def test_workers_can_gain_nothing(make_server):
    server = make_server(OK, single=False, main="user nobody nogroup;").start()
    wait_for("a worker", lambda: len(server.workers()) == 1)
    worker = server.workers()[0]
    wait_for("no new privileges", lambda: status(worker, "NoNewPrivs") == ["1"])
    assert int(status(worker, "CapBnd")[0], 16) == 0


@AS_ROOT
def test_an_unprivileged_start_serves(make_server):
    server = make_server(OK, single=False)
    for path in (server.prefix, *server.prefix.rglob("*")):
        os.chown(path, 65534, 65534)
    server.start(user=65534, group=65534, extra_groups=[])
    assert fetch(server.port).body == b"ok"
    assert status(server.process.pid, "Uid")[0] == "65534"


@AS_ROOT
def test_an_unknown_user_is_an_error(make_server):
    server = make_server(OK, main="user nobody-of-that-name;")
    result = server.run("-t")
    assert result.returncode == 1
    assert "nobody-of-that-name" in result.stderr


@pytest.mark.weir_only
def test_logs_and_pid_file_are_not_for_all(make_server):
    server = make_server(OK, single=False, http="access_log logs/access.log;").start()
    fetch(server.port)
    for path in (server.error_log, server.prefix / "logs/access.log"):
        assert path.stat().st_mode & 0o007 == 0, f"{path} is readable by all"
    assert server.pid_file.stat().st_mode & 0o022 == 0


def test_worker_rlimit_nofile_is_set(make_server):
    server = make_server(OK, single=False, main="worker_rlimit_nofile 3000;").start()
    wait_for("a worker", lambda: len(server.workers()) == 1)
    limits = Path(f"/proc/{server.workers()[0]}/limits")
    wait_for("the limit", lambda: re.search(r"Max open files\s+3000\s+3000", limits.read_text()))


def test_no_descriptor_leaks_into_a_worker(make_server):
    """Whatever was open in the one who started the server is not open in its workers' exec."""
    server = make_server(OK, single=False).start()
    wait_for("a worker", lambda: len(server.workers()) == 1)
    fetch(server.port)                  # a worker that answers has opened and closed what it will
    assert len(os.listdir(f"/proc/{server.workers()[0]}/fd")) < 20


UNREADABLE = """
    root %ROOT%;
    location /in/ { if (-f $request_filename) { return 200 "-f"; } if (!-e $request_filename) { return 200 "!-e"; } }
    location /at/ { if (-d $request_filename) { return 200 "-d"; } if (-f $request_filename) { return 200 "-f"; } }
    location /shut { try_files /at/file =418; }
    location /try/ { try_files /in/file =418; }
"""


@AS_ROOT
def test_if_f_is_false_and_logged_where_the_worker_may_not_look(make_server):
    """nginx asks the system about a file and does not open it: a file that cannot be read is there all the same."""
    server = make_server(UNREADABLE, single=False, main="user nobody nogroup;")
    server.write("in/file", "x")
    server.write("at/file", "x")
    (server.root / "in").chmod(0o700)
    (server.root / "at/file").chmod(0)
    server.allowed = r"\[crit\] .*(failed \(13: Permission denied\))"
    server.start()
    wait_for("a worker", lambda: len(server.workers()) == 1)
    assert fetch(server.port, "/at/file").body == b"-f"
    assert fetch(server.port, "/in/file").body == b"!-e"
    assert re.search(r'/in/file" failed \(13: Permission denied\)', server.log())
    assert fetch(server.port, "/try/x").status == 418
    assert fetch(server.port, "/shut").status == 403
