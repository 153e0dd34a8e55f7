# SPDX-License-Identifier: MIT
"""ext2 and FAT on disks: what is written there is sound in the eyes of the host's tools, also after kills."""
import os
import random
import re
import subprocess
from pathlib import Path

import machines
from machines import ROOT, check

KILLS = int(os.environ.get("KILLS", "10"))  # in the test of kills under load; SEED=n chooses when, and whom
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def host(*line, text=True):
    return subprocess.run([str(word) for word in line], env=dict(os.environ, PATH=PATH), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, text=text)


def made(folder, name, mebibytes, *line):
    disk = Path(folder) / name
    with open(disk, "wb") as out:
        out.truncate(mebibytes << 20)
    done = host(*line, disk)
    check(done.returncode == 0, f"{line[0]} makes {name}", done.stdout)
    return disk


def disks_made(folder):
    return [made(folder, "ext2.img", 32, "mke2fs", "-q", "-F", "-t", "ext2"),
            made(folder, "fat.img", 40, "mkfs.fat", "-F", "32", "-s", "1")]


def sound(ext2, fat):
    for line in (["e2fsck", "-fn", ext2], ["fsck.fat", "-n", fat]):
        done = host(*line)
        check(done.returncode == 0, f"{line[0]} finds no fault", done.stdout)
    state = host("dumpe2fs", "-h", ext2).stdout
    check(re.search(r"^Filesystem state: +clean$", state, re.M), "and ext2 is marked clean", state)


def content(kind, disk, path):
    if kind == "ext2":
        return host("debugfs", "-R", f'cat "{path}"', disk, text=False).stdout.split(b"\n", 1)[1]
    return host("mtype", "-i", disk, f"::{path}", text=False).stdout


def test_copied_files_are_sound_for_the_host(machine):
    tour = (ROOT / "servers/etc/tour").read_bytes()
    with machines.scratch() as folder:
        disks = disks_made(folder)
        result = machine.run("cp /etc/tour '/fat/A long name, with blanks.text'; mkdir -p /disk/a/b /fat/sub; cp -r /bin /disk/a; "
                             "cp '/fat/a LONG name, with blanks.TEXT' /disk/a/b/copy; mv /disk/a/b /disk/c; cp -r /disk/a/bin /fat/sub; "
                             "rm -r /disk/a; cp -r /fat/sub/bin /disk/back; rm /fat/sub/bin/hello; df; echo end", disks=disks)
        check(result.has("end"), "all commands are done", result)
        check(not re.search(r"^(ext2|fat|init|cp|mv|rm|mkdir): ", result.text, re.M), "and nothing is amiss", result)
        sound(*disks)
        check(content("ext2", disks[0], "/c/copy") == tour, "a file of ext2", result)
        check(content("fat", disks[1], "/A long name, with blanks.text") == tour, "a file of FAT", result)
        program = (ROOT / "build/user/bin/shell").read_bytes()
        check(content("ext2", disks[0], "/back/shell") == program, "a program on ext2", result)
        check(content("fat", disks[1], "/sub/bin/shell") == program, "a program on FAT", result)


def test_what_cannot_be_mounted_is_said_in_one_line(machine):
    with machines.scratch() as folder:
        disks = [made(folder, "ext4.img", 16, "mke2fs", "-q", "-F", "-t", "ext4"), made(folder, "empty.img", 4, "true")]
        result = machine.run("echo hi; ls /disk; ls /fat", disks=disks)
        check(result.has("hi"), "the rest works", result)
        said = re.findall(r"^(?:ext2|fat): .*$", result.text, re.M)
        check(len(said) == 2 and "ext4" in said[0] + said[1] and "signature" in said[0] + said[1], f"a line each: {said}", result)


def test_read_only_disks_can_be_read(machine):
    with machines.scratch() as folder:
        disks = [f"{disk},ro" for disk in disks_made(folder)]
        result = machine.run("ls /disk; cp /etc/tour /disk/x; cp /etc/tour /fat/x; rm -r /disk/lost+found", disks=disks)
        check(re.search(r"  lost\+found/$", result.text, re.M), "what is there", result)
        check(result.text.count("read-only file system") == 3, "and stays", result)


def test_fat_kills_under_load_lose_nothing_that_was_synced(machine):
    seed = int(os.environ.get("SEED", "1"))
    victims = random.Random(seed)
    with machines.scratch() as folder:
        disks = disks_made(folder)
        with machine.start(disks=disks) as m:
            m.prompt()
            records = 64 * (KILLS + 1)
            m.command(f"filetest work /fat/log {records} 1 &")
            for _ in range(KILLS):
                m.expect(rf"filetest: /fat/log: \d+ of {records}")
                m.type("kill " + victims.choice(("fat", "fat", "disk1")) + "\r")
            m.type("wait; echo waited\r")
            m.expect(r"^waited$")
            check(re.search(rf"filetest: {records} records in \d+ syncs, \d+ of them done again: all are there", m.text),
                  f"seed {seed}: it found all it had synced", m.result())
            m.prompt()
            m.end()
        sound(*disks)
