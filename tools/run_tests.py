"""The steps of tools/test: builds, runs, counts. Everything counts in one sum, printed last."""
import argparse
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JOBS = str(min(os.cpu_count() or 2, 8))
WIDTH = min(int(JOBS), 4)       # runs side by side
WAITING_WIDTH = WIDTH + 1       # of runs that wait more than they work
PYTHON = "/usr/bin/python3"
FUZZ_SECONDS = "20"
NOT_PYTEST = {"unit", "fuzz", "bench", "abi", "doubles"}
CHECKS = ["check-layers", "check-names", "check-headers", "check-docs", "check-abi", "check-out-of-tree"]


class Tally:
    """What passed and failed, and the names of what failed."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = 0

    def good(self, count=1):
        self.passed += count

    def bad(self, name):
        self.failed.append(name)


TALLY = Tally()
BEGUN = time.monotonic()


def heading(text):
    print(f"== {text}  (after {time.monotonic() - BEGUN:.0f} s)", flush=True)


def tail(text, lines=40):
    return "\n".join(text.splitlines()[-lines:])


def errors_of(out):
    """What went wrong in a build that kept going; the end of the output where nothing looks like an error."""
    lines = out.splitlines()
    wanted = set()
    for number, line in enumerate(lines):
        if re.search(r"\berror:|undefined reference|\*\*\* \[", line):
            wanted |= {number, number + 1, number + 2}
    found = [line for number, line in enumerate(lines) if number in wanted]
    return "\n".join(found[:60]) if found else tail(out)


def run(command, timeout=600, env=None):
    """Run in a process group of its own; returns (status, output). 124 is a timeout."""
    child = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, text=True, errors="replace",
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        out, _ = child.communicate(timeout=timeout)
        return child.returncode, out or ""
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, _ = child.communicate()
        return 124, (out or "") + f"\nno end after {timeout} s"


def one(name, command, timeout=600):
    """A step that is one test: its command ends well or not."""
    begun = time.monotonic()
    status, out = run(command, timeout)
    took = time.monotonic() - begun
    if status == 0:
        TALLY.good()
        last = out.strip().splitlines()[-1:] or [""]
        print(f"  ok    {name}  {took:.0f} s  {last[0][:90] if name.startswith('check') else ''}".rstrip())
    else:
        TALLY.bad(name)
        print(f"  FAIL  {name}  {took:.0f} s\n{errors_of(out)}")
    return status == 0


def build(builddir, *options, targets=("all", "unit-binaries", "test-modules")):
    """Configure unless that is done, then make."""
    if options or not (ROOT / builddir / "config.stamp").exists():
        if not one(f"configure {builddir}", ["./configure", f"--builddir={builddir}", *options]):
            return False
    return one(f"build {builddir}", ["make", "-s", "-k", f"-j{JOBS}", "-f", "tools/build.mk",
                                     f"BUILDDIR={builddir}", *targets], 1200)


def side_by_side(work, items, width=WIDTH):
    """(item, work(item)) of each item, in their order, several at a time."""
    with ThreadPoolExecutor(width) as pool:
        yield from zip(items, pool.map(work, items))


def sanitizer_env(builddir):
    """Reports go to files, so that a worker's are not lost; they are counted after the run."""
    reports = (ROOT / builddir).resolve() / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    for old in reports.iterdir():
        old.unlink()
    common = f"log_path={reports}/report:print_stacktrace=1"
    return reports, {
        "ASAN_OPTIONS": f"{common}:detect_leaks=1:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": common,
    }


def collect_reports(reports, name):
    for report in sorted(reports.iterdir()):
        TALLY.bad(f"{name}: sanitizer report")
        print(f"  FAIL  {name}: sanitizer report\n{tail(report.read_text(errors='replace'), 30)}")


