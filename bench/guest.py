# SPDX-License-Identifier: MIT
"""The x86-64 system in a QEMU whose clock counts instructions, and its debugger's and monitor's ends."""
import json
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNEL = ROOT / "build/x86_64/atmos.elf"
SYSTEM_INITRD = ROOT / "build/user/initrd.cpio"
INITRD = ROOT / "build/bench/initrd.cpio"
PROGRAM = ROOT / "build/user/debug/bench"
HANG = 600  # seconds


def qemu_line(command, memory="512M", initrd=INITRD, more=()):
    """-icount shift=0: one tick of the time-stamp counter is one instruction, whatever the host does."""
    return ["qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=0,sleep=off", "-machine", "q35", "-cpu", "max", "-m",
            memory, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-device",
            "isa-debug-exit,iobase=0xf4,iosize=0x04", "-device", "edu", "-kernel", str(KERNEL), "-initrd", str(initrd),
            "-append", command, *more]


def fail(text):
    sys.exit(f"bench: {text}")


def output(*command, given=None):
    return subprocess.run(list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, input=given, check=True, text=True).stdout


def symbol(elf, name):
    """The address of a symbol."""
    found = re.search(rf"^([0-9a-f]+) \w {name}$", output("nm", elf), re.M)
    return int(found[1], 16) if found else fail(f"{elf.name} has no symbol {name}")


def code_at(elf, address, length=16):
    """Bytes of a program's text."""
    dump = output("objdump", "-s", "-j", ".text", f"--start-address={address}", f"--stop-address={address + length}", elf)
    words = re.findall(r"^ [0-9a-f]+ ((?:[0-9a-f]+ ){1,4})", dump, re.M)
    return bytes.fromhex("".join(words).replace(" ", ""))


def boot(command, memory="512M"):
    """What the benchmark printed, run to its end."""
    with tempfile.TemporaryDirectory() as folder:
        serial = Path(folder) / "serial"
        line = qemu_line(command, memory, more=["-monitor", "none", "-serial", f"file:{serial}"])
        try:
            done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=HANG)
        except subprocess.TimeoutExpired:
            fail(f"no end after {HANG} s; output so far:\n{serial.read_text(errors='replace')}")
        text = serial.read_text(errors="replace").replace("\r", "")
    if done.returncode != 1:
        fail(f"'{command}' ended with QEMU status {done.returncode}\n{text}{done.stderr}")
    return text


class Debugged:
    """A system that stops where it is told: `with Debugged(command) as guest`. Nothing has run at first."""

    def __init__(self, command, memory="512M", initrd=INITRD, log=None):
        self.folder = tempfile.TemporaryDirectory()
        here = Path(self.folder.name)
        self.serial = here / "serial"
        more = ["-S", "-serial", f"file:{self.serial}", "-qmp", f"unix:{here}/qmp,server=on,wait=off", "-gdb",
                f"unix:{here}/gdb,server=on,wait=off", *(["-D", str(log)] if log else [])]
        self.process = subprocess.Popen(qemu_line(command, memory, initrd, more), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.monitor = self.connect(here / "qmp").makefile("rw")
        self.gdb = self.connect(here / "gdb")
        self.monitor.readline()
        self.ask("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def connect(self, path):
        end = socket.socket(socket.AF_UNIX)
        end.settimeout(HANG)
        while True:
            try:
                end.connect(str(path))
                return end
            except OSError:
                try:
                    self.process.wait(0.02)
                    fail("QEMU ended:\n" + self.process.stdout.read().decode(errors="replace"))
                except subprocess.TimeoutExpired:
                    pass

    def ask(self, command, **arguments):
        self.monitor.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.monitor.flush()
        while True:
            answer = json.loads(self.monitor.readline())
            if "error" in answer:
                fail(f"QEMU: {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def human(self, line):
        return self.ask("human-monitor-command", **{"command-line": line})

    def instructions(self):
        """How many have run since the machine was switched on."""
        return self.ask("query-replay")["icount"]

    def packet(self, text):
        """Sends to the debugger's end and gives the answer; W when the system has ended."""
        self.gdb.sendall(f"${text}#{sum(text.encode()) % 256:02x}".encode())
        answer = b""
        while True:
            got = self.gdb.recv(1)
            if not got:
                return "W"
            answer += got
            if len(answer) > 3 and answer[-3:-2] == b"#":
                self.gdb.sendall(b"+")
                return answer[answer.index(b"$") + 1:-3].decode()

    def run_to(self, address, code=b""):
        """Runs until the instruction at a virtual address is next, in a program that has this code there; False: the system
        ended before."""
        while True:
            self.packet(f"Z0,{address:x},1")
            if self.packet("c").startswith("W"):
                return False
            self.packet(f"z0,{address:x},1")
            if not code or self.packet(f"m{address:x},{len(code):x}") == code.hex():
                return True
            self.packet("s")
