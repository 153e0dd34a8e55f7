# SPDX-License-Identifier: MIT
"""The hosted program itself: its options, their errors, its terminal, what it costs, what it makes of bad archives."""
import os
import pty
import re
import resource
import subprocess
import termios
from pathlib import Path

import machines
from machines import check, on

HOSTED = on("hosted")


# ---- options ----

def refused(machine, arguments, *words):
    """A mistake of the user: one clear line that names it, status not 0, no stack trace."""
    result = machine.raw(arguments)
    said = result.text + result.errors
    check(result.status not in (0, None) and result.status > 0, f"{arguments}: refused with a status", result)
    for word in words:
        check(word in said, f"{arguments}: the message names {word!r}", result)
    check(not re.search(r"#\d+ 0x|panic|backtrace|Sanitizer|core dumped|Traceback|Segmentation", said),
          f"{arguments}: no stack trace", result)
    check(len(said.strip().splitlines()) <= 25, f"{arguments}: a short message", result)


@HOSTED
def test_option_unknown_is_named(machine):
    refused(machine, ["--nosuch"], "--nosuch")


@HOSTED
def test_option_memory_bad_sizes_are_named(machine):
    for size in ("abc", "0", "-1", "1K", "12Q", "99999999999G", "", "0x10M"):
        refused(machine, ["--memory", size, "--initrd", str(machines.INITRD)], "memory")


@HOSTED
def test_option_seed_not_a_number_is_named(machine):
    refused(machine, ["--seed", "abc", "--initrd", str(machines.INITRD)], "seed")


@HOSTED
def test_option_without_its_value_is_named(machine):
    for option in ("--memory", "--seed", "--initrd", "--command"):
        refused(machine, [option], option)


@HOSTED
def test_initrd_missing_is_named(machine):
    refused(machine, ["--initrd", "/nonexistent/initrd.cpio"], "/nonexistent/initrd.cpio")


@HOSTED
def test_initrd_folder_is_refused(machine):
    refused(machine, ["--initrd", "/"], "/")


@HOSTED
def test_memory_sizes_are_what_the_system_sees(machine):
    totals = []
    for size in ("64M", "128M", "1G"):
        result = machine.run("mem", memory=size)
        check(result.status == 0, f"runs with {size}", result)
        totals.append(int(re.search(r"^root +(\d+)", result.text, re.M).group(1)))
    for total, size in zip(totals, (64, 128, 1024)):
        check(0.9 * size * 256 < total <= size * 256, f"{size} MiB is about {size * 256} pages, not {total}")


@HOSTED
def test_trace_says_names_arguments_and_errors(machine):
    result = machine.run("cat nosuch", options=["--trace"])
    said = result.text + result.errors
    for word in ("process_create", "thread_create", "map", "call", "receive", "destroy"):
        check(re.search(rf"\b{word}\b", said), f"the trace names {word}", result)
    plain = machine.run("cat nosuch")
    check(len(said.splitlines()) > len(plain.text.splitlines()) + 50, "a line a system call", result)
    check(re.search(r"\bmap\(.*(0x[0-9a-f]+)", said), "arguments are decoded", result)


@HOSTED
def test_check_runs_all_commands_with_invariants(machine):
    command = "ls; ps; mem; fault read; run hello; stress 2; kill fs; ls bin"
    result = machine.run(command, options=["--check"])
    check(result.status == 0, "no invariant is broken", result)
    check("every page and handle is back" in result.text, "stress ran", result)


@HOSTED
def test_real_time_runs(machine):
    result = machine.run("echo hi; time echo x", options=["--real-time"])
    check(result.status == 0 and result.has("hi"), "runs", result)


@HOSTED
def test_same_seed_same_run(machine):
    runs = [machine.run("ps; mem; stress 3; time stress 2; top 1; fault read", options=["--seed", "42"])
            for _ in range(2)]
    check(runs[0].text == runs[1].text, "two runs with one seed are the same", f"{runs[0]}\n{runs[1]}")


@HOSTED
def test_input_ends_system_ends(machine):
    result = machine.raw(["--initrd", str(machines.INITRD)], stdin=b"echo from input\nls nosuch\n")
    check(result.status is not None and result.status >= 0, "it ends by itself", result)
    check("from input" in result.text, "commands were read", result)


@HOSTED
def test_input_without_last_newline_is_not_lost(machine):
    result = machine.raw(["--initrd", str(machines.INITRD)], stdin=b"echo first\nexit 5\n")
    check(result.status == 5, "exit from input is the status", result)


# ---- terminal ----

def terminal(machine, *options):
    """The hosted system on a terminal of its own."""
    return machines.Console(machine, [machines.need(machines.HOSTED), "--initrd", str(machines.INITRD), *options], {},
                            controlling=True)


PROMPT = machines.PROMPT


@HOSTED
def test_terminal_line_editing(machine):
    with terminal(machine) as t:
        t.expect(PROMPT)
        t.type("echo helo\x1b[Dl\r")  # left, then the missing l
        t.expect(r"\nhello\n")
        t.type("echo wrongg\x7f\r")  # backspace
        t.expect(r"\nwrong\n")
        t.type("cho begin\x01e\r")  # Ctrl-A
        t.expect(r"\nbegin\n")
        t.type("exit 3\r")
        check(t.wait().status == 3, "exit 3 is its status")


