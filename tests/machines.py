# SPDX-License-Identifier: MIT
"""The two machines the system tests run on, and the small format of tests/system/*.test.

A machine runs one command with one initrd and says what came out and with which status. Output has its
terminal's carriage returns removed. A watchdog ends what hangs, and that is a failure.

A .test file is lines `key: value`, checked in order; # starts a comment line.

  command:  what the shell runs ("" or absent: none)
  status:   exit status expected (default 0)
  line:     a whole line the output holds, after what the line and match keys before it found
  match:    a regular expression that some line holds, after what was found before
  any:      a regular expression that some line holds, anywhere
  never:    a regular expression that no line holds
  on:       hosted, qemu or both (default)
  memory:   RAM (default 256M)
"""
import os
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOSTED = ROOT / "build/hosted/atmos-hosted"
KERNEL = ROOT / "build/x86_64/atmos.elf"
INITRD = ROOT / "build/user/initrd.cpio"
WATCHDOG = {"hosted": 60, "qemu": 120}  # seconds: for hangs only


class Failed(Exception):
    """A test's expectation did not hold; the text says which, and what came instead."""


def need(path):
    if not Path(path).exists():
        raise Failed(f"{path} was not built")
    return str(path)


def check(condition, what, result=None):
    if not condition:
        raise Failed(what + (f"\n{result}" if result is not None else ""))


class Result:
    """What a run gave: status (of the command; None: ended by the watchdog), text, lines."""

    def __init__(self, status, text, errors=""):
        self.status = status
        self.text = text.replace("\r", "")
        self.errors = errors
        self.lines = self.text.split("\n")

    def __str__(self):
        out = "\n".join("  | " + line for line in self.lines[-80:])
        err = "\n".join("  ! " + line for line in self.errors.splitlines()[-40:])
        return f"status {self.status}, output:\n{out}\n{err}"

    def has(self, line):
        return line in self.lines


class Hosted:
    kind = "hosted"

    def run(self, command=None, memory="256M", initrd=INITRD, options=(), stdin=None):
        line = [need(HOSTED), "--memory", memory, "--initrd", str(initrd), *options]
        if command is not None:
            line += ["--command", command]
        return self.raw(line[1:], stdin)

    def raw(self, arguments, stdin=None):
        """Exactly these arguments."""
        try:
            done = subprocess.run([need(HOSTED), *arguments], input=stdin or b"", stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=WATCHDOG["hosted"])
        except subprocess.TimeoutExpired as late:
            return Result(None, (late.stdout or b"").decode(errors="replace"),
                          (late.stderr or b"").decode(errors="replace") + "\nended by the watchdog")
        return Result(done.returncode, done.stdout.decode(errors="replace"),
                      done.stderr.decode(errors="replace"))


class Qemu:
    kind = "qemu"

    def run(self, command=None, memory="256M", initrd=INITRD, options=(), boot=None):
        boot = boot or ["-kernel", need(KERNEL), "-initrd", str(initrd), "-append", command or ""]
        with tempfile.TemporaryDirectory() as folder:
            serial = Path(folder) / "serial"
            line = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", memory, "-display", "none",
                    "-monitor", "none", "-no-reboot", "-nodefaults", "-serial", f"file:{serial}",
                    "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", *boot, *options]
            try:
                done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, timeout=WATCHDOG["qemu"])
                status, errors = done.returncode, done.stdout.decode(errors="replace")
            except subprocess.TimeoutExpired:
                status, errors = None, "ended by the watchdog"
            text = serial.read_bytes().decode(errors="replace") if serial.exists() else ""
        # isa-debug-exit turns status into 2 * status + 1; anything even is QEMU's own end.
        if status is not None:
            if status % 2 == 1:
                status //= 2
            else:
                errors += f"\nqemu ended by itself with status {status}"
                status = None
        return Result(status, text, errors)


def machine(kind):
    return Hosted() if kind == "hosted" else Qemu()


def on(*kinds):
    """Marks a Python test as one for these machines only."""
    def mark(function):
        function.on = kinds
        return function
    return mark


KEYS = ("command", "status", "line", "match", "any", "never", "on", "memory")


def script_read(path):
    pairs = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        if not colon or key not in KEYS:
            raise Failed(f"{path.name}:{number}: no such key: {line}")
        pairs.append((key, value[1:] if value.startswith(" ") else value))
    return pairs


def script_kinds(path):
    found = dict(script_read(path)).get("on", "both")
    return ("hosted", "qemu") if found == "both" else (found,)


def script_check(on_machine, path):
    pairs = script_read(path)
    single = dict(pairs)
    result = on_machine.run(single.get("command", ""), memory=single.get("memory", "256M"))
    expect(result, pairs)
    status = int(single.get("status", "0"))
    check(result.status == status, f"status {result.status}, expected {status}", result)
    check(any(key in ("line", "match", "any") for key, _ in pairs), f"{path.name} expects no output")


def expect(result, pairs):
    """Holds a result against line, match, any and never keys."""
    at = 0
    for key, value in pairs:
        if key in ("line", "match"):
            for number in range(at, len(result.lines)):
                text = result.lines[number]
                if text == value if key == "line" else re.search(value, text):
                    at = number + 1
                    break
            else:
                raise Failed(f"no such {key}: {value}\n{result}")
        elif key == "any":
            check(any(re.search(value, text) for text in result.lines), f"nowhere: {value}", result)
        elif key == "never":
            for text in result.lines + result.errors.split("\n"):
                check(not re.search(value, text), f"must not appear: {value}", result)


def cpio_files(data):
    """The members of a newc archive, as a dictionary of name to bytes."""
    files, at = {}, 0
    while data[at:at + 6] == b"070701":
        size, length = int(data[at + 54:at + 62], 16), int(data[at + 94:at + 102], 16)
        name = data[at + 110:at + 110 + length - 1].decode()
        at = (at + 110 + length + 3) // 4 * 4
        if name == "TRAILER!!!":
            break
        files[name] = data[at:at + size]
        at = (at + size + 3) // 4 * 4
    return files


def initrd_with(folder, changes, base=INITRD):
    """A copy of the initrd in folder with files replaced, added, or (None) left out; made by cpio itself."""
    files = cpio_files(Path(need(base)).read_bytes())
    for name, content in changes.items():
        if content is None:
            files.pop(name, None)
        else:
            files[name] = content
    tree = Path(folder) / "tree"
    for name, content in files.items():
        path = tree / name
        if name.endswith("/") or (not content and any(other.startswith(name + "/") for other in files)):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    names = "\n".join(name for name in files if name not in (".", "")) + "\n"
    archive = Path(folder) / "initrd.cpio"
    with open(archive, "wb") as out:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=tree, input=names.encode(),
                       stdout=out, check=True)
    return archive


def scratch():
    """A folder for one test, under build/."""
    os.makedirs(ROOT / "build", exist_ok=True)
    return tempfile.TemporaryDirectory(dir=ROOT / "build")
