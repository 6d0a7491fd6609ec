"""Collects *.case files, and gives process tests their servers."""

import os
import re

import pytest

from weir import case as cases
from weir.server import BINARY, FLAVOUR, Server


def pytest_addoption(parser):
    parser.addoption("--split", type=int, default=0,
                     help="run every case also with its bytes in pieces of N")
    parser.addoption("--differs", action="store_true",
                     help="with nginx: also run what is said to differ, and fail where it does not")


def pytest_report_header(config):
    return f"server under test: {BINARY} ({FLAVOUR})"


def pytest_configure(config):
    os.umask(0o022)                     # workers of another user read what tests write
    config.addinivalue_line("markers", "weir_only: nginx does not do this")
    if not os.access(BINARY, os.X_OK):
        raise pytest.UsageError(f"no server at {BINARY}; build it or set WEIR")


def pytest_collection_modifyitems(items):
    if FLAVOUR != "weir":
        for item in items:
            if item.get_closest_marker("weir_only"):
                item.add_marker(pytest.mark.skip(reason="weir's own"))


def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".case":
        return CaseFile.from_parent(parent, path=file_path)


class CaseFile(pytest.File):
    def collect(self):
        for case in cases.read(self.path):
            name = re.sub(r"\W+", "-", case.title.lower()).strip("-")
            yield CaseItem.from_parent(self, name=name, case=case)


class CaseItem(pytest.Item):
    """Cases of one configuration that stand together share a server."""

    shared = None                       # (key, Server) of the case before

    def __init__(self, *, case, **rest):
        super().__init__(**rest)
        self.case = case

    def runtest(self):
        if not cases.applies(self.case):
            if not self.config.getoption("--differs"):
                pytest.skip(f"nginx differs: {self.case.differs}")
            self.add_marker(pytest.mark.xfail(strict=True, reason=self.case.differs))
        if self.case.tests:
            server = cases.prepare(self.case)
            try:
                cases.run_test(self.case, server)
            finally:
                server.stop(check=False)
            return
        if CaseItem.shared is None:
            server = cases.prepare(self.case)
            try:
                server.start()
            except AssertionError:
                server.stop(check=False)
                raise
            CaseItem.shared = (self.case.key(), server)
        server = CaseItem.shared[1]
        cases.run(self.case, server, 0)
        for piece in {self.case.split, self.config.getoption("--split")} - {0}:
            try:
                cases.run(self.case, server, piece)
            except AssertionError as error:
                raise AssertionError(f"in pieces of {piece} bytes: {error}") from None

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, AssertionError):
            return f"{self.case.title} [{self.case.reason}]\n{excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, self.case.line - 1, self.name


def pytest_runtest_teardown(item, nextitem):
    """The shared server ends, and its logs are judged, when the next case wants another."""
    if CaseItem.shared is None or isinstance(nextitem, CaseItem) \
            and nextitem.case.key() == CaseItem.shared[0]:
        return
    server, CaseItem.shared = CaseItem.shared[1], None
    server.stop()


@pytest.fixture
def make_server():
    """Make servers that are stopped and looked at when the test ends."""
    made = []

    def make(conf="", files=(), **parts):
        from weir.server import configuration
        server = Server(files)
        server.configure(parts.pop("whole", None) or configuration(conf, **parts))
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()
