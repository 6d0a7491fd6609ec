"""The steps of tools/test: builds, runs, counts. Everything counts in one sum, printed last."""
import argparse
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JOBS = str(min(os.cpu_count() or 2, 8))
PYTHON = "/usr/bin/python3"
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


def heading(text):
    print(f"== {text}", flush=True)


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


def run(command, timeout=600, env=None, quiet=True):
    """Run in a process group of its own; returns (status, output). 124 is a timeout."""
    child = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, text=True, errors="replace",
                             stdout=subprocess.PIPE if quiet else None,
                             stderr=subprocess.STDOUT if quiet else None)
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


def sanitizer_env(builddir, leaks):
    """Reports go to files, so that a worker's are not lost; they are counted after the run."""
    reports = (ROOT / builddir).resolve() / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    for old in reports.iterdir():
        old.unlink()
    common = f"log_path={reports}/report:print_stacktrace=1"
    return reports, {
        "ASAN_OPTIONS": f"{common}:detect_leaks={leaks}:detect_stack_use_after_return=1",
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
        reports, more = sanitizer_env(builddir, 1)
        env.update(more)
    folder = ROOT / builddir / "tests" / "unit"
    sources = sorted((ROOT / "tests" / "unit").glob("*/test_*.c"))
    for source in sources:
        stem = f"{source.parent.name}/{source.stem}"
        binary = folder / stem
        if not binary.exists():
            TALLY.bad(f"{builddir} {stem}: not built")
            continue
        status, out = run([str(binary)], 120, env)
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


def pytest(builddir, folder, sanitized=False):
    """One folder of scenarios against the server of a build."""
    env = dict(os.environ, WEIR=str((ROOT / builddir / "weir").resolve()),
               WEIR_BUILD=str((ROOT / builddir).resolve()), PYTHONDONTWRITEBYTECODE="1")
    reports = None
    if sanitized:
        reports, more = sanitizer_env(builddir, 1)
        env.update(more)
    xml = ROOT / builddir / f"pytest-{folder}.xml"
    xml.unlink(missing_ok=True)
    status, _ = run([PYTHON, "-m", "pytest", f"tests/{folder}", "-q", "-p", "no:cacheprovider",
                     f"--junit-xml={xml}"], 900, env, quiet=False)
    label = f"{builddir} tests/{folder}"
    failed = 0
    try:
        for case in ET.parse(xml).getroot().iter("testcase"):
            marks = {child.tag for child in case}
            if marks & {"failure", "error"}:
                failed += 1
                TALLY.bad(f"{label}: {case.get('name')}")
            elif "skipped" in marks:
                TALLY.skipped += 1
            else:
                TALLY.good()
    except (OSError, ET.ParseError):
        TALLY.bad(f"{label}: pytest gave no result (status {status})")
        failed += 1
    if status != 0 and failed == 0:
        TALLY.bad(f"{label}: pytest ended with status {status}")
    if reports:
        collect_reports(reports, label)


def fuzz():
    """Each target for 20 seconds, several at a time."""
    stems = [p.stem[len("fuzz_"):] for p in sorted((ROOT / "tests" / "fuzz").glob("fuzz_*.c"))]
    if not stems or not build("build-fuzz", "--with-cc=clang", "--with-sanitizer=fuzzer,address,undefined",
                              targets=("fuzz-binaries",)):
        return
    width = int(JOBS)
    for at in range(0, len(stems), width):
        group = [(stem, subprocess.Popen(["tools/fuzz-run", "build-fuzz", stem, "20"], cwd=ROOT, text=True,
                                         errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
                 for stem in stems[at:at + width]]
        for stem, child in group:
            out, _ = child.communicate()
            if child.returncode == 0:
                TALLY.good()
                print(f"  ok    {out.strip()}")
            else:
                TALLY.bad(f"fuzz {stem}")
                print(f"  FAIL  fuzz {stem}\n{tail(out)}")


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
    begun = time.monotonic()

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
                if (ROOT / asan / "weir").exists():
                    for folder in folders:
                        if folder != "browser":
                            pytest(asan, folder, sanitized=True)
        elif step == "clang":
            heading("clang")
            build("build-clang", "--with-cc=clang")
        elif step == "fuzz":
            heading("fuzzing, 20 s a target")
            fuzz()
        elif step == "checks":
            heading("checks")
            checks(options.builddir)
        elif step == "unit":
            # What could be built is run even if something else could not.
            heading("unit tests")
            unit(options.builddir)
        elif not built:
            TALLY.bad(f"{step}: not run, the build failed")
        elif step in folders:
            heading(f"tests/{step}")
            pytest(options.builddir, step)

    if TALLY.failed:
        heading("failed")
        for name in TALLY.failed:
            print(f"  {name}")
    print(f"({time.monotonic() - begun:.0f} s{f', {TALLY.skipped} skipped' if TALLY.skipped else ''})")
    print(f"{TALLY.passed} passed, {len(TALLY.failed)} failed")
    return 1 if TALLY.failed or not TALLY.passed else 0


if __name__ == "__main__":
    sys.exit(main())
