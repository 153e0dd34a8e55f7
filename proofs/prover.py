# SPDX-License-Identifier: MIT
"""Runs Frama-C/WP on one function, or on the lemmas, of one file, and keeps what it said."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import time

OPTIONS = ["-c11", "-machdep", "gcc_x86_64", "-kernel-warn-key", "annot-error=abort",
           "-cpp-extra-args=-I. -Iinclude"]
WP = ["-wp", "-wp-rte", "-warn-unsigned-overflow", "-wp-par", "1", "-wp-cache", "update"]
# Attempts at a function: which prover goes first, and the seconds each may take for one goal. A goal that is proved at all is
# nearly always proved within a second (97 of 100), but a quarter of them by Z3 alone, after CVC4's time; so the first
# attempt is short. Only a function with goals that timed out gets another, and of those it is Z3 that proves most.
ATTEMPTS = (("cvc4x,z3x", 1), ("z3x,cvc4x", 5), ("z3x,cvc4x", 30), ("z3x,cvc4x", 180))
SMOKE = 2      # seconds for one smoke test
LIMIT = 1500   # seconds for one function: only a broken tool takes longer
LEMMAS = "lemmas"

# Warnings of WP after which "all proved" may not mean what it says.
DOUBT = re.compile(r"\[wp[^\]]*\][^\n]*Warning:[^\n]*(?:\n  [^\n]*)*|\[kernel:annot[^\n]*Warning:[^\n]*(?:\n  [^\n]*)*")
HARMLESS = re.compile(r"pedantic-assigns|generating default assigns")


class Toolbox:
    """The why3 configuration made for this build, and the versions of everything that has a say."""

    def __init__(self, build):
        self.build = build
        os.makedirs(build, exist_ok=True)
        out = lambda *a: subprocess.run(a, capture_output=True, text=True).stdout.strip()
        self.versions = [out("frama-c", "-version"), out("why3", "--version"), out("z3", "--version"),
                         out("cvc4", "--version").split("\n")[0]]
        self.env = dict(os.environ, WHY3CONFIG=self._why3(out("why3", "--print-datadir")))

    def _why3(self, data):
        """The stock driver of Z3 takes a time-out for a failure; z3x is Z3 with one more line in a copy of it. The provers
        count time on the wall, so ten times as much of it: why3 itself stops a prover by its CPU time."""
        drivers = os.path.join(self.build, "drivers")
        if not os.path.isdir(drivers):
            shutil.copytree(os.path.join(data, "drivers"), drivers)
        driver = os.path.join(drivers, "z3x.drv")
        with open(os.path.join(drivers, "z3_471.drv")) as stock, open(driver, "w") as f:
            f.write(stock.read() + '\ntimeout "^timeout"\n')
        z3, cvc4 = shutil.which("z3"), shutil.which("cvc4")
        common = "sat.random_seed=42 nlsat.randomize=false smt.random_seed=42 -st %f"
        conf = os.path.abspath(os.path.join(self.build, "why3.conf"))
        with open(conf, "w") as f:
            f.write(f"""[main]
datadir = "{data}"
libdir = "{subprocess.run(["why3", "--print-libdir"], capture_output=True, text=True).stdout.strip()}"
magic = 14
memlimit = 2000
running_provers_max = 2
timelimit = {ATTEMPTS[-1][1]}

[prover]
name = "cvc4x"
version = "{self.versions[3].split()[-1] if "version" not in self.versions[3] else
            self.versions[3].split("version ")[1].split()[0]}"
alternative = ""
command = "{cvc4} --stats --tlimit=%t0000 --lang=smt2 %f"
command_steps = "{cvc4} --stats --rlimit=%S --lang=smt2 %f"
driver = "cvc4_17"
editor = ""
in_place = false
interactive = false

[prover]
name = "z3x"
version = "{self.versions[2].split()[2]}"
alternative = ""
command = "{z3} -smt2 -T:%t0 {common}"
command_steps = "{z3} -smt2 {common.replace(" -st", " rlimit=%S -st")}"
driver = "{os.path.abspath(driver)}"
editor = ""
in_place = false
interactive = false
""")
        return conf

    def at(self, root):
        """Environment of a run in a folder: Frama-C takes PWD's word for where it is."""
        return dict(self.env, PWD=os.path.abspath(root))

    def parse(self, root, path):
        """What Frama-C has against a file, "" if nothing."""
        run = subprocess.run(["frama-c", *OPTIONS, path], cwd=root, capture_output=True, text=True,
                             env=self.at(root))
        return "" if run.returncode == 0 else run.stdout + run.stderr


class Result:
    def __init__(self, proved=0, goals=0, seconds=0.0, failures=(), cached=False):
        self.proved, self.goals, self.seconds = proved, goals, seconds
        self.failures, self.cached = list(failures), cached

    def ok(self):
        return self.goals > 0 and self.proved == self.goals and not self.failures