@HOSTED
def test_terminal_history(machine):
    with terminal(machine) as t:
        t.expect(PROMPT)
        t.type("echo first\r")
        t.expect(r"\nfirst\n")
        t.type("echo second\r")
        t.expect(r"\nsecond\n")
        t.type("\x1b[A\x1b[A\r")  # up, up
        t.expect(r"\nfirst\n")
        t.type("exit\r")
        check(t.wait().status == 0, "exit is status 0")


@HOSTED
def test_terminal_ctrl_d_ends_it(machine):
    with terminal(machine) as t:
        t.expect(PROMPT)
        t.type("\x04")
        check(t.wait().status == 0, "end of input ends the system with status 0")


@HOSTED
def test_terminal_ctrl_c_ends_or_interrupts_cleanly(machine):
    with terminal(machine) as t:
        t.expect(PROMPT)
        t.type("echo half\x03")
        # Either the line is dropped and a prompt comes, or the system ends by itself.
        try:
            t.expect(PROMPT, 5)
        except machines.Failed:
            check(t.wait().status is not None, "Ctrl-C ends it cleanly")
            return
        t.type("echo whole\r")
        t.expect(r"\nwhole\n")
        t.type("exit\r")
        check(t.wait().status == 0, "it ends afterwards")


@HOSTED
def test_terminal_is_as_before_afterwards(machine):
    main, side = pty.openpty()
    before = termios.tcgetattr(side)
    child = subprocess.Popen([machines.need(machines.HOSTED), "--initrd", str(machines.INITRD), "--command", "echo x"],
                             stdin=side, stdout=side, stderr=side)
    check(child.wait(timeout=30) == 0, "it runs")
    check(termios.tcgetattr(side) == before, "the terminal's settings are back")
    os.close(main)
    os.close(side)


@HOSTED
def test_children_are_gone_when_it_ends(machine):
    t = terminal(machine)
    t.expect(PROMPT)
    children = t.children()
    check(children, "address spaces are host processes")
    t.kill()
    machines.until("the end of the children", lambda: not any(
        Path(f"/proc/{pid}").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text() for pid in children), 20)


# ---- cost ----

@HOSTED
def test_idle_costs_no_cpu(machine):
    """While nobody types, the processor time of the kernel and its children stands still."""
    with terminal(machine) as t:
        t.prompt()
        machines.pause(0.3)  # let it come to rest
        before = t.processor_ticks()
        machines.pause(2)  # the wait that is measured
        spent = t.processor_ticks() - before
        check(spent <= 1, f"{spent * 10} ms of processor time in 2 s of waiting")
        t.end()


# ---- archives ----

def with_initrd(machine, content):
    with machines.scratch() as folder:
        path = Path(folder) / "initrd.cpio"
        path.write_bytes(content)
        return machine.run("echo hi", initrd=path)


def wrong_initrd(machine, content, *words):
    result = with_initrd(machine, content)
    said = result.text + result.errors
    check(result.status not in (0, None) and result.status > 0, "refused with a status", result)
    check("hi\n" not in result.text, "nothing ran", result)
    for word in words:
        check(word in said, f"the message says {word!r}", result)
    check(not re.search(r"panic|Sanitizer|Segmentation|#\d+ 0x", said), "a message, not a stack trace", result)


@HOSTED
def test_initrd_empty(machine):
    wrong_initrd(machine, b"", "initrd")


@HOSTED
def test_initrd_garbage(machine):
    wrong_initrd(machine, bytes(range(256)) * 64, "bin/init")


@HOSTED
def test_initrd_truncated_anywhere(machine):
    whole = machines.INITRD.read_bytes()
    at = whole.index(b"bin/init\0")
    for size in (3, 109, 110, at + 4, at + 100, at + 5000):
        wrong_initrd(machine, whole[:size])


@HOSTED
def test_initrd_without_init(machine):
    with machines.scratch() as folder:
        wrong_initrd(machine, machines.initrd_with(folder, {"bin/init": None}).read_bytes(), "bin/init")


@HOSTED
def test_initrd_init_is_no_elf(machine):
    with machines.scratch() as folder:
        for content in (b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\x01\x01\x01" + bytes(100), b""):
            wrong_initrd(machine, machines.initrd_with(folder, {"bin/init": content}).read_bytes(), "bin/init")


@HOSTED
def test_initrd_init_spoiled_anywhere_never_crashes_the_kernel(machine):
    with machines.scratch() as folder:
        init = machines.cpio_files(machines.INITRD.read_bytes())["bin/init"]
        for offset in (16, 18, 24, 32, 54, 56, 64 + 4, 64 + 8, 64 + 16, 64 + 32, 64 + 40):
            spoiled = bytearray(init)
            spoiled[offset:offset + 2] = b"\xff\xff"
            result = with_initrd(machine, machines.initrd_with(folder, {"bin/init": bytes(spoiled)}).read_bytes())
            check(result.status is not None, f"offset {offset}: it ends", result)
            check(not re.search(r"panic|Sanitizer|Segmentation", result.text + result.errors),
                  f"offset {offset}: no kernel bug", result)


@HOSTED
def test_start_and_exit_leave_nothing_in_the_process_table(machine):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = machine.run("echo hi")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    check(result.status == 0, "runs", result)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    check(spent < 5, f"{spent:.2f} s of processor time for echo")
