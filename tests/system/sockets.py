# SPDX-License-Identifier: MIT
"""The network service: sockets over loopback and to the host, many at once, hostile clients, and a service that is killed."""
import http.server
import random
import re
import socket
import threading

import machines
from machines import check, on

HOSTED = on("hosted")
ECHO = """program echo
    file bin/nettest
    arguments echo 7
    quota 1024 10%
    uses net console

"""
HAVE_LWIP = (machines.ROOT / "build/source/lwip/src").is_dir()


def with_echo(folder):
    """An initrd whose system starts an echo server."""
    manifest = (machines.ROOT / "servers/etc/manifest").read_text()
    return machines.initrd_with(folder, {"etc/manifest": manifest.replace("program shell", ECHO + "program shell").encode()})


def used(result, name="net"):
    return [int(n) for n in re.findall(rf"^  {name} +\d+ +(\d+)", result.text, re.M)]


def echoed(connection, data):
    """Sends data and gives what comes back of that many bytes."""
    sender = threading.Thread(target=connection.sendall, args=(data,))
    sender.start()
    back = received(connection, len(data))
    sender.join()
    return back


def received(connection, count):
    back = bytearray()
    while len(back) < count:
        piece = connection.recv(count - len(back))
        if not piece:
            break
        back += piece
    return bytes(back)


def echoed_short(connection, data):
    connection.sendall(data)
    return received(connection, len(data)) == data


def test_loopback_streams(machine):
    result = machine.run("nettest loop 1 300000; nettest loop 50 20000; nettest loop 500 100; mem")
    for line in ("1 connections, 300000 bytes each way", "50 connections, 20000 bytes each way",
                 "500 connections, 100 bytes each way"):
        check(result.has(line), line, result)


def test_loopback_datagrams_and_errors(machine):
    result = machine.run("nettest datagrams 200; nettest errors; ping -c 2 127.0.0.1; ping -c 2 ::1")
    check(result.status == 0 and result.has("200 datagrams"), "datagrams", result)
    check(result.has("0 errors that were not as they should be"), "errors", result)
    check(result.text.count("2 sent, 2 received, 0% lost") == 2, "ping", result)


def test_hostile_clients_are_survived(machine):
    seed = random.randrange(1, 1000000)
    print(f"seed {seed}")
    lines = [f"nettest hostile {seed + n} 40" for n in range(4)]
    result = machine.run("nettest loop 2 1000; mem; " + "; ".join(lines) + "; nettest loop 2 1000; mem")
    check(result.text.count("40 rounds") == 4, "they end", result)
    check(result.text.count("2 connections, 1000 bytes each way") == 2, "others are served before and after", result)
    check("net was started again" not in result.text, "the service lives", result)


def test_nobody_there_is_said(machine):
    result = machine.run("nc 127.0.0.1 81")
    check(result.status == 1 and "nobody listens there" in result.text, "nc", result)
    result = machine.run("fetch http://127.0.0.1:82/")
    check(result.status == 1 and "nobody listens there" in result.text, "fetch", result)
    result = machine.run("fetch ftp://x/; fetch; ping; nc; nc x y; ifconfig x; netstat x")
    check(result.status == 2 and result.text.count("usage") >= 5, "wrong words", result)


def test_ping_outward_and_addresses(machine):
    result = machine.run("ping -c 2 -i 50 10.0.2.2; ifconfig; netstat; netstat -s", net=True)
    check(result.status == 0 and result.has("2 sent, 2 received, 0% lost") or "2 sent, 2 received" in result.text, "ping", result)
    check("10.0.2.15 netmask 255.255.255.0 gateway 10.0.2.2 (DHCP)" in result.text, "DHCP", result)
    check("name server 10.0.2.3" in result.text, "the name server", result)


