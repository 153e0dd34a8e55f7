# SPDX-License-Identifier: MIT
"""The hosted machine's devices under whole file systems: late, out of order, lying, restarted; and what they refuse."""
import os
import random
import re
import subprocess
from pathlib import Path

import machines
from machines import check, on

HOSTED = on("hosted")
BYTES = 600000
COPIES = "cp /host/data /disk/a; cp /disk/a /fat/b; cp /fat/b /host/back; sync; echo end"
TOOLS = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")


class Place:
    """Two disks and a shared folder with a file of random bytes."""

    def __init__(self, folder, seed):
        self.disks = [Path(folder) / "ext2.img", Path(folder) / "fat.img"]
        self.share = Path(folder) / "share"
        self.share.mkdir()
        self.data = random.Random(seed).randbytes(BYTES)
        (self.share / "data").write_bytes(self.data)
        for disk, line in zip(self.disks, (["mke2fs", "-q", "-t", "ext2"], ["mkfs.fat", "-F", "16"])):
            with open(disk, "wb") as out:
                out.truncate(16 << 20)
            subprocess.run([*line, str(disk)], env=TOOLS, check=True, stdout=subprocess.DEVNULL)

    def came_back(self):
        back = self.share / "back"
        return back.exists() and back.read_bytes() == self.data

    def sound(self):
        done = subprocess.run(["e2fsck", "-fn", str(self.disks[0])], env=TOOLS, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        check(done.returncode == 0, "e2fsck finds no fault", done.stdout)


def copied(machine, place, *options, command=COPIES, memory="256M"):
    """Runs the copies; nothing but drivers may end, and the shell goes on to the end."""
    result = machine.run(command, disks=place.disks, share=place.share, options=options, memory=memory)
    said = result.text + result.errors
    check(result.has("end") and result.status == 0, f"{options}: it goes on to the end", result)
    check("fault:" not in said and "Sanitizer" not in said and "panic" not in said, f"{options}: nothing crashes", result)
    ended = set(re.findall(r"init: (\S+) ended with status [1-9]", said))
    check(ended <= {"disk0", "disk1", "random", "host", "ether0"}, f"{options}: drivers alone end: {ended}", result)
    return result


@HOSTED
def test_late_answers_in_any_order_change_nothing(machine):
    for seed in (1, 20, 300):
        with machines.scratch() as folder:
            place = Place(folder, seed)
            copied(machine, place, "--seed", str(seed))
            check(place.came_back(), f"seed {seed}: the bytes are the same")
            place.sound()


def lies(machine, kind, rate, seeds):
    """Each run ends in the right bytes or in an error that was told. How many restarts, and how many right bytes."""
    restarts = right = 0
    for seed in seeds:
        with machines.scratch() as folder:
            place = Place(folder, seed)
            result = copied(machine, place, "--seed", str(seed), "--lie", f"{kind},{rate}")
            told = re.search(r"^\S+: .*(error|no such|no space|ended)", result.text, re.M)
            check(place.came_back() or told, f"--lie {kind}, seed {seed}: the bytes are the same, or an error is told", result)
            right += place.came_back()
            restarts += result.text.count("was started again")
    return restarts, right


@HOSTED
def test_lies_about_requests_end_in_restarts(machine):
    for kind in ("length", "index", "id"):
        restarts, right = lies(machine, kind, 40, (1, 2, 3))
        check(restarts > 0, f"{kind}: somebody was caught", restarts)
        check(right > 0, f"{kind}: and the copies come through", right)


@HOSTED
def test_requests_never_answered_end_in_restarts(machine):
    restarts, right = lies(machine, "silence", 40, (4, 5, 6))
    check(restarts > 0 and right > 0, f"restarts {restarts}, copies {right}")


@HOSTED
def test_untrue_statuses_are_errors_or_restarts(machine):
    lies(machine, "status", 60, (1, 2, 3))


@HOSTED
def test_storms_of_interrupts_change_nothing(machine):
    restarts, right = lies(machine, "storm", 4, (1, 2))
    check(restarts == 0 and right == 2, f"restarts {restarts}, copies {right}")


@HOSTED
def test_registers_that_read_as_anything(machine):
    lies(machine, "config", 20, (1, 2, 3))


@HOSTED
def test_configuration_space_that_reads_as_anything(machine):
    lies(machine, "pci", 60, (1, 2))
    lies(machine, "pci", 300, (3, 4))


@HOSTED
def test_all_lies_at_once(machine):
    lies(machine, "all", 80, (1, 2, 3))


@HOSTED
def test_restarted_drivers_get_their_memory_back(machine):
    """Both disks' buffers, whichever comes first afterwards, with little memory and with much."""
    command = ("cp /host/data /disk/a; cp /host/data /fat/a; sync; kill {0}; cp /fat/a /fat/b; cp /disk/a /disk/c; "
               "kill {1}; cp /disk/c /disk/d; cp /disk/d /host/back; sync; echo end")
    for memory in ("64M", "128M", "256M"):
        for victims in (("disk0", "disk1"), ("pci", "disk0"), ("disk1", "pci")):
            with machines.scratch() as folder:
                place = Place(folder, 7)
                copied(machine, place, command=command.format(*victims), memory=memory)
                check(place.came_back(), f"{memory}, {victims}: the bytes are the same")
                place.sound()


def used(m, name):
    return int(re.search(rf"^  {name} +\d+ +(\d+)", m.command("mem"), re.M)[1])


def test_all_killed_under_copies_come_back(machine):
    """Drivers, file systems and the PCI server, three of them during each pair of copies; both machines."""
    seed = int(os.environ.get("SEED", "5"))
    chance = random.Random(seed)
    pages = []
    with machines.scratch() as folder:
        place = Place(folder, seed)
        with machine.start(disks=place.disks, share=place.share) as m:
            m.prompt()
            for number in range(10):
                m.command("cp /host/data /disk/a &")
                m.command("cp /host/data /fat/a &")
                for _ in range(3):
                    m.command("kill " + chance.choice(("disk0", "disk1", "host", "pci", "ext2", "fat")))
                said = m.command("wait") + m.command(COPIES)
                check(place.came_back(), f"seed {seed}, round {number}: the bytes are the same", said)
                (place.share / "back").unlink()
                pages.append(used(m, "pci"))
            check(min(pages[5:]) <= max(pages[:5]) + 32, f"seed {seed}: no memory leaks: {pages}")
            m.end()
        place.sound()


@HOSTED
def test_share_leads_nowhere_else(machine):
    with machines.scratch() as folder:
        share = Path(folder) / "share"
        (share / "inner").mkdir(parents=True)
        (Path(folder) / "secret").write_text("outside\n")
        (share / "link").symlink_to("../secret")
        (share / "absolute").symlink_to(f"{folder}/secret")
        (share / "up").symlink_to("..")
        command = ("cat /host/../secret; cat /host/inner/../../secret; cat /host/link; cat /host/absolute; cat /host/up/secret; "
                   "ls /host; cp /bin/hello /host/link; rm /host/up; echo end")
        result = machine.run(command, share=share)
        check(result.has("end") and "outside" not in result.text, "nothing outside is read", result)
        check((Path(folder) / "secret").read_text() == "outside\n", "nor written")


@HOSTED
def test_share_read_only_is_not_changed(machine):
    with machines.scratch() as folder:
        share = Path(folder) / "share"
        share.mkdir()
        (share / "file").write_text("as it was\n")
        command = "cat /host/file; cp /bin/hello /host/new; rm /host/file; mkdir /host/folder; mv /host/file /host/f; echo end"
        result = machine.run(command, share=f"{share},ro")
        check(result.has("as it was") and result.has("end"), "it is read", result)
        check(os.listdir(share) == ["file"] and (share / "file").read_text() == "as it was\n", "and not changed", result)


def refused(machine, options, *words):
    result = machine.raw([*options, "--initrd", str(machines.INITRD), "--command", "echo hi"])
    said = result.text + result.errors
    check(result.status == 2 and len(said.strip().splitlines()) == 1, f"{options}: refused in a line", result)
    for word in words:
        check(word in said, f"{options}: names {word!r}", result)


@HOSTED
def test_options_of_devices_wrong_are_refused(machine):
    with machines.scratch() as folder:
        empty = Path(folder) / "empty"
        empty.touch()
        refused(machine, ["--disk", f"{folder}/none.img"], "--disk", "none.img", "No such file")
        refused(machine, ["--disk", folder], "--disk", folder)
        refused(machine, ["--disk", str(empty)], "--disk", "empty", "512")
        refused(machine, ["--disk", ",ro"], "--disk")
        refused(machine, ["--share", f"{folder}/none"], "--share", "none")
        refused(machine, ["--share", str(empty)], "--share", "empty")
    for kind in ("", "nosuch", "id,", "id,0", "id,x", "id,3x", "id,99999999", "id,3,", "id,3,0", "id,3,4,", "id,,4", "nosuch,3,4"):
        refused(machine, ["--rng", "--lie", kind], "--lie", "--help")
