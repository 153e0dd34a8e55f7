# SPDX-License-Identifier: MIT
"""What other people's clients find in httpd, memcached and export, wherever they run: in the system on either machine
(tests/system/web.py), or compiled for the build machine under sanitizers (tests/system/web_host.py).

A place gives connect(port) and url(port, path) for the ports of the guest, 80, 11211 and 564. The files are those of
files_make, seen at /disk.
"""
import hashlib
import os
import random
import re
import socket
import subprocess
from pathlib import Path

import ninep
from machines import check

BIG = 8 << 20
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def files_make(folder):
    """The files that are served; the same each time."""
    folder = Path(folder)
    (folder / "sub").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"<h1>it works</h1>\n")
    (folder / "big.bin").write_bytes(random.Random(7).randbytes(BIG))
    (folder / "empty.txt").write_bytes(b"")
    (folder / "sub" / "style.css").write_bytes(b"body{}\n")
    (folder / "sub" / "a b&c.txt").write_bytes(b"a name to escape\n")
    return folder


def run(line, text=None, seconds=120):
    done = subprocess.run(line, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
                          env=dict(os.environ, PATH=PATH))
    return done.returncode, done.stdout


def curl(*arguments):
    status, out = run(["curl", "-s", "--max-time", "60", *arguments])
    check(status == 0, f"curl {' '.join(arguments)}: status {status}", out[:2000])
    return out


def answer(place, request, ends=True):
    """Sends bytes as they are; all that comes back up to the end of the connection."""
    with place.connect(80) as s:
        s.sendall(request)
        if ends:
            s.shutdown(socket.SHUT_WR)
        got = b""
        while True:
            try:
                piece = s.recv(65536)
            except ConnectionResetError:
                return got
            if not piece:
                return got
            got += piece


# ---- http ----

def http_files(place, folder):
    for name in ("index.html", "empty.txt", "big.bin", "sub/style.css"):
        got = curl(place.url(80, "/disk/" + name))
        want = (folder / name).read_bytes()
        check(hashlib.sha256(got).digest() == hashlib.sha256(want).digest(), f"{name}: {len(got)} of {len(want)} bytes")
    check(curl(place.url(80)) == (folder / "index.html").read_bytes(), "/ is the page of /disk")
    check(curl(place.url(80, "/sub/style.css")) == b"body{}\n", "and what it names is found beside it")
    head = curl("-I", place.url(80, "/disk/sub/style.css")).decode()
    for line in ("HTTP/1.1 200 OK", "Content-Type: text/css; charset=utf-8", "Content-Length: 7", "Accept-Ranges: bytes"):
        check(line in head.split("\r\n"), f"the head says {line}", head)
    index = curl(place.url(80, "/disk/sub/")).decode()
    check('href="./a%20b%26c.txt">a b&amp;c.txt<' in index, "a folder is shown, names escaped", index)
    check(curl(place.url(80, "/disk/sub/a%20b%26c.txt")) == b"a name to escape\n", "and the link leads there")
    code = curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", place.url(80, "/disk/sub")).decode()
    check(code == "301 " + place.url(80, "/disk/sub/"), "a folder without its slash is named with it", code)
    check(curl("-o", "/dev/null", "-w", "%{http_code}", place.url(80, "/disk/nosuch")) == b"404", "404")


def http_ranges(place, folder):
    big = (folder / "big.bin").read_bytes()
    url = place.url(80, "/disk/big.bin")
    for first, last in ((0, 0), (1000, 5000), (BIG - 10, BIG - 1), (4095, 4096), (1 << 20, 3 << 20)):
        check(curl("-r", f"{first}-{last}", url) == big[first:last + 1], f"bytes {first} to {last}")
    check(curl("-r", "-100", url) == big[-100:], "the last 100")
    code = curl("-o", "/dev/null", "-w", "%{http_code}", "-r", f"{BIG}-", url)
    check(code == b"416", "a range behind the end is 416", code)
    tag = re.search(r"ETag: (\S+)", curl("-I", url).decode()).group(1)
    code = curl("-o", "/dev/null", "-w", "%{http_code}", "-H", f"If-None-Match: {tag}", url)
    check(code == b"304", "what has not changed is not sent again", code)


def http_kept_connections(place):
    """One connection for many requests, and several requests at once on it."""
    url = place.url(80, "/disk/sub/style.css")
    out = curl("-w", "%{num_connects}\n", "-o", "/dev/null", url, *[w for _ in range(19) for w in ("-o", "/dev/null", url)])
    connects = sum(int(n) for n in out.split())
    check(connects == 1, f"20 files over {connects} connections")
    one = b"GET /disk/sub/style.css HTTP/1.1\r\nHost: x\r\n\r\n"
    got = answer(place, one * 50 + one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), ends=False)
    check(got.count(b"HTTP/1.1 200 OK\r\n") == 51 and got.count(b"body{}\n") == 51, "51 pipelined requests", got[-500:])


