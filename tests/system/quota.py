# SPDX-License-Identifier: MIT
"""Memory that the manifest gives: it fits into a small machine with every device, and lack of it is told."""
import re

import machines
from machines import check


def disk(folder, name):
    path = machines.Path(folder) / name
    with open(path, "wb") as image:
        image.truncate(1 << 20)
    return path


def test_quota_small_machine_with_every_device_starts_all(machine):
    with machines.scratch() as folder:
        disks = [disk(folder, "0"), disk(folder, "1")]
        result = machine.run("echo small; mem", memory="64M", disks=disks, net=True, rng=True, share=folder)
    check(result.status == 0 and result.has("small"), "it starts", result)
    check("cannot be" not in result.text + result.errors, "every container was made", result)
    for driver in ("disk0", "disk1", "random", "ether0"):
        check(re.search(rf"^  {driver} +\d+", result.text, re.M), f"{driver} runs", result)


def test_quota_lack_of_memory_is_told_and_the_rest_runs(machine):
    text = (machines.ROOT / "servers/etc/manifest").read_text()
    greedy = text.replace("program shell\n", "program greedy\n    file bin/hello\n    quota 9999999\nprogram shell\n")
    with machines.scratch() as folder:
        initrd = machines.initrd_with(folder, {"etc/manifest": greedy.encode()})
        result = machine.run("echo rest", initrd=initrd, memory="64M")
    check(result.status == 0 and result.has("rest"), "the rest runs", result)
    check(re.search(r"greedy.*container.*cannot be made", result.text), "it says who was not started and why", result)
