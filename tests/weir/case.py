"""Wire scenarios: *.case files, their grammar and how one is run. docs/testing.md describes them.

A file is read whole and checked before anything runs: an unknown key, a key out of place or a
case that expects nothing is an error of the file, with its line.
"""

import os
import re
import zlib
from pathlib import Path

from weir.server import FLAVOUR, Server, configuration, wait_for
from weir.wire import Connection

SETTINGS = ("main", "events", "http", "conf", "server", "whole", "file", "link")
FREE = ("title", "split", "differs")
STEPS = ("send", "get", "head", "request", "half-close", "reconnect", "repeat", "expect")
CHECKS = ("line", "header", "no-header", "once", "body", "gunzip", "body-bytes", "trailer",
          "log", "no-log", "file", "no-file", "raw")
TESTS = ("expect-test", "expect-place", "expect-says", "expect-silent")
KEYS = {*SETTINGS, *FREE, *STEPS, *TESTS, *(f"expect-{c}" for c in CHECKS)}
ESCAPE = re.compile(r"\\(\{(?P<what>(?:\\.|[^\\}])*?)\*(?P<times>\d+)\}|x(?P<hex>[0-9A-Fa-f]{2})|(?P<one>.))", re.S)
LETTERS = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "s": " ", "\\": "\\"}


class CaseError(Exception):
    """The case file itself is wrong."""


def unescape(text):
    """The text with \\r \\n \\t \\0 \\s \\\\ \\xNN and \\{PART*TIMES} replaced; bytes as latin-1."""
    def value(match):
        if match["what"] is not None:
            return unescape(match["what"]) * int(match["times"])
        if match["hex"]:
            return chr(int(match["hex"], 16))
        if match["one"] not in LETTERS:
            raise CaseError(f"unknown escape \\{match['one']}")
        return LETTERS[match["one"]]
    return ESCAPE.sub(value, text)


class Case:
    """One scenario: settings, then steps [(key, value, line, checks)]."""

    def __init__(self, path, line):
        self.path, self.line, self.title, self.reason = path, line, "", ""
        self.settings, self.steps, self.tests = {}, [], []
        self.split, self.differs = 0, ""

    def conf(self):
        one = lambda key: "\n".join(self.settings.get(key, []))
        if "whole" in self.settings:
            return one("whole")
        return configuration(one("conf"), one("http"), self.settings.get("server", []),
                             one("main"), one("events"))

    def key(self):
        """Cases of one key share a server."""
        return (self.conf(), tuple(self.settings.get("file", [])),
                tuple(self.settings.get("link", [])))


def entries(path):
    """(key, value lines, line number) of a file; None as key for the line between two cases."""
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("#"):
            continue
        if line.strip() == "---":
            found.append((None, [], number))
        elif line[:1] in (" ", "\t") and found and found[-1][0]:
            found[-1][1].append(line)
        elif not line.strip():
            if found and found[-1][0]:
                found[-1][1].append("")
        else:
            key, colon, value = line.partition(":")
            if not colon or key not in KEYS:
                raise CaseError(f"{path}:{number}: unknown key {key!r}")
            found.append((key, [value.strip()], number))
    return found