def http_bad_requests(place):
    cases = {b"GET / HTTP/1.1\r\n\r\n": 400, b"GET /../etc HTTP/1.1\r\nHost: x\r\n\r\n": 400,
             b"GET /%2e%2e/%2e%2e/ HTTP/1.1\r\nHost: x\r\n\r\n": 400, b"\x16\x03\x01\x02\x00\x01\r\n\r\n": 400,
             b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc": 405,
             b"BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n": 501, b"GET / HTTP/3.0\r\nHost: x\r\n\r\n": 505,
             b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n": 414,
             b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n": 431,
             b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n": 400,
             b"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n": 413}
    for request, status in cases.items():
        got = answer(place, request)
        check(got.startswith(b"HTTP/1.1 %d " % status), f"{request[:60]!r} is answered {status}", got[:200])
    for length in range(980, 1010):  # what never becomes a request is let go when the client ends
        check(answer(place, b"a" * length) == b"", f"{length} bytes without an end")
    dice = random.Random(11)
    for _ in range(20):  # and rubbish never ends the server
        answer(place, dice.randbytes(dice.randrange(1, 3000)))
    check(curl(place.url(80, "/disk/sub/style.css")) == b"body{}\n", "it still serves")


def connect_now(place, port):
    """A connection, asked for again and again: QEMU takes them from the host one by one, and the host's own next try would
    come after a second."""
    patience = 0.02
    while True:
        try:
            s = place.connect(port, patience)
            s.settimeout(60)
            return s
        except TimeoutError:
            patience = min(patience * 1.2, 30)


def http_many_connections(place, count):
    """All open at once, each used twice; none is lost."""
    one = b"GET /disk/sub/style.css HTTP/1.1\r\nHost: x\r\n\r\n"
    open_now = []
    try:
        for _ in range(count):
            open_now.append(connect_now(place, 80))
        for turn in range(2):
            for s in open_now:
                s.sendall(one)
            for number, s in enumerate(open_now):
                got = b""
                while not got.endswith(b"\r\n\r\nbody{}\n"):
                    piece = s.recv(4096)
                    check(piece, f"connection {number} of {count} was ended in turn {turn}", got)
                    got += piece
    finally:
        for s in open_now:
            s.close()


def http_idle_make_room(place, most):
    """More connections than there are places: the one that is idle longest is closed, new ones are served."""
    open_now = [connect_now(place, 80) for _ in range(most + 50)]
    try:
        open_now[-1].sendall(b"GET /disk/sub/style.css HTTP/1.1\r\nHost: x\r\n\r\n")
        check(open_now[-1].recv(100).startswith(b"HTTP/1.1 200"), "the last to come is served")
        check(open_now[0].recv(100) == b"", "the first was closed")
    finally:
        for s in open_now:
            s.close()


def http_load(place, seconds=3, requests=2000, once=2000):
    """ab with kept connections and (once: how often) without, and wrk: no request fails."""
    url = place.url(80, "/disk/sub/style.css")
    for keep, requests in (([], once), (["-k"], requests)):
        status, out = run(["ab", "-q", "-n", str(requests), "-c", "20", *keep, url])
        text = out.decode(errors="replace")
        check(status == 0 and re.search(rf"Complete requests: +{requests}\n", text), "ab: all are done", text)
        check(re.search(r"Failed requests: +0\n", text) and "Non-2xx" not in text, "ab: none failed", text)
    status, out = run(["wrk", "-t", "1", "-c", "50", "-d", f"{seconds}s", url])
    text = out.decode(errors="replace")
    check(status == 0 and "Socket errors" not in text and "Non-2xx" not in text, "wrk: none failed", text)
    check(int(re.search(r"(\d+) requests in", text).group(1)) > 0, "wrk: some were done", text)


# ---- memcached ----

def memcached_capable(place):
    host, port = place.connect(11211).getpeername()[:2]
    for options in ([], ["-a"]):
        status, out = run(["memccapable", *options, "-h", host, "-p", str(port)])
        text = out.decode(errors="replace")
        passed = text.count("[pass]")
        check(status == 0 and "FAIL" not in text and "All tests passed" in text, "memccapable", text)
        check(passed == (27 if options else 54), f"{passed} tests passed", text)


def memcached_talk(place, text):
    with place.connect(11211) as s:
        s.sendall(text + b"quit\r\n")
        got = b""
        while piece := s.recv(65536):
            got += piece
        return got


