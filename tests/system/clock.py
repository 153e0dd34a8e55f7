# SPDX-License-Identifier: MIT
"""The date: read from the machine's clock, shown, given to files, sent by httpd; and machines that have none."""
import datetime
import email.utils
import re
import subprocess

import machines
from machines import check, on

HOSTED = on("hosted")
START = "2026-02-28T23:59:50"
UTC = datetime.timezone.utc
SHOWN = r"\A(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC\n\Z"


def date_shown(m):
    """What the machine says it is."""
    said = m.command("date")
    shown = re.match(SHOWN, said)
    check(shown, "date shows a date", said)
    return datetime.datetime.fromisoformat(shown.group(1) + "+00:00")


def ran_a_while(when, start=START):
    """Not before the machine's start, and not much later: tests take minutes, not hours."""
    begin = datetime.datetime.fromisoformat(start + "+00:00")
    return begin <= when <= begin + datetime.timedelta(hours=1)


def test_date_is_that_of_the_machines_clock(machine):
    for start in ("1999-12-31T23:00:00", "2000-02-29T12:00:01", "2026-02-28T00:59:50", "2038-01-19T03:00:00",
                  "2100-02-28T12:12:12"):
        result = machine.run("date", date=start)
        shown = re.match(SHOWN, result.text)
        check(shown and ran_a_while(datetime.datetime.fromisoformat(shown.group(1) + "+00:00"), start), start, result)


def test_date_goes_on_into_the_next_month(machine):
    for start, after in (("2026-02-28T23:59:58", "2026-03-01"), ("2024-02-28T23:59:58", "2024-02-29"),
                         ("2100-02-28T23:59:58", "2100-03-01"), ("2026-12-31T23:59:58", "2027-01-01")):
        with machine.start(date=start) as m:
            m.prompt()
            machines.until(after, lambda: m.command("date").startswith(after + " 00:00:0"))
            m.end()


def test_date_is_known_to_programs_of_programs(machine):
    with machine.start(date=START) as m:
        m.prompt()
        before = date_shown(m)
        m.type("shell\r")
        m.expect("\n")
        m.prompt()
        inside = date_shown(m)
        check(before <= inside and ran_a_while(inside), "a shell in the shell knows it, too", m.result())
        m.type("exit\r")
        m.expect("\n")
        m.prompt()
        m.end()


def test_date_survives_a_restart_of_servers(machine):
    with machine.start(date=START) as m:
        m.prompt()
        m.command("kill ramfs")
        machines.until("/tmp is there again", lambda: m.command("mkdir /tmp/new; echo $?").endswith("0\n"))
        said = m.command("ls -l /tmp")
        check(re.search(r" 2026-0[23]-\d\d \d\d:\d\d .*new/", said), "it has the date", said)
        m.end()