def key_of(tools, unit, name, lemmas):
    words = [unit.without_bodies(() if lemmas else (name,)), name, *lemmas, unit.path, *OPTIONS, *WP, *tools.versions]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def command_of(tools, which, provers, timeout, more=()):
    """One run of WP; what earlier runs proved is in the session's cache."""
    session = os.path.abspath(os.path.join(tools.build, "session"))
    return ["frama-c", *OPTIONS, *WP, "-wp-prover", provers, "-wp-timeout", str(timeout), "-wp-session", session, *which, *more]


def attempt(tools, root, unit, name, lemmas, stop_early, provers, timeout):
    start = time.monotonic()
    report = os.path.abspath(os.path.join(tools.build, f"{os.getpid()}-{name}-{abs(hash(unit.path + root))}.csv"))
    which = ["-wp-prop", ",".join(lemmas)] if lemmas else ["-wp-fct", name]
    command = command_of(tools, which, provers, timeout, (unit.path, "-then", "-report-csv", report))
    run = subprocess.Popen(command, cwd=root, env=tools.at(root), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, start_new_session=True)
    lines = []
    try:
        for line in run.stdout:
            lines.append(line)
            if time.monotonic() - start > LIMIT or (stop_early and line.startswith("[wp] [Failed]")):
                break
    finally:
        if run.poll() is None and (lines and lines[-1].startswith("[wp] [Failed]") and stop_early or
                                   time.monotonic() - start > LIMIT):
            os.killpg(run.pid, 15)
        run.wait()
    result = read(name, "".join(lines), run.returncode, report)
    if os.path.exists(report):
        os.remove(report)
    return result


def prove(tools, root, unit, name, lemmas=(), stop_early=False, cache=True):
    """Proves function `name` of a unit, or these lemmas; stop_early: the first goal that fails will do."""
    store = os.path.join(tools.build, "cache", key_of(tools, unit, name, lemmas) + ".json")
    if cache and os.path.exists(store):
        with open(store) as f:
            return Result(**json.load(f), cached=True)
    start = time.monotonic()
    attempts = ATTEMPTS[:-1] if stop_early else ATTEMPTS
    for how in attempts:
        result = attempt(tools, root, unit, name, lemmas, stop_early, *how)
        if result.ok() or not any("Timeout" in text for text in result.failures):
            break
    result.seconds = round(time.monotonic() - start, 1)
    if result.ok() and cache:
        os.makedirs(os.path.dirname(store), exist_ok=True)
        with open(store, "w") as f:
            json.dump({"proved": result.proved, "goals": result.goals, "seconds": result.seconds}, f)
    return result


def smoke(tools, root, unit, name):
    """(tests, those that failed): a test fails when its place in the function can be proved to be unreachable, or a
    precondition or an assumption to be false. A prover that gives up has proved nothing, so the test is passed."""
    store = os.path.join(tools.build, "cache", key_of(tools, unit, name, ()) + ".smoke")
    if os.path.exists(store):
        with open(store) as f:
            return tuple(json.load(f))
    more = ("-wp-smoke-tests", "-wp-smoke-timeout", str(SMOKE), unit.path)
    run = subprocess.run(command_of(tools, ["-wp-fct", name], *ATTEMPTS[0], more), cwd=root, env=tools.at(root),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tests = re.findall(r"\[wp\] \[(\w+)\] Smoke-test (\S+)", run.stdout)
    failed = [test for verdict, test in tests if verdict != "Passed"]
    if run.returncode != 0:
        failed.append(run.stdout[-500:])
    elif not failed:
        os.makedirs(os.path.dirname(store), exist_ok=True)
        with open(store, "w") as f:
            json.dump((len(tests), failed), f)
    return len(tests), failed


def read(name, text, status, report):
    """Makes a Result of what Frama-C printed."""
    totals = re.search(r"Proved goals:\s+(\d+) / (\d+)", text)
    result = Result(*(int(n) for n in totals.groups())) if totals else Result()
    for m in re.finditer(r"\[wp\] \[(?:Failed|Timeout|Unknown)[^\]]*\] Goal (\S+)\n?((?:  [^\n]*\n)*)", text):
        said = "; ".join(line.strip() for line in m[2].splitlines())
        result.failures.append(f"goal {m[1]}: {said or 'not proved'}")
    if result.failures and os.path.exists(report):
        result.failures = places(name, report) + result.failures
    for m in DOUBT.finditer(text):
        if not HARMLESS.search(m.group()):
            result.failures.append(" ".join(m.group().split()))
    if status != 0 and not result.failures or not totals:
        result.failures.append(text[-2000:])
    return result


def places(name, report):
    """Properties of a function that have no proof: file:line and words, from Frama-C's table."""
    found = []
    with open(report) as f:
        for row in f.read().splitlines()[1:]:
            fields = row.split("\t", 6)
            if len(fields) < 7:  # the rest of a property of several lines
                continue
            folder, file, line, function, kind, status, words = fields
            mine = function == name or (name == LEMMAS and not function)
            if mine and status in ("Unknown", "Invalid", "Dead"):
                path = os.path.normpath(os.path.join(folder, file))
                found.append(f"{path}:{line}: {kind}: {words[:200]}")
    return found
