# SPDX-License-Identifier: MIT
"""The network of the machines: options, ports of the host, traffic in and out, and its faults."""
import contextlib
import http.server
import random
import re
import socket
import subprocess
import threading
from pathlib import Path

import machines
from machines import ROOT, check, on

HOSTED = on("hosted")


@HOSTED
def test_options_wrong_are_named(machine):
    for option, values in (("--forward", ("", "80", "8080:80", "127.0.0.1:80", "127.0.0.1:0:80", "127.0.0.1:8080:0",
                                          "127.0.0.1:8080:65536", "127.0.0.1:99999999999:80", "host:8080:80",
                                          "127.0.0.1:8080:80x", "127.0.0.1::80", "1" * 1000)),
                           ("--net-loss", ("", "x", "101%", "5%%", "-1", "1e3", "99999999999", "0.00001%")),
                           ("--net-reorder", ("%", "100.1%")),
                           ("--net-delay", ("", "x", "-5", "10001", "5s"))):
        for value in values:
            result = machine.raw([option, value, "--initrd", str(machines.INITRD), "--command", "echo hi"])
            check(result.status == 2 and option in result.errors and "hi\n" not in result.text,
                  f"{option} {value!r} is refused", result)
            check(len(result.errors.splitlines()) == 1, f"{option} {value!r}: one line", result)


@HOSTED
def test_forwards_more_than_there_may_be(machine):
    options = [word for n in range(65) for word in ("--forward", f"127.0.0.1:{20000 + n}:80")]
    result = machine.raw([*options, "--command", "echo hi"])
    check(result.status == 2 and "64" in result.errors, "the limit is named", result)


@HOSTED
def test_port_taken_the_next_free_one(machine):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", machines.port_free()))
        taken.listen()
        port = taken.getsockname()[1]
        result = machine.run("echo hi", options=["--net", "--forward", f"127.0.0.1:{port}:80"])
        said = re.search(r"127\.0\.0\.1:(\d+) -> port 80\b", result.errors)
        check(result.status == 0 and result.has("hi"), "it runs", result)
        check(said and int(said.group(1)) > port, "and says which port it took instead", result)


@HOSTED
def test_ports_as_asked_are_not_worth_a_word_with_a_command(machine):
    result = machine.run("echo hi", net=True, forwards=[80, 11211])
    check(result.status == 0 and result.text == "hi\n" and result.errors == "", "quiet", result)


@HOSTED
def test_ports_are_said_at_the_prompt(machine):
    with machine.start(net=True, forwards=[80, 11211]) as m:
        m.prompt()
        for guest in (80, 11211):
            check(f"127.0.0.1:{m.ports[guest]} -> port {guest}" in m.errors, "the ports are said", m.result())
        check(f"open http://127.0.0.1:{m.ports[80]}/" in m.errors, "and the page to open", m.result())
        m.end()


@HOSTED
def test_fault_seed_is_said(machine):
    result = machine.run("echo hi", options=["--net-loss", "2.5%", "--net-delay", "20", "--net-reorder", "1%",
                                             "--seed", "7"])
    check(result.status == 0 and "loss 2.5%, delay 20 ms, reorder 1%, seed 7" in result.errors, "said", result)


@HOSTED
def test_idle_with_all_programs_costs_no_cpu(machine):
    with with_disk(machine, forwards=[80, 11211, 564]) as m:
        machines.pause(0.5)  # let it come to rest
        before = m.processor_ticks()
        machines.pause(2)  # the wait that is measured, not one that anything depends on
        spent = m.processor_ticks() - before
        check(spent <= 3, f"{spent * 10} ms of processor time in 2 s of waiting", m.result())
        m.end()


# ---- traffic ----

SPOILT = ["--net-loss", "2%", "--net-delay", "3", "--net-reorder", "3%", "--seed", "2"]
OVERTAKEN = ["--net-reorder", "20%", "--seed", "1"]


