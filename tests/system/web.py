# SPDX-License-Identifier: MIT
"""httpd, memcached and export in the system, on both machines, with other people's clients."""
import json
import os
import random
import re
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import machines
import web
from machines import check, on

PORTS = (80, 11211, 564)


@contextmanager
def running(machine, mebibytes=32, memory="256M"):
    """The system with a disk of the files that web.py makes, and the ports of the servers; gives it and the files' folder."""
    with machines.scratch() as folder:
        files = web.files_make(f"{folder}/files")
        disk = Path(folder) / "disk.img"
        with open(disk, "wb") as out:
            out.truncate(mebibytes << 20)
        status, said = web.run(["mke2fs", "-q", "-d", str(files), str(disk)])
        check(status == 0, "mke2fs", said)
        with machine.start(memory=memory, disks=[disk], net=True, forwards=PORTS) as m:
            m.prompt()
            m.web = machines.until("httpd answers", lambda: web.run(["curl", "-s", m.url(80, "/status.json")])[1])
            yield m, files
            m.end()


def test_httpd_files_ranges_and_kept_connections(machine):
    with running(machine) as (m, files):
        web.http_files(m, files)
        web.http_ranges(m, files)
        web.http_kept_connections(m)
        web.http_bad_requests(m)


def test_httpd_under_load(machine):
    with running(machine) as (m, _):
        # QEMU takes one connection at a time from the host, which tries again after a second.
        web.http_load(m, requests=500, once=500 if machine.kind == "hosted" else 40)


def test_httpd_with_1000_connections(machine):
    with running(machine) as (m, _):
        web.http_many_connections(m, 1000)
        web.http_idle_make_room(m, 1024)


def test_memcached_with_clients(machine):
    with running(machine) as (m, _):
        web.memcached_capable(m)
        web.memcached_values(m)


def test_export_with_clients(machine):
    with running(machine) as (m, files):
        web.export_read(m, files)
        web.export_write(m, "/disk")
        web.export_write(m, "/tmp")
        web.export_rubbish(m)
        web.export_read(m, files)
        host, port = m.connect(564).getpeername()[:2]
        status, out = web.run(["diodls", "-s", f"{host}:{port}", "-a", "/"])
        check(status == 0 and {"bin", "etc", "tmp", "disk"} <= set(out.decode().split()), "all mounts are there", out)


def nodes(tree):
    yield tree
    for child in tree["children"]:
        yield from nodes(child)


def test_status_tells_what_the_kernel_does(machine):
    with running(machine) as (m, _):
        status = json.loads(web.curl(m.url(80, "/status.json")))
        kinds = {}
        for node in nodes(status["system"]):
            kinds.setdefault(node["kind"], []).append(node)
        check({"init", "httpd", "net", "shell", "disk0"} <= {n["name"] for n in kinds["process"]}, "processes", status)
        root = status["system"]
        check(root["total"] == root["used"] + root["carved"] + root["free"], "the root's quota adds up", root)
        carved = sum(n["total"] for n in root["children"] if n["kind"] == "container")
        check(root["carved"] == carved, "what is carved is what the children have", root)
        check(len(kinds["thread"]) >= len(kinds["process"]) and all(
            {"state", "priority", "ticks", "syscalls"} <= set(n) for n in kinds["thread"]), "threads", kinds["thread"])
        check({"/", "/tmp", "/disk"} <= {n["path"] for n in status["mounts"]}, "mounts", status["mounts"])
        check(any(i["rx_packets"] > 0 and i["tx_bytes"] > 0 for i in status["interfaces"]), "the network", status["interfaces"])
        again = json.loads(web.curl(m.url(80, "/status.json")))
        calls = [sum(n["syscalls"] for n in nodes(s["system"]) if n["kind"] == "thread") for s in (status, again)]
        check(calls[0] < calls[1] and status["time_ns"] < again["time_ns"], "it goes on", calls)
        shown = m.command("ps")
        for process in kinds["process"]:
            check(re.search(rf"\b{process['name']} +process +alive", shown), f"ps shows {process['name']}, too", shown)


