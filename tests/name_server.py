#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a machine in a network of its own, in which this program is the name server.

  tests/name_server.py COMMAND...

Moves into a new network and mount namespace, where /etc/resolv.conf names 127.0.0.1 and nothing leads out; serves DNS on
127.0.0.1:53, one page by HTTP on port 8000 and a line on port 8001, both on 127.0.0.1 and ::1; then runs the command and
ends with its status. Status 99 and a message: the namespace could not be made.

All answers depend on the name and on how often it was asked for, never on time:

  web.test four.test    A 10.0.2.2, the host's 127.0.0.1         six.test     only AAAA fec0::2, the host's ::1
  alias.test            CNAME, CNAME, A                          second.test  no answer to the first question
  late.test             its answer comes when after.test is asked for
  poison.test           first an answer with the wrong identifier, from which nothing may be taken
  none.test             NXDOMAIN      (and any other name that is not here)
  USELESS, LIES         below: names with answers that hold no address, or that are none
"""
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

NO_NAMESPACE = 99
PAGE = b"a page found by name\n"
HTTP_PORT, LINE_PORT = 8000, 8001
A, CNAME, AAAA = 1, 5, 28
TRUNCATED, REPLY = 0x0200, 0x8180  # flags: TC; QR, RD, RA
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5
WEB4, WEB6 = bytes([10, 0, 2, 2]), socket.inet_pton(socket.AF_INET6, "fec0::2")
BAD = bytes([203, 0, 113, 1])  # an address that no right answer holds
TO_QUESTION = b"\xc0\x0c"


def name_bytes(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def record(kind, data, owner=TO_QUESTION, ttl=60, length=None):
    return owner + struct.pack(">HHIH", kind, 1, ttl, len(data) if length is None else length) + data


def message(number, question, answers=(), flags=REPLY, questions=1, count=None):
    count = len(answers) if count is None else count
    return struct.pack(">HHHHHH", number, flags, questions, count, 0, 0) + question + b"".join(answers)


# Name: what makes the answer, from identifier and question. USELESS are answers without an address. What is in LIES must
# not count as an answer: the guest asks again, and the second time it is told the truth, except by LIARS.
USELESS = {
    "servfail.test": lambda n, q: message(n, q, flags=REPLY | SERVFAIL),
    "refused.test": lambda n, q: message(n, q, flags=REPLY | REFUSED),
    "truncated.test": lambda n, q: message(n, q, flags=REPLY | TRUNCATED),
    "cname-loop.test": lambda n, q: message(n, q, [record(CNAME, TO_QUESTION)]),
    "cname-circle.test": lambda n, q: message(n, q, [record(CNAME, name_bytes("b.test")),
                                                     record(CNAME, TO_QUESTION, name_bytes("b.test"))]),
    "short-address.test": lambda n, q: message(n, q, [record(A, BAD[:3])]),
    "other-class.test": lambda n, q: message(n, q, [TO_QUESTION + struct.pack(">HHIH", A, 3, 60, 4) + BAD]),
    "counts-too-much.test": lambda n, q: message(n, q, count=65535),
}
LIES = {
    "silent.test": lambda n, q: None,
    "wrong-number.test": lambda n, q: message(n ^ 1, q, [record(A, BAD)]),
    "loop.test": lambda n, q: message(n, q, [record(A, BAD, owner=struct.pack(">H", 0xc000 | 12 + len(q)), length=65535)])[:-14],
    "question-loop.test": lambda n, q: message(n, b"\xc0\x0c" + q[-4:], [record(A, BAD)]),
    "other-question.test": lambda n, q: message(n, name_bytes("web.test") + q[-4:], [record(A, BAD)]),
    "longer-question.test": lambda n, q: message(n, q[:-5] + bytes([63]) + bytes(63) + q[-5:], [record(A, BAD)]),
    "two-questions.test": lambda n, q: message(n, q + q, [record(A, BAD)], questions=2),
    "no-question.test": lambda n, q: message(n, b"", [record(A, BAD, name_bytes("no-question.test"))], questions=0),
    "question.test": lambda n, q: message(n, q, [record(A, BAD)], flags=0x0100),
    "five-bytes.test": lambda n, q: message(n, q)[:5],
    "cut.test": lambda n, q: message(n, q, [record(A, BAD)])[:-2],
    "cut-name.test": lambda n, q: message(n, q, [b"\x3fabc"], count=1),
}
LIARS = ("silent.test", "loop.test")


class Names:
    def __init__(self):
        self.asked = {}
        self.held = []  # answers that come when after.test is asked for: bytes, address

    def answers(self, question, name, kind, number):
        """Messages to send, in this order."""
        times = self.asked[name, kind] = self.asked.get((name, kind), 0) + 1
        right = message(number, question, [record(A, WEB4)] if kind == A else [])
        if name in ("web.test", "four.test", "after.test"):
            return [right]
        if name == "six.test":
            return [message(number, question, [record(AAAA, WEB6)] if kind == AAAA else [])]
        if name == "alias.test":
            middle = name_bytes("middle.test")
            return [message(number, question, [record(CNAME, middle), record(CNAME, name_bytes("web.test"), middle),
                                               record(A, WEB4, name_bytes("web.test"))] if kind == A else [])]
        if name == "second.test":
            return [right] if times > 1 else []
        if name == "poison.test":
            return [message(number ^ 1, question, [record(A, BAD)]), right]
        lie = USELESS.get(name) or LIES.get(name)
        if name in LIES and times > 1 and name not in LIARS:
            return [right]
        made = lie(number, question) if lie else message(number, question, flags=REPLY | NXDOMAIN)
        return [made] if made is not None else []

    def serve(self, s):
        while True:
            data, peer = s.recvfrom(4096)
            number = struct.unpack(">H", data[:2])[0]
            parts, at = [], 12
            while data[at]:
                parts.append(data[at + 1:at + 1 + data[at]].decode())
                at += 1 + data[at]
            kind, question = struct.unpack(">H", data[at + 1:at + 3])[0], data[12:at + 5]
            name = ".".join(parts).lower()
            print(f"asked: {name} {kind}", file=sys.stderr, flush=True)
            if name == "late.test":
                self.held.append((message(number, question, [record(A, BAD)]), peer))
                continue
            if name == "after.test":
                for late, to in self.held:
                    s.sendto(late, to)
            for answer in self.answers(question, name, kind, number):
                s.sendto(answer, peer)


def namespace_enter():
    """Runs this program again in namespaces of its own; there, sets them up."""
    if os.environ.get("NAME_SERVER_INSIDE") != "1":
        os.environ["NAME_SERVER_INSIDE"] = "1"
        inside = subprocess.run(["unshare", "--net", "--mount", "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if inside.returncode != 0:
            raise OSError(inside.stdout.decode().strip())
        os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.NamedTemporaryFile("w", suffix="-resolv.conf") as file:
        file.write("nameserver 127.0.0.1\n")
        file.flush()
        os.chmod(file.name, 0o644)
        subprocess.run(["mount", "--bind", file.name, os.path.realpath("/etc/resolv.conf")], check=True)


def line_serve(listener):
    while True:
        s, _ = listener.accept()
        with s:
            s.sendall(b"a line found by name\n")


def page_serve(listener):
    while True:
        s, _ = listener.accept()
        with s:
            asked = b""
            while b"\r\n\r\n" not in asked:
                piece = s.recv(4096)
                if not piece:
                    break
                asked += piece
            s.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE)


def main():
    try:
        namespace_enter()
        names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        names.bind(("127.0.0.1", 53))
        listeners = [(serve, socket.create_server((host, port), family=family))
                     for serve, port in ((page_serve, HTTP_PORT), (line_serve, LINE_PORT))
                     for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))]
    except (OSError, subprocess.CalledProcessError) as why:
        print(f"tests/name_server.py: no network and mount namespace for the test (it must run as root): {why}",
              file=sys.stderr)
        return NO_NAMESPACE
    threading.Thread(target=Names().serve, args=(names,), daemon=True).start()
    for serve, listener in listeners:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
    return subprocess.call(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