def host(*line):
    done = subprocess.run([str(word) for word in line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, text=True)
    return done.stdout


def test_files_have_dates_for_the_host_too(machine):
    """Also the regression test of a disk that was last written after the machine's clock: ext2 added both times."""
    with machines.scratch() as folder:
        disks = []
        for name, *line in (("ext2.img", "/sbin/mke2fs", "-q", "-F", "-t", "ext2"), ("fat.img", "/sbin/mkfs.fat", "-F", "32", "-s", "1")):
            disks.append(f"{folder}/{name}")
            with open(disks[-1], "wb") as out:
                out.truncate(40 << 20)
            host(*line, disks[-1])
        result = machine.run("cp /etc/tour /tmp/t; cp /etc/tour /disk/t; cp /etc/tour /fat/t; ls -l /tmp /disk /fat; sync; echo end",
                             disks=disks, date=START)
        check(result.has("end"), "all is done", result)
        check(len(re.findall(r" 2026-0(?:2-28 23:59|3-01 00:\d\d) +\d+  t$", result.text, re.M)) == 3, "ls -l shows dates", result)
        said = host("/sbin/debugfs", "-R", "stat /t", disks[0])
        seconds = re.search(r"mtime: 0x([0-9a-f]{8})", said)
        check(seconds and ran_a_while(datetime.datetime.fromtimestamp(int(seconds.group(1), 16), UTC)), "ext2", said)
        said = host("mdir", "-i", disks[1], "::")
        check(re.search(r"^T .* 2026-0(2-28  23:59|3-01   0:\d\d)  t$", said, re.M), "FAT", said)


def fetched(m, path, *options):
    """Status, fields and content of an answer, by curl."""
    done = subprocess.run(["curl", "-sS", "-i", "-m", "60", *options, m.url(80, path)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120, text=True)
    check(done.returncode == 0, f"curl {path}", done.stderr)
    head, _, body = done.stdout.partition("\n\n")
    lines = head.splitlines()
    return int(lines[0].split()[1]), dict(line.split(": ", 1) for line in lines[1:]), body


def http_date(text):
    check(re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT", text or ""),
          "a date as RFC 9110 has them", text)
    when = email.utils.parsedate_to_datetime(text)
    check(email.utils.format_datetime(when, usegmt=True) == text, "its day of the week is right", text)
    return when


def httpd_ready(m):
    m.prompt()
    machines.until("httpd", lambda: subprocess.run(["curl", "-sf", "-m", "10", m.url(80, "/status.json")],
                                                   stdout=subprocess.PIPE, timeout=60).returncode == 0)


def test_httpd_sends_dates_and_compares_them(machine):
    with machine.start(net=True, forwards=[80], date=START) as m:
        httpd_ready(m)
        m.command("cp /etc/tour /tmp/t.txt")
        status, fields, body = fetched(m, "/tmp/t.txt")
        sent, modified = http_date(fields.get("Date")), http_date(fields.get("Last-Modified"))
        check(status == 200 and ran_a_while(sent) and ran_a_while(modified) and modified <= sent, "dates of a file", fields)
        for path in ("/nosuch", "/tmp/", "/status.json", "/tmp"):
            check(ran_a_while(http_date(fetched(m, path)[1].get("Date"))), f"a date of {path}")
        status, fields, body = fetched(m, "/tmp/t.txt", "-H", f"If-Modified-Since: {fields['Last-Modified']}")
        check(status == 304 and body == "" and ran_a_while(http_date(fields.get("Date"))), "not modified since then", fields)
        earlier = email.utils.format_datetime(modified - datetime.timedelta(seconds=1), usegmt=True)
        check(fetched(m, "/tmp/t.txt", "-H", f"If-Modified-Since: {earlier}")[0] == 200, "but since the second before")
        check(fetched(m, "/tmp/t.txt", "-H", f"If-Unmodified-Since: {earlier}")[0] == 412, "so it is not unmodified since")
        m.end()


@HOSTED
def test_machine_without_a_clock(machine):
    with machine.start(net=True, forwards=[80], date="none") as m:
        httpd_ready(m)
        check(m.text.count("init: the machine's clock cannot be used: there is none; nobody knows the date\n") == 1, "it is said")
        said = m.command("date; echo $?")
        check(said == "date: the machine's clock shows none\n1\n", "date has none", said)
        m.command("cp /etc/tour /tmp/t.txt")
        status, fields, _ = fetched(m, "/tmp/t.txt")
        check(status == 200 and "Date" not in fields, "answers have no date, as RFC 9110 wants it", fields)
        said = m.command("ls -l /tmp")
        check(re.search(r" 1970-01-01 00:0\d .*t\.txt", said), "files count from the start", said)
        m.end()


@HOSTED
def test_machine_without_a_clock_goes_on_from_the_disks_last_time(machine):
    with machines.scratch() as folder:
        disk = f"{folder}/ext2.img"
        with open(disk, "wb") as out:
            out.truncate(8 << 20)
        host("/sbin/mke2fs", "-q", "-F", "-t", "ext2", disk)
        now = datetime.datetime.now(UTC)
        result = machine.run("cp /etc/tour /disk/t; ls -l /disk", disks=[disk], date="none")
        shown = re.search(r" (\d{4}-\d\d-\d\d \d\d:\d\d) .*  t$", result.text, re.M)
        check(shown, "the file is there", result)
        late = datetime.datetime.fromisoformat(shown.group(1) + "+00:00")
        check(abs(late - now) < datetime.timedelta(hours=1), "with a date after the disk's", result)


@HOSTED
def test_logical_time_begins_on_the_same_day(machine):
    line = "date; cp /etc/tour /tmp/t; ls -l /tmp; date; ps"
    for options in ((), ("--seed", "9")):
        runs = [machine.run(line, options=options) for _ in range(2)]
        check(runs[0].text.startswith("2026-01-01 00:00:00 UTC\n"), "the first of January 2026", runs[0])
        check(runs[0].text == runs[1].text, "two runs are the same", f"{runs[0]}\n{runs[1]}")
    check("seed 9, date 2026-01-01T00:00:00" in runs[0].errors, "the date is given with the seed", runs[0])


@HOSTED
def test_real_time_has_the_hosts_date(machine):
    before = datetime.datetime.now(UTC).replace(microsecond=0)
    result = machine.run("date", options=["--real-time"])
    after = datetime.datetime.now(UTC)
    shown = datetime.datetime.fromisoformat(re.match(SHOWN, result.text).group(1) + "+00:00")
    check(before - datetime.timedelta(seconds=1) <= shown <= after, "the host's clock", result)


@HOSTED
def test_dates_that_are_none_are_named(machine):
    for value in ("", "x", "2026", "2026-02-29T00:00:00", "2026-02-28", "1960-01-01T00:00:00", "2026-02-28T23:59:50 ", "2200-01-01T00:00:00"):
        result = machine.raw(["--date", value, "--command", "echo hi"])
        check(result.status == 2 and "--date" in result.errors and len(result.errors.splitlines()) == 1, repr(value), result)