def test_status_page_in_a_browser(machine):
    with running(machine) as (m, _), machines.scratch() as profile:
        line = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
                "--virtual-time-budget=8000", "--timeout=60000", "--dump-dom", m.url(80, "/status")]
        done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=110,
                              env=dict(os.environ, DBUS_SESSION_BUS_ADDRESS="disabled:"))
        page = done.stdout.decode(errors="replace")
        check(done.returncode == 0, "chromium ends well", done.stderr.decode(errors="replace"))
        check(re.search(r'<span id="state" class="">up \d+ s</span>', page), "the page has got its numbers", page)
        for name in ("httpd", "net", "shell"):
            check(re.search(rf'<table id="containers">.*<td>\W*{name}</td><td class="n">\d+</td>', page, re.S), f"container {name}", page)
        check(page.count('<rect class="used"') >= 5, "bars are drawn", page)
        check(re.search(r'<svg id="cpu"[^>]*><polyline [^>]*points="[\d., ]+"', page), "and lines", page)
        check("https://" not in page and "http://www.w3.org/2000/svg" in page, "nothing comes from elsewhere", page)


def used(m):
    """Pages in use, by container."""
    return {words[0]: int(words[2]) for words in (line.split() for line in m.command("mem").splitlines())
            if len(words) == 5 and words[1].isdigit()}


KILLS = 300  # of each


@on("hosted")
def test_servers_are_killed_under_load(machine):
    """At random moments, while clients use them: each comes back, and nothing of the dead stays with their servers."""
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    with running(machine) as (m, _):
        ended = threading.Event()

        def use():
            while not ended.is_set():
                for port, request in ((80, b"GET /disk/big.bin HTTP/1.1\r\nHost: x\r\n\r\n"),
                                      (11211, b"set a 0 0 3\r\nabc\r\nget a\r\n"), (564, b"\x15\x00\x00\x00\x64")):
                    try:
                        with m.connect(port, 5) as s:
                            s.sendall(request)
                            s.recv(4096)
                    except OSError:
                        pass  # it was just being killed

        users = [threading.Thread(target=use) for _ in range(3)]
        check(web.curl("-o", "/dev/null", "-w", "%{http_code}", m.url(80, "/disk/big.bin")) == b"200", "the cache is full", m.result())
        before = used(m)
        for user in users:
            user.start()
        try:
            for name in dice.sample(["httpd", "memcached", "export"] * KILLS, 3 * KILLS):
                said = m.command(f"kill {name}")
                check("kill:" not in said, f"it was there to be killed (seed {seed})", said)
        finally:
            ended.set()
            for user in users:
                user.join()
        for what in (lambda: web.run(["curl", "-s", "--max-time", "5", m.url(80, "/status.json")])[1],
                     lambda: web.memcached_talk(m, b"version\r\n"),
                     lambda: web.run(["diodls", "-s", f"127.0.0.1:{m.port(564)}", "-a", "/disk"])[0] == 0):
            machines.until(f"all serve again (seed {seed})", what)
        after = machines.until(f"what the dead had is given back (seed {seed}, {before})",
                               lambda: small_growth(before, used(m)))
        check(after, "it is")
        ends = len(re.findall(r"^init: (?:httpd|memcached|export) was killed", m.text, re.M))
        check(ends == 3 * KILLS, f"{ends} ends were told (seed {seed})", m.result())


def small_growth(before, after):
    """1 if no server holds much more than before: buffers may have grown (by 124 pages on a busy machine), 900 dead clients,
    of 12 pages and more each, must not show."""
    return all(after[name] <= before[name] + 200 for name in ("net", "names", "fs", "ext2", "ramfs", "console", "root"))


def test_httpd_without_a_disk_shows_what_is_mounted(machine):
    with machine.start(net=True, forwards=[80]) as m:
        m.prompt()
        page = machines.until("httpd answers", lambda: web.run(["curl", "-s", "--max-time", "10", m.url(80)])[1]).decode()
        for name in ("bin", "etc", "tmp"):
            check(f'href="./{name}/"' in page, f"/{name} is listed", page)
        check('href="/status"' in page, "and the status page", page)
        m.command("cp /etc/manifest /tmp/note.txt")
        check(web.curl(m.url(80, "/tmp/note.txt")) == web.curl(m.url(80, "/etc/manifest")), "what is made is there at once")
        m.command("rm /tmp/note.txt")
        code = web.curl("-o", "/dev/null", "-w", "%{http_code}", m.url(80, "/tmp/note.txt"))
        check(code == b"404", "and what is removed is gone at once", code)
        m.end()


def test_httpd_is_reached_from_within(machine):
    result = machine.run("fetch http://127.0.0.1/etc/manifest; fetch http://127.0.0.1/nosuch")
    check(result.has("program httpd"), "the file is shown, without any device", result)
    check("404" in result.text, "and what is not there is said", result)
