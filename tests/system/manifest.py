# SPDX-License-Identifier: MIT
"""What init makes of its manifest: errors are reported with their line and the rest is used; policies are kept."""
import re

import machines
from machines import check

BASE = """program console
    quota 128
    ceiling 50
    serves console
    ports 0x3f8 8
    irqs 4 1
    restart always
program names
    quota 64
    ceiling 46
    arguments /=fs
    serves names
    shares fs
    restart always
program fs
    quota 1024
    ceiling 45
    serves fs
    initrd
    restart always
"""
SHELL = """program shell
    quota 8192
    ceiling 40
    priority 30
    shares console names
    container
    system destroy
    main
"""


def run(machine, manifest, command="echo hi", more=None, **machine_options):
    with machines.scratch() as folder:
        changes = {"etc/manifest": manifest.encode() if isinstance(manifest, str) else manifest, **(more or {})}
        return machine.run(command, initrd=machines.initrd_with(folder, changes), **machine_options)


def test_manifest_plain_one_works(machine):
    result = run(machine, BASE + SHELL)
    check(result.status == 0 and result.has("hi"), "runs", result)


def test_manifest_lines_with_errors_are_reported_and_left_out(machine):
    bad = ("    nosuchword 1\n", "    quota abc\n", "    quota -5\n", "    quota 99999999999999999999999\n",
           "    ceiling 64\n", "    priority x\n", "    ports 0x3f8\n", "    ports 70000 1\n", "    restart perhaps\n",
           "    system all\n")
    for line in bad:
        result = run(machine, BASE + SHELL + line)
        check(result.has("hi"), f"{line!r}: the rest is used", result)
        check(re.search(rf"manifest.*\b{(BASE + SHELL).count(chr(10)) + 1}\b", result.text + result.errors),
              f"{line!r}: the message names the line", result)
        check(any(word in result.text for word in line.split()), f"{line!r}: the message names a word of it", result)
        check("panic" not in result.text + result.errors, f"{line!r}: no panic", result)


def test_manifest_program_file_missing_is_named(machine):
    result = run(machine, BASE + "program nosuch\n    quota 64\n" + SHELL)
    check(result.has("hi"), "the rest starts", result)
    check("nosuch" in result.text, "the missing program is named", result)


def test_manifest_program_no_elf_is_named(machine):
    result = run(machine, BASE + "program odd\n    quota 64\n" + SHELL, more={"bin/odd": b"no program at all"})
    check(result.has("hi"), "the rest starts", result)
    check("odd" in result.text, "the bad program is named", result)


def test_manifest_quota_too_small_is_reported(machine):
    result = run(machine, BASE + "program hello\n    quota 2\n" + SHELL)
    check(result.has("hi"), "the rest starts", result)
    check("hello" in result.text, "the program is named", result)


def test_manifest_quota_beyond_memory_is_reported(machine):
    result = run(machine, BASE + "program hello\n    quota 99999999\n" + SHELL)
    check(result.has("hi"), "the rest starts", result)
    check("hello" in result.text, "the program is named", result)


def test_manifest_restart_limit_is_kept(machine):
    looping = "program fault\n    arguments read\n    quota 64\n    restart always 3\n"
    result = run(machine, BASE + looping + SHELL, command="ps; stress 3; ps")
    check(result.status == 0, "the system goes on", result)
    check(result.text.count("fault was started again") <= 3, "started again three times at most", result)
    check(not re.search(r"fault +process +alive", result.text.split("stress")[-1]), "and then no more", result)


LOOPING = "program fault\n    arguments read\n    quota 64\n    restart always 1000\n"


def test_manifest_program_that_ends_at_once_is_not_started_at_full_speed(machine):
    with machines.scratch() as folder:
        initrd = machines.initrd_with(folder, {"etc/manifest": (BASE + LOOPING + SHELL).encode()})
        with machine.start(initrd=initrd) as m:
            for ends, wait in ((5, 1), (6, 2)):
                m.expect(rf"init: fault ended {ends} times; next try in {wait} s$")
                check(m.text.count("fault was started again") == ends - 1, "no sooner", m.result())
                m.expect("init: fault was started again$")
            m.expect("init: fault ended 7 times; next try in 4 s$")
            m.type("echo and; echo ready\r")
            m.expect("^ready$")
            m.prompt()
            m.command("; ".join(["kill fs"] * 8))
            check(m.text.count("fs was started again") == 8, "what is killed is there again at once", m.result())
            check("init: fs ended" not in m.text, "however often", m.result())
            check(m.command("echo on") == "on\n", "all else goes on", m.result())
            m.end()


