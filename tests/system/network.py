# SPDX-License-Identifier: MIT
"""The network of the machines: options, ports of the host, traffic in and out, and its faults."""
import re
import socket

import machines
from machines import check, on

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
def test_idle_with_a_network_costs_no_cpu(machine):
    with machine.start(net=True, forwards=[80, 11211, 564]) as m:
        m.prompt()
        m.command("echo at rest")
        before = m.processor_ticks()
        machines.pause(2)  # the wait that is measured, not one that anything depends on
        spent = m.processor_ticks() - before
        check(spent <= 2, f"{spent * 10} ms of processor time in 2 s of waiting", m.result())
        m.end()