def unit(builddir, sanitized=False):
    """Every unit binary; its tests are counted from the TAP lines cmocka writes."""
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", WEIR_BUILD=str((ROOT / builddir).resolve()))
    reports = None
    if sanitized:
        reports, more = sanitizer_env(builddir)
        env.update(more)
    folder = ROOT / builddir / "tests" / "unit"
    left_out = " ".join(re.findall(r"^LEFT_OUT =(.*)$", (ROOT / builddir / "config.mk").read_text(), re.M)).split()
    stems = []
    for source in sorted((ROOT / "tests" / "unit").glob("*/test_*.c")):
        if str(source.relative_to(ROOT)) in left_out:
            continue
        stem = f"{source.parent.name}/{source.stem}"
        if (folder / stem).exists():
            stems.append(stem)
        else:
            TALLY.bad(f"{builddir} {stem}: not built")
    for stem, (status, out) in side_by_side(lambda stem: run([str(folder / stem)], 300, env), stems):
        good = len(re.findall(r"^ok \d+", out, re.M))
        bad = re.findall(r"^not ok \d+ - (.*)", out, re.M)
        TALLY.good(good)
        for name in bad:
            TALLY.bad(f"{builddir} {stem}: {name}")
        if not bad and (status != 0 or good == 0):
            TALLY.bad(f"{builddir} {stem}: status {status}")
        if bad or status != 0 or good == 0:
            print(f"  FAIL  {stem}\n{tail(out)}")
        else:
            print(f"  ok    {stem}  {good}")
    if reports:
        collect_reports(reports, f"{builddir} unit")


def pytest_folders():
    """Folders of tests/ that hold something pytest collects."""
    found = []
    for folder in sorted((ROOT / "tests").glob("*/")):
        if folder.name not in NOT_PYTEST and (any(folder.rglob("test_*.py")) or any(folder.rglob("*.case"))):
            found.append(folder.name)
    return found


def seconds_of_last_run(builddirs, name):
    """How long a run of pytest took last time, in the first build that knows; one that was never timed is begun first."""
    for builddir in builddirs:
        try:
            suite = ET.parse(ROOT / builddir / "pytest" / f"{name}.xml").getroot().find("testsuite")
            return float(suite.get("time"))
        except (OSError, ET.ParseError, AttributeError, TypeError):
            continue
    return 1e9


def pytest_runs(builddir, folders):
    """{name: paths} of the runs that folders are split into, the longest first.

    Each file of scenarios in Python is a run. Cases are a run for each part of the alphabet, by the
    name of their folder, because cases that stand together share a server.
    """
    runs = {}
    for folder in folders:
        for path in sorted((ROOT / "tests" / folder).rglob("*")):
            inside = path.relative_to(ROOT / "tests" / folder)
            if path.suffix == ".case":
                part = next((p for p in ("a-e", "f-k", "l-p") if inside.parts[0][0] <= p[-1]), "q-z")
                runs.setdefault(f"{folder}-{part}", []).append(path)
            elif path.match("test_*.py"):
                runs[f"{folder}-{'-'.join(inside.with_suffix('').parts)}"] = [path]
    return dict(sorted(runs.items(), key=lambda item: -seconds_of_last_run((builddir, "build"), item[0])))


def count_pytest(label, xml, status):
    """Add what a run of pytest wrote to the tally; (passed, failed) of this run."""
    passed = failed = 0
    try:
        for case in ET.parse(xml).getroot().iter("testcase"):
            marks = {child.tag for child in case}
            if marks & {"failure", "error"}:
                failed += 1
                TALLY.bad(f"{label}: {case.get('name')}")
            elif "skipped" in marks:
                TALLY.skipped += 1
            else:
                passed += 1
    except (OSError, ET.ParseError):
        failed += 1
        TALLY.bad(f"{label}: pytest gave no result (status {status})")
    if status != 0 and failed == 0:
        failed += 1
        TALLY.bad(f"{label}: pytest ended with status {status}")
    TALLY.good(passed)
    return passed, failed


def pytest(builddir, folders, sanitized=False):
    """Folders of scenarios against the server of a build."""
    env = dict(os.environ, WEIR=str((ROOT / builddir / "weir").resolve()),
               WEIR_BUILD=str((ROOT / builddir).resolve()), PYTHONDONTWRITEBYTECODE="1")
    reports = None
    if sanitized:
        reports, more = sanitizer_env(builddir)
        env.update(more)
    results = ROOT / builddir / "pytest"
    results.mkdir(exist_ok=True)
    runs = pytest_runs(builddir, folders)

    def start(name):
        xml = results / f"{name}.xml"
        xml.unlink(missing_ok=True)
        begun = time.monotonic()
        status, out = run([PYTHON, "-m", "pytest", *map(str, runs[name]), "-q", "--tb=short", "-p",
                           "no:cacheprovider", f"--junit-xml={xml}"], 900, env)
        return status, out, time.monotonic() - begun

    for name, (status, out, took) in side_by_side(start, list(runs), WAITING_WIDTH):
        passed, failed = count_pytest(f"{builddir} {name}", results / f"{name}.xml", status)
        if failed:
            print(f"  FAIL  {name}  {passed} passed, {failed} failed\n{tail(out, 200)}", flush=True)
        else:
            print(f"  ok    {name}  {passed}  {took:.0f} s", flush=True)
    if reports:
        collect_reports(reports, f"{builddir} pytest")


