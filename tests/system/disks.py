# SPDX-License-Identifier: MIT
"""Images of disks as the machines take them: made at first start, and never written by two at once."""
import os
import subprocess
from pathlib import Path

import machines
from machines import ROOT, check, on


def image(folder, name="disk.img", mebibytes=1):
    path = Path(folder) / name
    with open(path, "wb") as out:
        out.truncate(mebibytes << 20)
    return path


def test_an_image_is_one_systems_at_a_time(machine):
    with machines.scratch() as folder:
        disk = image(folder)
        with machine.start(disks=[disk]) as m:
            m.prompt()
            for kind in ("hosted", "qemu"):
                result = machines.machine(kind).run("echo hi", disks=[disk])
                check(not result.has("hi") and result.status != 0, f"{kind} does not start with it, too", result)
                check(disk.name in result.errors and "Traceback" not in result.errors, "and names it", result)
            m.end()
        check(machine.run("echo hi", disks=[disk]).has("hi"), "afterwards it is free")


def test_an_image_may_be_read_by_two(machine):
    with machines.scratch() as folder:
        disk = f"{image(folder)},ro"
        with machine.start(disks=[disk]) as m:
            m.prompt()
            for kind in ("hosted", "qemu"):
                result = machines.machine(kind).run("echo hi", disks=[disk])
                check(result.status == 0 and result.has("hi"), f"{kind} starts with it, too", result)
            m.end()


def script(name, folder, **environment):
    return subprocess.run([ROOT / "scripts" / name, *folder], env=dict(os.environ, **environment), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, text=True)


@on("hosted")
def test_images_are_made_once_and_sound(machine):
    with machines.scratch() as folder:
        first = script("images", [folder])
        check(first.returncode == 0 and len(first.stdout.splitlines()) == 1, "made, in one line", first.stdout)
        for name in ("disk0.img", "disk1.img", "share"):
            check(f"{folder}/{name}" in first.stdout, f"{name} is named", first.stdout)
        again = script("images", [folder])
        check(again.returncode == 0 and again.stdout == "", "once is enough", again.stdout)
        for line in (["e2fsck", "-fn", f"{folder}/disk0.img"], ["fsck.fat", "-n", f"{folder}/disk1.img"]):
            done = subprocess.run(line, env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"),
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, text=True)
            check(done.returncode == 0, f"{line[0]} finds no fault", done.stdout)
        check(sorted(os.listdir(folder)) == ["disk0.img", "disk1.img", "share"], "nothing else is left", os.listdir(folder))


@on("hosted")
def test_scripts_start_without_what_is_not_wanted(machine):
    for name in ("run", "qemu"):
        done = script(name, [], CMD="echo hi", DISK0="none", DISK1="none", SHARE="none", NET="0")
        check(done.returncode == 0 and done.stdout == "hi\n", f"scripts/{name}: nothing but the command", done.stdout)


@on("hosted")
def test_scripts_name_a_bad_forward(machine):
    for name in ("run", "qemu"):
        done = script(name, [], CMD="echo hi", DISK0="none", DISK1="none", SHARE="none", FORWARDS="80:x")
        check(done.returncode != 0 and "80:x" in done.stdout and "hi\n" not in done.stdout, f"scripts/{name}", done.stdout)
