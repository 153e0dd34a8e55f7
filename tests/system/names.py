# SPDX-License-Identifier: MIT
"""Names: what the guest makes of a name server's answers, right ones, wrong ones and none. The server is
tests/name_server.py, in a network namespace in which it is the one that /etc/resolv.conf names."""
import contextlib
import re
import sys

import machines
from machines import ROOT, check

sys.path.insert(0, str(ROOT / "tests"))
import name_server  # noqa: E402

UNKNOWN, BROKEN = "the name is not known", "the name server could not find out"
NOBODY, WRONG = "no name server gave a right answer", "no host can have this name"


@contextlib.contextmanager
def with_names(machine):
    """A machine in that namespace, with an address. In the end its network service is the one it began with."""
    with machine.start(net=True, inside=[sys.executable, str(ROOT / "tests/name_server.py")]) as m:
        m.prompt()
        machines.until("an address", lambda: "10.0.2.15" in m.command("ifconfig"))
        yield m
        check("four.test (10.0.2.2)" in m.command("ping -c 1 four.test"), "names are found to the end", m.result())
        m.end()
        check(not re.search("started again|was killed|fault", m.text), "no program fell", m.result())


def found(m, name, address):
    said = m.command(f"ping -c 1 {name}")
    check(said.startswith(f"ping {name} ({address}): "), f"{name} is {address}", said)


def refused(m, name, why):
    said = m.command(f"ping -c 1 {name}; echo status $?")
    check(said == f"ping: {name}: {why}\nstatus 1\n", f"{name}: {why}", said)


def test_found_by_every_program(machine):
    with with_names(machine) as m:
        for name in ("web.test", "WEB.test", "web.test.", "alias.test"):
            said = m.command(f"ping -c 1 {name}; echo status $?")
            check(f"ping {name} (10.0.2.2)" in said and "1 received" in said and said.endswith("status 0\n"), "ping", said)
            said = m.command(f"fetch http://{name}:{name_server.HTTP_PORT}/; echo status $?")
            check(said == name_server.PAGE.decode() + "status 0\n", "fetch", said)
            said = m.command(f"nc {name} {name_server.LINE_PORT}; echo status $?")
            check(said == "a line found by name\nstatus 0\n", "nc", said)


def test_found_over_ipv6_where_nothing_else_is_known(machine):
    with with_names(machine) as m:
        machines.until("an IPv6 route", lambda: "1 received" in m.command("ping -c 1 six.test"))
        found(m, "six.test", "fec0::2")
        said = m.command(f"fetch http://six.test:{name_server.HTTP_PORT}/; nc six.test {name_server.LINE_PORT}")
        check(said == name_server.PAGE.decode() + "a line found by name\n", "fetch and nc", said)


def test_unknown_names_are_named(machine):
    with with_names(machine) as m:
        for line, program in (("ping -c 1 none.test", "ping"), ("fetch http://none.test/", "fetch"), ("nc none.test 80", "nc")):
            said = m.command(line + "; echo status $?")
            check(said == f"{program}: none.test: {UNKNOWN}\nstatus 1\n", line, said)
        long = ".".join(["a" * 63] * 3 + ["a" * 61])
        refused(m, long, UNKNOWN)
        check(f"asked: {long} 1\n" in m.errors, "a name of 253 bytes is asked for", m.errors)
        for name in (long + "a", "a" * 64 + ".test", "a..test", ".test", ".", "web.test.."):
            refused(m, name, WRONG)


def test_answers_without_an_address(machine):
    with with_names(machine) as m:
        for name in name_server.USELESS:
            refused(m, name, BROKEN if name.split(".")[0] in ("servfail", "refused", "truncated") else UNKNOWN)


def test_lies_are_no_answers(machine):
    """Also the regression test of names that begin like the one asked for: the comparison went on behind its end."""
    with with_names(machine) as m:
        for name in name_server.LIES:
            if name not in name_server.LIARS:
                found(m, name, "10.0.2.2")
                check(m.errors.count(f"asked: {name} 1\n") == 2, f"{name}: the first answer did not count", m.errors)


def test_late_and_foreign_answers(machine):
    with with_names(machine) as m:
        found(m, "second.test", "10.0.2.2")
        found(m, "poison.test", "10.0.2.2")
        for name in ("late.test", *name_server.LIARS):
            refused(m, name, NOBODY)
            check(m.errors.count(f"asked: {name} 1\n") == 4, f"{name} was asked for four times", m.errors)
        found(m, "after.test", "10.0.2.2")
        found(m, "web.test", "10.0.2.2")
