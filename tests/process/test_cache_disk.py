"""The cache over its life: restarts, reloads, damage, workers that die."""

import os
import pathlib
import re
import signal

import pytest

from weir.cached import FRESH, Held, all_at_once, bodies, bytes_of, files, front, numbered, owner_of, restart  # noqa: F401
from weir.recorder import answer
from weir.server import children, wait_for

pytestmark = pytest.mark.weir_only

BODY = b"0123456789" * 1000


def stored(front, n=1, **parts):
    """n responses, all on the disk."""
    replies = numbered(FRESH)
    one = front(lambda r: replies(r) if r.target == "/" else answer(BODY, fields=[FRESH, ("X-T", r.target)]), **parts)
    for i in range(n):
        one.get(f"/{i}")
    wait_for("files", lambda: len(files(one)) >= n)
    return one


def test_a_restart_keeps_what_is_stored(front):
    one = stored(front, 5)
    restart(one)
    wait_for("it to be found again", lambda: one.get("/0").get("X-Cache") == "HIT")
    asked = one.asked
    for i in range(5):
        got = one.get(f"/{i}")
        assert got.body == BODY and got.get("X-T") == f"/{i}" and got.get("X-Cache") == "HIT"
    assert one.asked == asked <= 6


def test_a_hit_from_the_disk_has_age_ranges_and_conditions(front):
    one = front(answer(BODY, fields=[FRESH, ("ETag", '"a"')]))
    one.get()
    wait_for("the file", lambda: files(one))
    restart(one)
    wait_for("it to be found again", lambda: one.get().get("X-Cache") == "HIT")
    assert one.get(fields=[("Range", "bytes=5-8")]).body == b"5678"
    assert one.get(fields=[("If-None-Match", '"a"')]).status == 304
    assert one.get(method="HEAD").get("Content-Length") == "10000"


@pytest.mark.parametrize("brought, written", [([], False), ([("X-A", "1")], False), ([("X-A", "2")], True), ([FRESH], True)])
def test_a_304_is_written_where_a_restart_would_miss_it(front, brought, written):
    asks = [("Cache-Control", "no-cache"), ("ETag", '"a"'), ("X-A", "1")]
    one = front(answer(BODY, fields=asks), answer(b"", status="304 Not Modified", fields=[("ETag", '"a"'), *brought], length=None))
    one.get()
    wait_for("the file", lambda: files(one))
    path = files(one)[0]
    before = path.stat().st_size
    assert one.get().get("X-Cache") == "REVALIDATED"
    if written:
        wait_for("the newer head", lambda: path.stat().st_size > before)
    else:
        one.server.process.send_signal(signal.SIGQUIT)      # which ends what is being written
        one.server.process.wait(30)
        assert path.stat().st_size == before


@pytest.mark.parametrize("how", ["flip", "cut", "empty", "gone", "head"])
def test_damage_is_a_miss_and_never_an_answer(front, how):
    one = stored(front)
    restart_first = files(one)[0]
    one.server.process.send_signal(signal.SIGQUIT)
    one.server.process.wait(30)
    data = bytearray(restart_first.read_bytes())
    if how == "gone":
        restart_first.unlink()
    else:
        if how == "flip":
            data[-100] ^= 1
        elif how == "head":
            data[60] ^= 1
        restart_first.write_bytes({"cut": bytes(data[:-50]), "empty": b""}.get(how, bytes(data)))
    one.server.start()
    for _ in range(3):
        try:
            got = one.get("/0")
        except Exception:            # found while it was sent: cut, never complete and wrong
            continue
        assert got.body == BODY
    assert one.get("/0").body == BODY


def test_a_file_of_another_version_is_a_miss_and_no_damage(front):
    one = stored(front)
    path = files(one)[0]
    one.server.process.send_signal(signal.SIGQUIT)
    one.server.process.wait(15)
    data = bytearray(path.read_bytes())
    assert data[:7] == b"weirfil"
    data[7] = ord("1")
    path.write_bytes(data)
    one.server.start()
    assert one.get("/0").body == BODY and one.asked == 2
    assert "damaged" not in (one.server.prefix / "logs/error.log").read_text()


def test_a_reload_keeps_what_is_stored_and_what_is_under_way(front):
    held = Held()
    one = front(held, main="worker_processes 2;", single=False)
    wait_for("workers", lambda: len(children(one.server.process.pid)) >= 2)
    before = set(children(one.server.process.pid))
    clients = all_at_once(one, 4)
    assert held.came.wait(30)
    one.server.process.send_signal(signal.SIGHUP)
    wait_for("new workers", lambda: len(set(children(one.server.process.pid)) - before) >= 2)
    late = all_at_once(one, 4)
    held.start.set()
    held.go_on.set()
    assert bodies([*clients, *late]) == {b"first and the rest"}
    assert one.get().get("X-Cache") == "HIT" and one.asked == 1


