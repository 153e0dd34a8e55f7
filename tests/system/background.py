# SPDX-License-Identifier: MIT
"""A machine in the background, with a person at its console."""
import machines
from machines import check


def test_commands_at_the_prompt(machine):
    with machine.start() as m:
        m.prompt()
        check(m.command("echo one two") == "one two\n", "a command's output, and nothing else", m.result())
        check("\n  " in m.command("ls bin"), "several lines", m.result())
        check(m.command("") == "", "an empty line", m.result())
        result = m.end(7)
        check(result.status == 7, "exit's status", result)


def test_command_line_ends_by_itself(machine):
    with machine.start("echo hi; exit 5") as m:
        result = m.wait()
        check(result.status == 5 and result.has("hi"), "output and status", result)


def test_machine_is_gone_after_the_block(machine):
    with machine.start() as m:
        m.prompt()
        process = m.process
    check(process.poll() is not None, "it was killed")


def test_pattern_that_does_not_come_fails(machine):
    try:
        with machine.start("echo hi") as m:
            m.expect("no such text")
    except machines.Failed as why:
        check("no such text" in str(why) and "hi" in str(why), "the failure says what came instead", str(why))
    else:
        raise machines.Failed("an expectation that cannot hold passed")
