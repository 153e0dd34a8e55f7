# SPDX-License-Identifier: MIT
"""Same programs, same output on both builds; the disk image boots under BIOS and UEFI."""
import hashlib
import re
import subprocess
from pathlib import Path

import machines
from machines import check, on

# Nothing in it depends on the machine: no times, no sizes of memory.
SCRIPT = ("echo begin; ls; ls bin; cat etc/manifest; hexdump bin/hello; run hello; fault read; fault illegal; fault stack; "
          "run hostile readkernel; run hostile rawsyscall; nosuch; echo $?; stress 3; help; echo end")
ISO = machines.ROOT / "build/x86_64/atmos.iso"
OVMF = "/usr/share/ovmf/OVMF.fd"


@on("qemu")
def test_same_programs_same_output_on_both_builds(machine):
    """One archive serves both; what each system itself reads of its programs is the same to the byte."""
    files = machines.cpio_files(Path(machines.need(machines.INITRD)).read_bytes())
    programs = {name: content for name, content in files.items() if name.startswith("bin/") and content}
    check(len(programs) >= 8, f"programs: {sorted(programs)}")
    for name, content in programs.items():
        built = machines.ROOT / "build/user/bin" / Path(name).name
        check(hashlib.sha256(content).digest() == hashlib.sha256(built.read_bytes()).digest(),
              f"{name} in the archive is {built}")
    hosted = machines.Hosted().run(SCRIPT)
    qemu = machine.run(SCRIPT)
    check(hosted.status == 0 and hosted.has("end"), "hosted", hosted)
    check(qemu.status == 0 and qemu.has("end"), "qemu", qemu)
    mine = qemu.text[qemu.text.index("begin\n"):]
    check(hosted.text[hosted.text.index("begin\n"):] == mine, "the output is the same byte for byte",
          f"{hosted}\n{qemu}")
    dump = "; ".join(f"hexdump {name}" for name in ("bin/init", "bin/shell"))
    both = [m.run(dump) for m in (machines.Hosted(), machine)]
    for result in both:
        for name in ("bin/init", "bin/shell"):
            first = files[name][:16].hex(" ", 1)
            check(first.replace(" ", "") in re.sub(r"[ |]", "", result.text), f"{name} is what runs", result)
    sums = [hashlib.sha256("\n".join(re.findall(r"^[0-9a-f]{8}  .*$", r.text, re.M)).encode()).hexdigest() for r in both]
    check(sums[0] == sums[1], "the programs' bytes as each system reads them are the same")


def iso_boot(machine, *firmware):
    """The image's first entry is what an interactive user gets: a prompt on the serial line."""
    machines.need(ISO)
    line = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "256M", "-display", "none", "-monitor", "none",
            "-no-reboot", "-nodefaults", "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
            "-cdrom", str(ISO), *firmware]
    child = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        child.stdin.write(b"")
        seen = read_until(child, rb"atmos> ", 120)
        child.stdin.write(b"echo from the image; exit 9\r")
        child.stdin.flush()
        seen += read_until(child, rb"\nfrom the image", 60)
        status = child.wait(timeout=60)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    text = seen.decode(errors="replace").replace("\r", "")
    check(status == 9 * 2 + 1, f"status {status}", text[-3000:])


def read_until(child, pattern, seconds):
    import os
    import select
    import time
    seen = b""
    end = time.monotonic() + seconds
    while not re.search(pattern, seen.replace(b"\r", b"")):
        ready, _, _ = select.select([child.stdout], [], [], max(0, end - time.monotonic()))
        data = os.read(child.stdout.fileno(), 65536) if ready else b""
        check(data, f"waiting for {pattern!r}", seen.decode(errors="replace")[-3000:])
        seen += data
    return seen


@on("qemu")
def test_image_boots_under_bios(machine):
    iso_boot(machine)


@on("qemu")
def test_image_boots_under_uefi(machine):
    iso_boot(machine, "-bios", machines.need(OVMF))