def fuzz():
    """Each target for a while, several at a time."""
    stems = [p.stem[len("fuzz_"):] for p in sorted((ROOT / "tests" / "fuzz").glob("fuzz_*.c"))]
    if not stems or not build("build-fuzz", "--with-cc=clang", "--with-sanitizer=fuzzer,address,undefined",
                              targets=("fuzz-binaries",)):
        return
    for stem, (status, out) in side_by_side(
            lambda stem: run(["tools/fuzz-run", "build-fuzz", stem, FUZZ_SECONDS]), stems):
        if status == 0:
            TALLY.good()
            print(f"  ok    {out.strip()}", flush=True)
        else:
            TALLY.bad(f"fuzz {stem}")
            print(f"  FAIL  fuzz {stem}\n{tail(out)}", flush=True)


def ci_packages():
    """.ci/packages is what tools/deps installs for tests."""
    listed = (ROOT / ".ci" / "packages").read_text().split()
    _, wanted = run(["tools/deps", "--list", "test"])
    if sorted(listed) == sorted(wanted.split()):
        TALLY.good()
        print("  ok    .ci/packages")
    else:
        TALLY.bad(".ci/packages")
        print("  FAIL  .ci/packages is not what `tools/deps --list test` prints")


def checks(builddir):
    for name in CHECKS:
        if (ROOT / "tools" / name).exists():
            one(name, [f"tools/{name}", f"--builddir={builddir}"])
    ci_packages()


def main():
    parser = argparse.ArgumentParser(prog="tools/test", description="Build weir and run its tests.")
    parser.add_argument("--quick", action="store_true", help="release build, unit tests, scenarios, checks")
    parser.add_argument("--no-install", action="store_true", help="do not look for missing packages")
    parser.add_argument("--builddir", default="build")
    parser.add_argument("steps", nargs="*", help="build unit cases process modules browser asan clang fuzz checks")
    options = parser.parse_args()

    folders = pytest_folders()
    everything = ["build", "unit", *folders, "asan", "clang", "fuzz", "checks"]
    steps = options.steps
    if not steps:
        steps = ["build", "unit", *folders, "checks"] if options.quick else everything
    for step in steps:
        if step not in everything and not (ROOT / "tests" / step).is_dir() and step not in (
                "cases", "process", "modules", "browser"):
            parser.error(f"there is no step {step}; there are: {' '.join(everything)}")
    asan = "build-asan"

    scenarios = [step for step in steps if step in folders] or [None]
    built = True
    if set(steps) - {"asan", "clang", "fuzz"}:
        heading(f"build ({options.builddir})")
        built = build(options.builddir)
    for step in steps:
        if step in ("build",):
            continue
        if step == "asan":
            heading("ASan and UBSan")
            if build(asan, "--with-sanitizer=address,undefined"):
                unit(asan, sanitized=True)
                pytest(asan, [folder for folder in folders if folder != "browser"], sanitized=True)
        elif step == "clang":
            heading("clang")
            build("build-clang", "--with-cc=clang")
        elif step == "fuzz":
            heading(f"fuzzing, {FUZZ_SECONDS} s a target")
            fuzz()
        elif step == "checks":
            heading("checks")
            checks(options.builddir)
        elif step == "unit":
            # What could be built is run even if something else could not.
            heading("unit tests")
            unit(options.builddir)
        elif step == scenarios[0]:
            heading(f"scenarios: {' '.join(scenarios)}")
            if built:
                pytest(options.builddir, scenarios)
            else:
                TALLY.bad(f"{' '.join(scenarios)}: not run, the build failed")

    if TALLY.failed:
        heading("failed")
        for name in TALLY.failed:
            print(f"  {name}")
    print(f"({time.monotonic() - BEGUN:.0f} s{f', {TALLY.skipped} skipped' if TALLY.skipped else ''})")
    print(f"{TALLY.passed} passed, {len(TALLY.failed)} failed")
    return 1 if TALLY.failed or not TALLY.passed else 0


if __name__ == "__main__":
    sys.exit(main())
