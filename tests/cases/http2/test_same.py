"""Every case that asks with get:, head: or request: once more over HTTP/2: the answer is the same.

Left out is what only HTTP/1 has: raw bytes, status lines, fields of connections; and cases that expect to see the protocol's
name.  [RFC 9110 is for both]
"""

import re
from pathlib import Path

import pytest

from weir import case as cases
from weir.http2 import Http2

pytestmark = pytest.mark.weir_only
OWN = {"connection", "keep-alive", "transfer-encoding"}


def is_same(case):
    """Can it be asked, and has it the same answer, over HTTP/2?"""
    if case.tests or "whole" in case.settings or "http2" in case.conf():
        return False
    for key, value, _, checks in case.steps:
        if key not in ("get", "head", "request", "expect") or value.startswith("closed"):
            return False
        if key != "expect":
            start, *fields = cases.unescape(value).split("\r\n")
            if any(f.partition(":")[0].strip().lower() in OWN | {"te"} or f[:1] in " \t" for f in fields):
                return False
            if key == "request" and not re.fullmatch(r"\S+ (/|\*)\S*", start):
                return False
        if any("HTTP/1" in wanted or "keep-alive" in wanted for _, wanted, _ in checks):
            return False
        if any(check in ("line", "raw") or check in ("header", "no-header", "once")
               and wanted.partition(":")[0].strip().lower() in OWN for check, wanted, _ in checks):
            return False
    return True


def all_cases():
    for path in sorted(Path(__file__).parents[1].glob("*/*.case")):
        for case in cases.read(path):
            if is_same(case):
                yield pytest.param(case, id=f"{path.parent.name}-{case.line}")


class Shared:
    """The server of the case before, for cases of one configuration."""

    key = server = None

    def of(self, case):
        if self.key != case.key():
            self.end()
            self.server = cases.prepare(case)
            self.server.configure(case.conf().replace("http {", "http { http2 on;", 1))
            self.server.start()
            self.key = case.key()
        return self.server

    def end(self):
        if self.server is not None:
            self.server.stop()
        self.server = self.key = None


@pytest.fixture(scope="module")
def shared():
    servers = Shared()
    yield servers
    servers.end()


def ask(conn, key, value):
    """Begin the request of a step; its stream."""
    start, *lines = cases.unescape(value).split("\r\n")
    method, path = start.split(" ", 1) if key == "request" else (key.upper(), start)
    pairs = [line.partition(":") for line in lines]
    fields = [(name.strip().lower(), text.strip(" \t")) for name, _, text in pairs]
    host = [text for name, text in fields if name == "host"] or ["a"]
    return conn.request(path, method, host[0], [f for f in fields if f[0] != "host"])


@pytest.mark.parametrize("case", all_cases())
def test_the_answer_is_the_same(case, shared):
    server = shared.of(case)
    server.mark_log()
    streams = []
    with Http2(server.port) as conn:
        for key, value, number, checks in case.steps:
            try:
                if key != "expect":
                    streams.append(ask(conn, key, server.fill_in(value)))
                    continue
                answer = conn.response(streams.pop(0))
                assert str(answer.status) in re.match(r"[\d|]+", value)[0].split("|"), f"status {answer.status}"
                for check, wanted, number in checks:
                    cases.verify(check, server.fill_in(wanted), answer, server)
            except AssertionError as error:
                raise AssertionError(f"{case.path.name}:{number}: {key}: {value}\n{error}") from None
    server.check_logs()