def text_of(key, lines):
    """Configuration keeps its lines; all else is joined, as line ends are written \\r\\n."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    if key in ("main", "events", "http", "conf", "server", "whole"):
        if key == "whole" and lines and not lines[0]:
            lines = lines[1:]
        margin = min((len(l) - len(l.lstrip()) for l in lines[1:] if l.strip()), default=0)
        if key == "whole" and lines:
            margin = min(len(l) - len(l.lstrip()) for l in lines if l.strip())
            return "\n".join(l[margin:] for l in lines) + "\n"
        return "\n".join([lines[0]] + [l[margin:] for l in lines[1:]])
    if key in ("get", "head", "request"):
        return "\r\n".join(l.strip() for l in lines if l.strip())
    return "".join(l.strip() for l in lines)


def read(path):
    """The cases of a file. A case without settings has those of the case before it."""
    cases, case, settings = [], None, {}
    for key, lines, number in [*entries(path), (None, [], 0)]:
        if key is None:
            if case is not None:
                finish(case, settings)
                settings = case.settings
                cases.append(case)
            case = None
            continue
        if case is None:
            case = Case(path, number)
        try:
            take(case, key, text_of(key, lines), number)
        except CaseError as error:
            raise CaseError(f"{path}:{number}: {error}") from None
    if not cases:
        raise CaseError(f"{path}: no case")
    return cases


def take(case, key, value, number):
    if key == "title":
        match = re.fullmatch(r"(.*?)\s+\[(.+)\]", value)
        if not match:
            raise CaseError("a title ends with its [RFC n section] or [source]")
        case.title, case.reason = match[1], match[2]
    elif key == "split":
        case.split = int(value)
    elif key == "differs":
        case.differs = value
    elif key in SETTINGS:
        if case.steps:
            raise CaseError(f"{key} after the first step")
        case.settings.setdefault(key, []).append(value)
    elif key in TESTS:
        case.tests.append((key, value))
    elif key in STEPS:
        case.steps.append((key, value, number, []))
    else:
        if not case.steps or case.steps[-1][0] != "expect":
            raise CaseError(f"{key} without an expect: before it")
        case.steps[-1][3].append((key[len("expect-"):], value, number))


def finish(case, settings):
    where = f"{case.path}:{case.line}"
    if not case.title:
        raise CaseError(f"{where}: no title")
    if not case.tests and not any(s[0] == "expect" for s in case.steps):
        raise CaseError(f"{where}: expects nothing")
    if case.tests and case.steps:
        raise CaseError(f"{where}: expect-test beside wire steps")
    if not case.settings:
        case.settings = settings
    case.conf()


def file_name(text):
    """A path whose escapes stand for bytes."""
    return os.fsdecode(unescape(text.strip()).encode("latin-1"))


def prepare(case):
    """A server's folder with the files of a case, configured, not started."""
    server = Server()
    for entry in case.settings.get("file", []):
        path, equals, content = entry.partition("=")
        if not equals:
            raise CaseError(f"{case.path}: file: {entry!r} is not 'path = content'")
        server.write(file_name(path), unescape(content.strip()).encode("latin-1"))
    for entry in case.settings.get("link", []):
        name, _, target = (file_name(part) for part in entry.partition("->"))
        (server.root / name).parent.mkdir(parents=True, exist_ok=True)
        (server.root / name).symlink_to(server.fill_in(target))
    server.configure(case.conf())
    return server


def run(case, server, piece):
    """Run the steps of a case; AssertionError with the line of what failed."""
    server.mark_log()
    conn = Connection(server.port)
    answer, times = None, 1
    try:
        for key, value, number, checks in case.steps:
            try:
                if key == "repeat":
                    times = int(value)
                elif key == "reconnect":
                    conn.close()
                    conn = Connection(server.port)
                elif key == "half-close":
                    conn.sock.shutdown(1)
                elif key == "expect":
                    for _ in range(times):
                        answer = expect(conn, value)
                        for check, wanted, number in checks:
                            verify(check, server.fill_in(wanted), answer, server)
                    times = 1
                else:
                    conn.send(request(key, server.fill_in(value)), piece)
            except (AssertionError, OSError) as error:
                raise AssertionError(f"{case.path.name}:{number}: {key}: {value}\n"
                                     f"{type(error).__name__}: {error}\nlast answer: {answer!r}") from None
        assert not conn.pending, f"bytes nobody asked for: {conn.pending[:300]!r}"
    finally:
        conn.close()
    server.check_logs()


def request(key, value):
    """The bytes of send:, or of the short forms get: head: request:."""
    if key == "send":
        return unescape(value).encode("latin-1")
    start, *fields = unescape(value).split("\r\n")
    start = start if key == "request" else f"{key.upper()} {start}"
    if not any(f.lower().startswith("host:") for f in fields):
        fields.insert(0, "Host: a")
    return "\r\n".join([f"{start} HTTP/1.1", *fields, "", ""]).encode("latin-1")


def expect(conn, value):
    """`STATUS[|STATUS..][, then closed|dropped|kept]`, or `closed` where no answer comes."""
    match = re.fullmatch(r"(\d{3}(?:\|\d{3})*)(?:, then (closed|dropped|kept))?|(closed)", value)
    if not match:
        raise CaseError(f"expect: {value!r} is not 'STATUS[, then closed|dropped|kept]' or 'closed'")
    if match[3]:
        return conn.expect_closed()
    answer = conn.response()
    assert str(answer.status) in match[1].split("|"), f"status {answer.status}, not {match[1]}"
    if match[2] == "kept":
        conn.expect_kept()
    elif match[2]:
        assert match[2] == "dropped" or answer.get("Connection", "").lower() == "close", \
            "closes, but no Connection: close said so"
        conn.expect_closed()
    return answer