def memcached_values(place):
    """Values up to the largest, more of them than fit, and rubbish."""
    dice = random.Random(5)
    large = dice.randbytes(1 << 20)
    got = memcached_talk(place, b"set large 3 0 1048576\r\n" + large + b"\r\nget large\r\n")
    check(got == b"STORED\r\nVALUE large 3 1048576\r\n" + large + b"\r\nEND\r\n", "1 MiB comes back", got[:100])
    got = memcached_talk(place, b"set more 0 0 1048577\r\n" + large + b"x\r\nget more\r\n")
    check(got == b"SERVER_ERROR object too large for cache\r\nEND\r\n", "more than that is refused", got[:100])
    for number in range(60):
        got = memcached_talk(place, b"set fill%d 0 0 1048576\r\n" % number + large + b"\r\n")
        check(got == b"STORED\r\n", f"value {number} is stored", got[:100])
    got = memcached_talk(place, b"get large\r\nget fill59\r\nstats\r\n")
    check(got.startswith(b"END\r\nVALUE fill59"), "the least recently used is gone, the last is there", got[:100])
    check(int(re.search(rb"STAT evictions (\d+)", got).group(1)) > 0, "and it is counted", got[-2000:])
    for _ in range(20):
        with place.connect(11211) as s:
            s.sendall(dice.randbytes(dice.randrange(1, 3000)))
    check(memcached_talk(place, b"version\r\n").startswith(b"VERSION "), "it still serves")


# ---- 9P ----

def export_read(place, folder):
    """diod's tools list and read the files of all mounts."""
    host, port = place.connect(564).getpeername()[:2]
    server = f"{host}:{port}"
    status, out = run(["diodls", "-s", server, "-a", "/disk", "-l"])
    check(status == 0 and b"big.bin" in out and str(BIG).encode() in out, "diodls", out)
    for name in ("big.bin", "sub/style.css", "empty.txt"):
        status, out = run(["diodcat", "-s", server, "-a", "/disk", name])
        check(status == 0 and out == (folder / name).read_bytes(), f"diodcat {name}: {len(out)} bytes", out[:100])
    status, out = run(["diodcat", "-s", server, "-a", "/disk", "nosuch"])
    check(status != 0 and b"No such file" in out, "what is not there is said not to be", out)


def export_rubbish(place):
    dice = random.Random(3)
    version = b"\x15\x00\x00\x00\x64\xff\xff\x00\x00\x01\x00\x08\x009P2000.L"
    for _ in range(20):
        with place.connect(564) as s:
            s.sendall(version)
            s.recv(100)
            body = dice.randbytes(dice.randrange(1, 200))
            s.sendall((len(body) + 4).to_bytes(4, "little") + body + dice.randbytes(50))


def refused(number, function, *arguments):
    try:
        function(*arguments)
    except OSError as why:
        check(why.errno == number, f"{function.__name__} {arguments}: error {number}", why)
    else:
        check(False, f"{function.__name__} {arguments} is refused")


def export_write(place, folder="/disk"):
    """Files are made, written, renamed while they are open, and removed while they are open."""
    data = random.Random(9).randbytes(300000)
    with place.connect(564) as connection:
        c = ninep.Client(connection)
        c.mkdir(folder, "made")
        here = folder + "/made"
        f = c.create(here, "one")
        for at in range(0, len(data), 50000):
            check(c.write(f, at, data[at:at + 50000]) == 50000, "all is written")
        c.fsync(f)
        check(c.size(f) == len(data), "its size")
        back = b"".join(c.read(f, at, 60000) for at in range(0, len(data), 60000))
        check(back == data, "what was written is read")
        refused(17, c.create, here, "one", 0o202)  # exclusive
        c.rename(here, "one", here, "two")
        check(c.read(f, 1000, 100) == data[1000:1100], "an open file is the same under its new name")
        refused(2, c.walk, here + "/one")
        c.mkdir(here, "in")
        c.rename(here, "two", here + "/in", "three")
        c.rename(here, "in", here, "out")
        check(c.read(f, 5000, 100) == data[5000:5100], "and when a folder above it is renamed")
        check(c.size(f) == len(data), "which its attributes show, too")
        c.truncate(f, 10)
        check(c.size(f) == 10, "it is cut")
        refused(39, c.unlink, here, "out", True)
        c.unlink(here + "/out", "three")
        check(c.read(f, 0, 100) == data[:10], "a removed file can be read by who has it open")
        refused(2, c.walk, here + "/out/three")
        c.clunk(f)
        names = [f"file {n}" for n in range(100)]
        for name in names:
            c.clunk(c.create(here + "/out", name))
        for count in (8000, 300):  # a folder in few answers and in many
            check(sorted(c.names(here + "/out", count)) == sorted(names), f"{len(names)} names, {count} bytes at a time")
        for name in names:
            c.unlink(here + "/out", name)
        c.unlink(here, "out", True)
        c.unlink(folder, "made", True)
        refused(2, c.walk, here)