@machines.on("hosted")
def test_manifest_program_that_ends_at_once_is_left_alone_longer_each_time(machine):
    shipped = (machines.ROOT / "servers/etc/manifest").read_text()
    result = run(machine, shipped + LOOPING, "ping -c 201 -i 1000 127.0.0.1")
    waits = re.findall(r"^init: fault ended (\d+) times; next try in (\d+) s$", result.text, re.M)
    expected = [(str(5 + n), str(min(1 << n, 32))) for n in range(8)]
    check(waits[:8] == expected and len(waits) < 15, f"{waits} in 200 s", result)


def test_manifest_empty_or_binary_ends_with_a_message(machine):
    for text in (b"", b"\0" * 100, bytes(range(256)) * 20, b"program\n", b"#" * 5000):
        result = run(machine, text)
        said = result.text + result.errors
        check(result.status not in (None, 0), f"{text[:10]!r}: it ends, not with 0", result)
        check(said.strip() and "panic" not in said, f"{text[:10]!r}: it says why", result)


def test_manifest_missing_is_reported(machine):
    with machines.scratch() as folder:
        result = machine.run("echo hi", initrd=machines.initrd_with(folder, {"etc/manifest": None}))
    check(result.status not in (None, 0), "it ends, not with 0", result)
    check("manifest" in result.text, "it says what is missing", result)


def test_scripts_run_line_by_line(machine):
    script = b"# a script\necho one\nls nosuch\necho $?\n\n   echo 'two  three'\n"
    result = run(machine, BASE + SHELL, "run etc/script; echo after", more={"etc/script": b"#!shell\n" + script})
    lines = [line for line in result.lines if line in ("one", "1", "two  three", "after")]
    check(lines == ["one", "1", "two  three", "after"], "the script's lines ran in turn", result)


def test_manifest_environment_is_found(machine):
    result = run(machine, BASE + SHELL.replace("main", "environment COMMAND=echo\n    main"), "echo hi")
    check(result.status == 0 and result.has("hi"), "an environment string does not hide the command", result)


def test_manifest_needs_what_nobody_serves_is_quietly_left_out(machine):
    result = run(machine, BASE + "program hello\n    quota 64\n    needs nothing\n" + SHELL, "ps; echo end")
    check(result.status == 0 and result.has("end"), "the rest runs", result)
    check("hello" not in result.text, "it was not started, and nothing said", result)


def test_manifest_device_that_is_not_there_is_quietly_left_out(machine):
    driver = "program hello\n    quota 64\n    serves hello\n    device fffe:1\n"
    needs = "program stress\n    quota 64\n    needs hello\n"
    result = run(machine, BASE + driver + needs + SHELL, "ps; echo end")
    check(result.status == 0 and result.has("end"), "the rest runs", result)
    check("hello" not in result.text and "stress" not in result.text, "neither was started", result)


def test_manifest_on_failure_restarts_after_a_status_but_not_after_0(machine):
    again = "program fault\n    arguments status 3\n    quota 64\n    restart on-failure 2\n"
    fine = "program hello\n    quota 64\n    restart on-failure 2\n"
    result = run(machine, BASE + again + fine + SHELL, command="stress 3; echo end")
    check(result.has("end"), "the rest runs", result)
    check(result.text.count("fault was started again") == 2, "started again twice", result)
    check("hello was started again" not in result.text, "an end with status 0 is one", result)


def test_manifest_quota_takes_a_share_of_what_is_left(machine):
    """Each percent is the same number of pages, and all of them fit beside the fixed parts."""
    shares = "".join(f"program {name}\n    file bin/pcitest\n    arguments idle\n    quota {pages} {percent}%\n"
                     for name, pages, percent in (("one", 100, 10), ("two", 300, 40), ("three", 100, 25)))
    for memory in ("32M", "256M"):
        result = run(machine, BASE + shares + SHELL.replace("quota 8192", "quota 1024 25%"), "mem", memory=memory)
        total = {name: int(re.search(rf"^  {name} +(\d+)", result.text, re.M).group(1))
                 for name in ("one", "two", "three", "shell")}
        percent = (total["three"] - 100) / 25
        check(percent > 10, "there is something to share", result)
        for name, expected in (("one", 100 + 10 * percent), ("two", 300 + 40 * percent), ("shell", 1024 + 25 * percent)):
            check(abs(total[name] - expected) < 3, f"{name}: {total[name]} is not {expected}", result)