def test_thousand_connections(machine):
    """All open at once. Each is used before the next is opened: QEMU takes connections from the host one at a time, and
    Linux tries again only after seconds."""
    with machines.scratch() as folder:
        with machine.start(initrd=with_echo(folder), net=True, forwards=[7]) as m:
            m.expect("echo on port 7")
            connections = []
            for n in range(1000):
                connections.append(m.connect(7))
                check(echoed_short(connections[n], b"first %d" % n), f"connection {n}", m.result())
            for n, c in enumerate(connections):
                c.sendall(b"%04d" % n * 100)
            for n, c in enumerate(connections):
                check(received(c, 400) == b"%04d" % n * 100, f"its own bytes, connection {n}", m.result())
            for c in connections:
                c.close()
            with m.connect(7) as again:
                check(echoed_short(again, b"still there"), "and it goes on", m.result())
            m.end()


def test_bytes_arrive_whole(machine):
    data = random.Random(7).randbytes(3000000)
    with machines.scratch() as folder:
        with machine.start(initrd=with_echo(folder), net=True, forwards=[7]) as m:
            m.expect("echo on port 7")
            with m.connect(7) as c:
                check(echoed(c, data) == data, "3 MB there and back", m.result())
            m.end()


@HOSTED
def test_bytes_arrive_whole_on_a_bad_network(machine):
    data = random.Random(8).randbytes(300000)
    options = ["--net-loss", "3%", "--net-reorder", "5%", "--net-delay", "2", "--seed", "5"]
    with machines.scratch() as folder:
        with machine.start(initrd=with_echo(folder), net=True, forwards=[7], options=options) as m:
            m.expect("echo on port 7")
            with m.connect(7, seconds=120) as c:
                check(echoed(c, data) == data, "300 kB there and back", m.result())
            m.end()


class Pages(http.server.BaseHTTPRequestHandler):
    body = random.Random(9).randbytes(2000000)

    def do_GET(self):
        if self.path == "/big":
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)
        elif self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"only this")
        elif self.path == "/moved":
            self.send_response(301)
            self.send_header("Location", "/big")
            self.end_headers()
        else:
            self.send_error(404)

    def log_message(self, *arguments):
        pass


def test_fetch_from_the_host(machine):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://10.0.2.2:{server.server_address[1]}"
        result = machine.run(f"fetch -o /tmp/big {url}/big; ls -l /tmp; fetch {url}/none; fetch {url}/cut; "
                             f"fetch {url}/moved", net=True)
        check(re.search(r" 2000000 +big$", result.text, re.M), "the whole file", result)
        check("404" in result.text and "ended before all had come" in result.text and "it is at /big" in result.text,
              "what is wrong is said", result)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_killed_service_comes_back(machine):
    with machines.scratch() as folder:
        with machine.start(initrd=with_echo(folder), net=True, forwards=[7]) as m:
            m.expect("echo on port 7")
            m.prompt()
            for n in range(5):
                with m.connect(7) as c:
                    check(echoed(c, b"before") == b"before", f"served before kill {n}", m.result())
                    m.type("kill net\r")
                    m.expect("net was started again")

                def served():
                    try:
                        with m.connect(7, seconds=3) as again:
                            return echoed(again, b"after") == b"after"
                    except OSError:
                        return False
                machines.until(f"the listener listens again after kill {n}", served)
            m.end()


def test_killed_driver_leaves_connections(machine):
    with machines.scratch() as folder:
        with machine.start(initrd=with_echo(folder), net=True, forwards=[7]) as m:
            m.expect("echo on port 7")
            m.prompt()
            with m.connect(7, seconds=60) as c:
                for n in range(3):
                    check(echoed(c, b"one") == b"one", f"before kill {n}", m.result())
                    m.type("kill ether0\r")
                    m.expect("ether0 was started again")
                    check(echoed(c, b"another") == b"another", f"the same connection after kill {n}", m.result())
            m.end()


def test_without_lwip_it_is_said(machine):
    with machines.scratch() as folder:
        initrd = machines.initrd_with(folder, {"bin/net": None})
        result = machine.run("ls bin; nc 127.0.0.1 80", initrd=initrd)
        check("there is no file \"bin/net\"" in result.text, "init says what is missing", result)
        check("the network service does not run" in result.text, "and so do its clients", result)


if not HAVE_LWIP:
    print("none   sockets: the source of lwIP is missing; scripts/fetch-source lwip gets it")
    for _name in [name for name in globals() if name.startswith("test_") and "without" not in name]:
        del globals()[_name]
