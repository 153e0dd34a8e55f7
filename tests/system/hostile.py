# SPDX-License-Identifier: MIT
"""Programs that try to break out: each deed ends in a reported fault of that program alone."""
import re

import machines

PER_BOOT = 12


def deeds(machine):
    result = machine.run("run hostile")
    machines.check(result.status == 0, "run hostile lists its deeds", result)
    names = [line for line in result.lines if re.fullmatch(r"[a-z0-9]+", line)]
    machines.check(len(names) >= 40, f"only {len(names)} deeds", result)
    return [name for name in names if name not in ("rawsyscall", "fsbase")]


def test_hostile_deeds_each_end_in_a_fault_of_that_program_alone(machine):
    names = deeds(machine)
    wrong = []
    for first in range(0, len(names), PER_BOOT):
        part = names[first:first + PER_BOOT]
        command = "; ".join(f"run hostile {name}; echo {name} $?" for name in part)
        result = machine.run(command + "; ps; echo alive")
        text = result.text
        for name in part:
            found = re.search(rf"^{name} (\d+)$", text, re.M)
            if not found:
                wrong.append(f"{name}: the shell did not go on\n{result}")
                return machines.check(False, "\n".join(wrong))
            report, text = text[:found.start()], text[found.end():]
            if not re.search(r"^fault: hostile, thread 1, ", report, re.M) or found.group(1) == "0":
                wrong.append(f"{name}: status {found.group(1)}, said:\n{report}")
            if "hostile was ended, and its parent shell was told" not in report:
                wrong.append(f"{name}: the parent was not told:\n{report}")
        machines.check(result.has("alive"), "the shell goes on", result)
        for server in ("console", "fs", "shell"):
            machines.check(re.search(rf"{server} +process +alive", result.text), f"{server} lives", result)
        machines.check("started again" not in result.text, "no server was hurt", result)
    machines.check(not wrong, "\n".join(wrong))