def test_a_filler_that_is_killed_is_followed_by_another(front):
    held = Held()
    one = front(held, answer(b"second", fields=[FRESH]), main="worker_processes 2;", single=False)
    one.server.allowed = "exited on signal 9|killed|died"
    wait_for("workers", lambda: len(children(one.server.process.pid)) >= 2)
    first = all_at_once(one, 1)
    assert held.came.wait(30)
    clients = all_at_once(one, 30)
    filler = owner_of(one, first[0])
    os.kill(filler, signal.SIGKILL)
    got = []
    for c in clients:
        try:
            got.append(c.response(b"GET").body)
        except Exception:            # the killed worker's own
            pass
    assert set(got) <= {b"second"}
    assert one.get().body == b"second"
    held.start.set()
    held.go_on.set()


def kill_all(one):
    """Master and workers at once: nothing is brought to an end."""
    pids = [one.server.process.pid, *children(one.server.process.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    one.server.process.wait(15)
    wait_for("all to be gone", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))


@pytest.mark.parametrize("how", ["key", "prefix", "tag", "soft"])
def test_what_was_purged_stays_purged_when_all_are_killed(front, how):
    one = front(lambda r: answer(BODY, fields=[FRESH, ("Cache-Tag", "red"), ("ETag", '"a"')]), more="cache_purge on;",
                main="worker_processes 2;", single=False)
    one.server.allowed = "exited on signal 9|killed|died"
    paths = [f"/a/{i}" for i in range(400)]
    for path in [*paths, "/b"]:
        one.get(path)
    wait_for("files", lambda: len(files(one)) >= len(paths) + 1)
    if how == "key":
        paths = paths[:20]
        replies = [one.get(path, "PURGE") for path in paths]
    elif how == "prefix":
        replies = [one.get("/a/*", "PURGE")]
    else:
        paths.append("/b")
        replies = [one.get("/", "PURGE", fields=[("Cache-Tag", "red"), *([("Soft-Purge", "1")] if how == "soft" else [])])]
    kill_all(one)
    assert [r.status for r in replies] == [200] * len(replies)
    one.server.start()
    got = [one.get(path) for path in paths]
    assert not [r for r in got if r.get("X-Cache") == "HIT"] and {r.body for r in got} == {BODY}
    assert how in ("tag", "soft") or one.get("/b").get("X-Cache") == "HIT"


def test_a_folder_that_cannot_be_written_is_served_through(front):
    one = front(answer(BODY * 300, fields=[FRESH]))
    folder = one.server.prefix / "cache"
    folder.chmod(0o500)
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o500)
    try:
        for _ in range(3):
            assert one.get().body == BODY * 300
    finally:
        folder.chmod(0o700)
        for path in folder.rglob("*"):
            if path.is_dir():
                path.chmod(0o700)


def test_max_size_holds(front):
    one = front(lambda r: answer(BODY * 10, fields=[FRESH]), http="")
    one.server.process.send_signal(signal.SIGQUIT)
    one.server.process.wait(30)
    text = one.server.text.replace("memory=8m", "memory=1m max_size=1m manager_sleep=10ms")
    one.server.configure(text)
    one.server.start()
    for i in range(40):
        assert one.get(f"/{i}").body == BODY * 10
    wait_for("the folder to shrink", lambda: bytes_of(one) <= 1 << 20)


# ---- Telling. ----

def test_the_limits_of_a_zone_are_explained(front):
    one = front(answer(b"x"), more="proxy_cache_bypass $arg_a $arg_b; proxy_no_cache $arg_c; proxy_cache_max_range_offset 4k; "
                "proxy_cache_methods POST; cache_obey_request on; cache_set_cookie off; cache_targets CDN-Cache-Control;")
    one.server.configure(one.server.text.replace("memory=8m", "memory=8m max_size=3g min_free=1500 levels=1:2"))
    said = one.server.run("-M", f"http://a:{one.server.port}/").stdout
    for line in (f'kept in "{one.server.prefix}/cache": memory 8m, files 3g, at least 1500 left free', "leaves after 3600 s",
                 "methods: GET, HEAD, POST; a HEAD fetches the whole", "conditions: 2 to pass the cache by, 1 not to store",
                 "ranges from byte 4096 on pass the cache by", "responses with Set-Cookie are stored never",
                 "Cache-Control of requests is obeyed", "before Cache-Control: CDN-Cache-Control"):
        assert line in said, said


def test_the_page_tells_how_many_looks_were_hits(front):
    one = front(answer(b"x", fields=[FRESH]), more="} location = /metrics { metrics prometheus;")
    for _ in range(9):
        one.get()
    page = one.get("/metrics").body.decode()
    value = {name: int(n) for name, n in re.findall(r'^weir_cache_zone_(\w+)\{zone="c"\} (\d+)', page, re.M)}
    hits = value["memory_hits_total"] + value["disk_hits_total"]
    assert hits == 8 and 8 <= value["finds_total"] <= 10 and value["hit_percent"] == hits * 100 // value["finds_total"]


def test_the_page_has_every_series_that_the_manual_names(front):
    one = front(answer(b"x", fields=[FRESH]), more="} location = /metrics { metrics prometheus;")
    one.get()
    there = set(re.findall(r'^weir_cache_zone_(\w+)\{zone="c"\}', one.get("/metrics").body.decode(), re.M))
    manual = (pathlib.Path(__file__).parents[2] / "modules/cache/cache.md").read_text()
    named = re.search(r"under `weir_cache_zone_\.\.\.`: ([a-z_,\s]+)\.", manual)[1]
    assert there == set(re.split(r"[,\s]+", named))