def same(wanted, have, what):
    """wanted is a literal, or `~ REGEX` that has to be found."""
    if wanted.startswith("~"):
        assert re.search(wanted[1:].strip(), have, re.S), f"{what}: no {wanted} in {have[:2000]!r}"
    else:
        assert unescape(wanted) == have, f"{what}: {have[:2000]!r}, not {unescape(wanted)[:2000]!r}"


def field_check(fields, wanted, what):
    """`Name: literal` or `Name: ~ REGEX`: one field line of that name is so."""
    name, _, value = wanted.partition(":")
    have = [v for n, v in fields if n.lower() == name.strip().lower()]
    assert have, f"no {what} {name}"
    value = value.strip()
    if value.startswith("~"):
        assert any(re.search(value[1:].strip(), v) for v in have), f"{what} {name}: {have}, not {value}"
    else:
        assert unescape(value) in have, f"{what} {name}: {have}, not {value!r}"


def verify(check, wanted, answer, server):
    """One expect-CHECK line."""
    if check in ("log", "file"):
        path, regex = ("", wanted) if check == "log" else (p.strip() for p in wanted.split("~", 1))
        read_it = server.log if check == "log" else lambda: Path(server.prefix / path).read_text(
            "latin-1") if (server.prefix / path).exists() else ""
        try:
            wait_for(regex, lambda: re.search(regex, read_it(), re.M))
        except AssertionError:
            raise AssertionError(f"no {regex} in {path or 'the error log'}:\n{read_it()[-3000:]}")
    elif check in ("no-log", "no-file"):
        path, regex = ("", wanted) if check == "no-log" else (p.strip() for p in wanted.split("~", 1))
        text = server.log() if check == "no-log" else Path(server.prefix / path).read_text("latin-1")
        assert not re.search(regex, text, re.M), f"{regex} in {text[-3000:]}"
    elif check == "line":
        same(wanted, answer.line, "status line")
    elif check == "header":
        field_check(answer.fields, wanted, "field")
    elif check == "trailer":
        field_check(answer.trailers, wanted, "trailer")
    elif check == "no-header":
        assert not answer.all(wanted), f"field {wanted}: {answer.all(wanted)}"
    elif check == "once":
        assert len(answer.all(wanted)) == 1, f"{wanted} {len(answer.all(wanted))} times"
    elif check == "body":
        same(wanted, answer.body.decode("latin-1"), "body")
    elif check == "raw":
        same(wanted, answer.head.decode("latin-1"), "head")
    elif check == "gunzip":
        same(wanted, zlib.decompress(answer.body, 31).decode("latin-1"), "decoded body")
    elif check == "body-bytes":
        assert len(answer.body) == int(wanted), f"{len(answer.body)} bytes, not {wanted}"


def run_test(case, server):
    """A case about `-t`: exit status, place with caret, words."""
    result = server.run("-t")
    said = result.stdout + result.stderr
    try:
        for key, value in case.tests:
            if key == "expect-test":
                assert value in ("ok", "fails"), f"expect-test: {value!r} is not ok or fails"
                assert (result.returncode == 0) == (value == "ok"), f"exit status {result.returncode}"
            elif key == "expect-place":
                check_place(said, server, *map(int, value.split(":")))
            elif key == "expect-says":
                assert re.search(value, said), f"no {value}"
            else:
                assert not re.search(value, said), f"says {value}"
        assert not re.search(r"Sanitizer|runtime error:", said)
        assert result.returncode >= 0, f"ended by signal {-result.returncode}"
    except AssertionError as error:
        raise AssertionError(f"{case.path.name}:{case.line}: {error}\n-t says:\n{said}") from None


def check_place(said, server, row, column):
    """weir.conf:ROW:COLUMN is named, and a caret stands below that column of the quoted line."""
    assert re.search(rf"weir\.conf:{row}:{column}\b", said), f"no weir.conf:{row}:{column}"
    quoted = server.conf.read_text().splitlines()[row - 1]
    lines = said.splitlines()
    for above, below in zip(lines, lines[1:]):
        at = above.find(quoted.strip())
        if at >= 0 and "^" in below:
            start = at - (len(quoted) - len(quoted.lstrip()))
            assert below.index("^") - start == column - 1, f"caret not below column {column}"
            return
    raise AssertionError(f"line {row} is not quoted with a caret below")


def applies(case):
    """nginx does not answer as weir where a case says `differs:`."""
    return FLAVOUR == "weir" or not case.differs