@contextlib.contextmanager
def served(files):
    """An HTTP server of this host, on 127.0.0.1: path to content. Gives the address by which the guest reaches it."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            data = files.get(self.path)
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://10.0.2.2:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def with_disk(machine, **arguments):
    """A machine with a network and an ext2 disk at /disk; m.taken(name) is a file of it as the host's tools see it."""
    with machines.scratch() as folder:
        done = subprocess.run([ROOT / "scripts/images", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        check(done.returncode == 0, "the images are made", done.stdout.decode())
        disk = Path(folder) / "disk0.img"

        def taken(name):
            out = Path(folder) / "out"
            out.unlink(missing_ok=True)
            done = subprocess.run(["/sbin/debugfs", "-R", f"dump /{name} {out}", str(disk)], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=60)
            check(out.exists(), f"{name} is on the disk", done.stdout.decode())
            return out.read_bytes()

        with machine.start(disks=[disk], net=True, **arguments) as m:
            m.taken = taken
            m.prompt()
            machines.until("the disk", lambda: "/disk" in m.command("mount"))
            yield m


def addresses(m):
    """What ifconfig says, once there is an address by DHCP."""
    return machines.until("an address", lambda: (lambda said: said if "10.0.2.15" in said else None)(m.command("ifconfig")))


def download_is_whole(machine, mebibytes, **arguments):
    seed = 20
    data = random.Random(seed).randbytes(mebibytes << 20)
    with served({"/data": data}) as url, with_disk(machine, **arguments) as m:
        said = m.command(f"fetch -o /disk/data {url}/data; echo status $?", 200)
        check(said.endswith("status 0\n"), "the download ends well", said[-500:])
        m.command("sync")
        m.end()
        check(m.taken("data") == data, f"what arrived is what was sent ({mebibytes} MiB, seed {seed})")


def test_download_is_whole(machine):
    download_is_whole(machine, 4)


@HOSTED
def test_download_is_whole_over_a_bad_network(machine):
    for options in (SPOILT, OVERTAKEN):
        download_is_whole(machine, 1, options=options)


def page(m, path, seconds=60):
    """What curl gets from the web server, once that listens."""
    def once():
        done = subprocess.run(["curl", "-sS", "--fail", "-m", str(seconds), m.url(80, path)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=2 * seconds)
        return done.stdout if done.returncode == 0 else None
    return machines.until(f"{path} by HTTP", once, 2 * seconds)


@HOSTED
def test_page_is_whole_over_a_bad_network(machine):
    for options in (SPOILT, OVERTAKEN):
        with with_disk(machine, forwards=[80], options=options) as m:
            sent = page(m, "/disk/big.txt")
            m.end()
            check(sent == m.taken("big.txt") and len(sent) > 1 << 20, "the page is the file")


def test_run_and_qemu_bring_up_a_page(machine):
    script = "run" if machine.kind == "hosted" else "qemu"
    ports = {guest: machines.port_free() for guest in (80, 11211, 564)}
    with machines.scratch() as folder:
        subprocess.run([ROOT / "scripts/images", folder], stderr=subprocess.PIPE, timeout=60, check=True)
        line = ["env", f"DISK0={folder}/disk0.img", f"DISK1={folder}/disk1.img", f"SHARE={folder}/share",
                "FORWARDS=" + " ".join(f"{host}:{guest}" for guest, host in ports.items()), str(ROOT / "scripts" / script)]
        with machines.Console(machine, line, ports) as m:
            m.prompt()
            check(f"open http://127.0.0.1:{ports[80]}/ in a browser" in m.errors, "the page to open is named", m.result())
            check(b"It works" in page(m, "/"), "and is there", m.result())
            check("host" in m.command("cat /host/readme.txt"), "the shared folder is, too", m.result())
            m.type("exit\r")
            m.wait()


@HOSTED
def test_ping_over_a_bad_network_loses_some_and_no_more(machine):
    with machine.start(net=True, options=["--net-loss", "20%", "--net-delay", "5", "--seed", "3"]) as m:
        m.prompt()
        addresses(m)
        said = m.command("ping -c 40 -i 20 10.0.2.2", 60)
        count = re.search(r"(\d+) sent, (\d+) received", said)
        check(count and int(count.group(1)) == 40 and 10 <= int(count.group(2)) <= 38, "about 64% return", said)
        m.end()


def test_ping_outward(machine):
    with machine.start(net=True) as m:
        m.prompt()
        said = m.command("ping -c 3 -i 50 10.0.2.2; echo status $?", 60)
        check("3 sent, 3 received" in said and said.endswith("status 0\n"), "the host answers over IPv4", said)
        machines.until("an answer over IPv6", lambda: "1 received" in m.command("ping -c 1 fec0::2", 60))
        m.end()


def test_addresses_are_those_of_the_user_network(machine):
    with machine.start(net=True) as m:
        m.prompt()
        said = addresses(m)
        for word in ("52:54:00:12:34:56", "gateway 10.0.2.2", "name server 10.0.2.3"):
            check(word in said, word, said)
        m.end()


def test_a_connection_from_outside_and_one_that_nobody_wants(machine):
    with machine.start(net=True, forwards=[7, 9]) as m:
        m.prompt()
        m.type("nc -l -m inside 7\r")
        m.expect("\n")
        check(m.answer(7, b"outside\n").startswith(b"inside"), "a line from inside")
        m.prompt()
        check("outside" in m.text, "and one from outside", m.result())
        with m.connect(9) as s:
            try:
                check(s.recv(1) == b"", "nothing comes from a port where nobody listens")
            except ConnectionResetError:
                pass
        m.end()


@HOSTED
def test_a_busy_guest_still_answers(machine):
    """While a program runs without a pause, frames come in: the guest refuses a connection that nobody wants."""
    with machine.start(net=True, forwards=[9]) as m:
        m.prompt()
        m.command("ping -c 1 10.0.2.2")
        m.type("stress 100000\r")
        m.expect("\n")
        with m.connect(9) as s:
            try:
                check(s.recv(1) == b"", "nothing comes")
            except ConnectionResetError:
                pass
        check("rounds" not in m.text, "it is still at work", m.result())


# ---- a card that lies ----

ADDRESS = "52:54:00:12:34:56"


@HOSTED
def test_card_whose_registers_read_as_anything_is_reached(machine):
    """Registers are believed when they say the same again; so the address, the doorbells and the status are right."""
    for rate, seed in ((3, 1), (4, 2), (4, 6), (10, 2), (10, 6), (20, 4), (20, 7)):
        result = machine.run("ping -c 2 -i 50 10.0.2.2; ifconfig", net=True, options=["--lie", f"config,{rate}", "--seed", str(seed)])
        check("2 sent, 2 received" in result.text and ADDRESS in result.text, f"config,{rate}, seed {seed}: it is reached", result)


@HOSTED
def test_network_recovers_when_its_card_stops_lying(machine):
    """With a wrong hardware address, or no good one, and then, when the driver was started anew, with the right one."""
    wrong = 0
    for seed in (2, 5, 12, 26):
        with machine.start(net=True, options=["--lie", "config,2,150", "--seed", str(seed)]) as m:
            m.prompt()
            machines.until("a card", lambda: re.search(r"(\w\w:){5}\w\w", m.command("ifconfig")))
            wrong += ADDRESS not in m.command("ifconfig")
            for _ in range(3):
                m.command("kill ether0")
            machines.until(f"seed {seed}: the right address", lambda: ADDRESS in m.command("ifconfig"))
            said = machines.until("an answer", lambda: re.search("[1-9] received", m.command("ping -c 1 10.0.2.2", 60)))
            check(said, "the network is there")
            m.end()
    check(wrong > 0, "no seed made the address wrong at first: others have to be chosen")
