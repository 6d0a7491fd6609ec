"""Modules of others: built apart, loaded by file, replaced by a reload."""

import os
import signal
import subprocess

import pytest

from weir.server import TOP, wait_for
from weir.wire import Connection, fetch

pytestmark = pytest.mark.weir_only

SOURCE = """
#include <weir/weir.h>

typedef struct { bool on; } conf;

static int
answer(weir_request *r, const void *c)
{
    (void)c;
    return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("TEXT"));
}

static bool
wanted(const void *c)
{
    return ((const conf *)c)->on;
}

static const weir_directive directives[] = {
    WEIR_OPT(conf, on, FLAG, "say", WEIR_IN_LOCATION, "off", "answer"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .handler = answer, .wanted = wanted },
};

WEIR_MODULE("test.say", "1.0", .conf_size = sizeof(conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks));
"""


def build(folder, text):
    """say.so in folder, which answers with text; put in place by rename, as an installation would."""
    source, made, target = folder / "say.c", folder / "new.so", folder / "say.so"
    source.write_text(SOURCE.replace("TEXT", text))
    subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-fPIC", "-shared", "-fvisibility=hidden",
                    "-I", str(TOP / "include"), str(source), "-o", str(made)], check=True)
    os.rename(made, target)
    return target


def says(port):
    return fetch(port, "/").body.decode()


def test_a_replaced_module_is_taken_by_a_reload_and_old_workers_keep_theirs(make_server):
    server = make_server("location / { say on; }", main="load_module %PREFIX%/say.so;", single=False)
    build(server.prefix, "one")
    server.start()
    assert says(server.port) == "one"
    build(server.prefix, "two")
    assert says(server.port) == "one", "a file that was replaced changes nothing by itself"
    old = Connection(server.port)
    old.send(b"GET / HTTP/1.1\r\nHost: a\r\n")       # an old worker's, not whole yet
    server.kill(signal.SIGHUP)
    wait_for("the new module", lambda: says(server.port) == "two")
    old.send(b"\r\n")
    assert old.response().body == b"one"
    old.close()
    build(server.prefix, "one")
    server.kill(signal.SIGHUP)
    wait_for("the first again", lambda: says(server.port) == "one")


def test_a_module_that_cannot_be_loaded_keeps_what_runs(make_server):
    server = make_server("location / { say on; }", main="load_module %PREFIX%/say.so;", single=False)
    target = build(server.prefix, "one")
    server.start()
    workers = wait_for("a worker", server.workers)
    target.write_bytes(b"not a module")
    server.kill(signal.SIGHUP)
    server.allowed = "say"
    wait_for("the reason", lambda: "say.so" in server.log(whole=True))
    assert says(server.port) == "one"
    assert server.workers() == workers


def test_a_module_of_another_digest_is_refused(make_server):
    server = make_server("location / { say on; }",
                         main="load_module %PREFIX%/say.so sha256=" + "0" * 64 + ";")
    build(server.prefix, "one")
    result = server.run("-t")
    assert result.returncode == 1
    assert "weir.conf:" in result.stderr and "sha256" in result.stderr


# ---- What modules may hold up. ----

HOLDER = "load_module %MODULE:holder%;"


@pytest.mark.weir_only
@pytest.mark.parametrize("how,directive", [("keeps", "filter_keep_size"), ("whole", "filter_whole_size")])
def test_how_much_a_filter_may_hold_back_is_a_directive(make_server, how, directive):
    server = make_server(f"sendfile off; hold {how}; location /a/ {{ {directive} 100k; alias %ROOT%/; }} location /b/ {{ {directive} 400k; alias %ROOT%/; }}",
                         files={"f": b"x" * 300_000, "small": b"y" * 90_000}, main=HOLDER).start()
    assert fetch(server.port, "/b/f").body == b"x" * 300_000
    assert fetch(server.port, "/a/small").body == b"y" * 90_000
    with pytest.raises(Exception):
        fetch(server.port, "/a/f")
    wait_for("the reason", lambda: 'body filter of module "test.holder"' in server.log(whole=True))


@pytest.mark.weir_only
def test_how_long_a_module_may_wait_is_a_directive(make_server):
    server = make_server("suspend_timeout 100ms; hold waits; location / { }", main=HOLDER).start()
    assert fetch(server.port, "/").status == 504
