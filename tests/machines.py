# SPDX-License-Identifier: MIT
"""The two machines the system tests run on, and the small format of tests/system/*.test.

A machine runs one command with one initrd and says what came out and with which status. Output has its
terminal's carriage returns removed. A watchdog ends what hangs, and that is a failure.

machine.run(...) waits for the end; machine.start(...) runs it in the background and gives a Console:

    with machine.start(disks=[image], net=True, forwards=[80]) as m:
        m.prompt()
        text = m.command("ls /disk")            # what it printed, up to the next prompt
        fetched = urlopen(m.url(80))            # 127.0.0.1, at the port that leads to port 80
        m.type("edit x\r"); m.expect(r"saved")
        check(m.end() == 0, "it ends")          # types exit; leaving the block kills what still runs

Both take the same devices: disks (a path, or "path,ro"), share (a folder), net (True; needed by forwards), forwards
(ports of the guest, TCP), rng, date (what the machine's clock shows at the start, "2026-02-28T23:59:50"). start also takes inside: the beginning of a command line that runs the machine.

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
import fcntl
import os
import pty
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOSTED = ROOT / "build/hosted/atmos-hosted"
KERNEL = ROOT / "build/x86_64/atmos.elf"
INITRD = ROOT / "build/user/initrd.cpio"
WATCHDOG = {"hosted": 60, "qemu": 120}  # seconds: for hangs only


# Whoever ends the tests ends the machines, too: blocks are left as at any failure.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda which, _: sys.exit(128 + which))

# A thousand connections are a thousand files, of QEMU and of a test.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


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


class Devices:
    """The devices of one run, as options of either machine."""

    def __init__(self, disks=(), share=None, net=False, forwards=(), rng=False, date=None):
        check(net or not forwards, "forwards need net=True")
        self.disks, self.share, self.net, self.rng, self.date = disks, share, net, rng, date
        self.ports = {guest: port_free() for guest in forwards}

    def any(self):
        return bool(self.disks or self.share or self.net or self.rng)

    def hosted(self):
        line = (["--net"] if self.net else []) + (["--rng"] if self.rng else [])
        line += ["--date", self.date] if self.date else []
        for disk in self.disks:
            line += ["--disk", str(disk)]
        if self.share is not None:
            line += ["--share", str(self.share)]
        for guest, port in self.ports.items():
            line += ["--forward", f"127.0.0.1:{port}:{guest}"]
        return line

    def qemu(self):
        line = []
        for number, disk in enumerate(self.disks):
            path, comma, mode = str(disk).partition(",")
            line += ["-drive", f"if=none,id=disk{number},format=raw,file={path}{',readonly=on' if mode == 'ro' else ''}",
                     "-device", f"virtio-blk-pci,drive=disk{number},disable-legacy=on"]
        if self.net:
            forwards = "".join(f",hostfwd=tcp:127.0.0.1:{port}-:{guest}" for guest, port in self.ports.items())
            line += ["-netdev", f"user,id=net0{forwards}", "-device", "virtio-net-pci,netdev=net0,disable-legacy=on,romfile="]
        if self.date:
            line += ["-rtc", f"base={self.date},clock=vm"]
        if self.rng:
            line += ["-device", "virtio-rng-pci,disable-legacy=on"]
        if self.share is not None:
            line += ["-fsdev", f"local,id=share,path={self.share},security_model=none",
                     "-device", "virtio-9p-pci,fsdev=share,mount_tag=share,disable-legacy=on"]
        return line


def port_free():
    """A port of 127.0.0.1 that nobody uses. Below those the host gives to outgoing connections, so that none takes it
    before the machine does."""
    with _ports_lock:
        while True:
            port = next(_ports)
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue


def _port_numbers():
    first, last = 20000, 32000
    at = os.getpid() * 37 % (last - first)
    while True:
        yield first + at
        at = (at + 1) % (last - first)


_ports = _port_numbers()
_ports_lock = threading.Lock()


def until(what, function, seconds=60):
    """Calls function until it gives something true, and returns that; OSError counts as not yet."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            last = function()
            if last:
                return last
        except OSError as why:
            last = why
        time.sleep(0.02)  # between two looks at something that cannot be waited for
    raise Failed(f"never came: {what} (last: {last})")


def pause(seconds):
    """For what is measured over a time; nothing may depend on it."""
    time.sleep(seconds)


PROMPT = r"[$>#] \x1b\[K"  # as the shell draws it before an empty line


class Console:
    """A machine in the background, with a terminal. All it prints is read as it comes, so it never waits for the test;
    the watchdog kills it at last. `text` is everything since the start, carriage returns removed. On a controlling
    terminal, which starts as a shell leaves it, keys are signals, too."""

    def __init__(self, machine, line, ports, watchdog=None, controlling=False):
        self.machine = machine
        self.patience = WATCHDOG[machine.kind]
        self.text = ""
        self.seen = 0  # how much of it expect has consumed
        self.ports = dict(ports)
        self.errors_file = tempfile.TemporaryFile()
        self.terminal, side = pty.openpty()
        if not controlling:
            tty.setraw(side)
        self.process = subprocess.Popen(
            line, stdin=side, stdout=side, stderr=self.errors_file, start_new_session=True,
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controlling else None)
        os.close(side)
        self.change = threading.Condition()
        self.over = False  # nothing more will be printed
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.watchdog = threading.Timer(watchdog or 10 * self.patience, self.process.kill)
        self.watchdog.daemon = True
        self.watchdog.start()

    def _read(self):
        while True:
            try:
                data = os.read(self.terminal, 65536)
            except OSError:  # the other side is closed
                data = b""
            with self.change:
                self.text += data.decode(errors="replace").replace("\r", "")
                self.over = not data
                self.change.notify_all()
            if not data:
                return

    def __enter__(self):
        return self

    def __exit__(self, kind, why, trace):
        self.kill()
        if isinstance(why, (Failed, OSError)):
            raise Failed(f"{why}\n{self.result()}") from why

    @property
    def errors(self):
        """What came on standard error so far."""
        size = os.fstat(self.errors_file.fileno()).st_size
        return os.pread(self.errors_file.fileno(), size, 0).decode(errors="replace")

    def result(self):
        status = self.process.poll()
        if status is not None and self.machine.kind == "qemu":
            status = Qemu.status(status, self.errors)
        return Result(status, self.text, self.errors)

    def expect(self, pattern, seconds=None):
        """Waits until pattern has come after what was consumed before, and consumes up to its end."""
        end = time.monotonic() + (seconds or self.patience)
        expression = re.compile(pattern, re.M)
        with self.change:
            while True:
                found = expression.search(self.text, self.seen)
                if found:
                    self.seen = found.end()
                    return found
                left = end - time.monotonic()
                check(not self.over, f"it ended before {pattern!r} came")
                check(left > 0, f"{pattern!r} did not come")
                self.change.wait(left)

    def prompt(self, seconds=None):
        self.expect(PROMPT, seconds)

    def type(self, text):
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self.terminal, data):]

    def command(self, text, seconds=None):
        """Types a command at the prompt; what it prints up to the next prompt, without the echo."""
        self.type(text + "\r")
        self.expect(r"\n", seconds)  # the end of the line that echoes it
        start = self.seen
        self.prompt(seconds)
        return re.sub(r"[^\n]*" + PROMPT + r"\Z", "", self.text[start:self.seen])

    def port(self, guest):
        """The port of 127.0.0.1 that leads to this port of the guest."""
        said = re.search(rf"127\.0\.0\.1:(\d+) -> port {guest}\b", self.errors)
        return int(said.group(1)) if said else self.ports[guest]

    def url(self, guest, path="/"):
        return f"http://127.0.0.1:{self.port(guest)}{path}"

    def connect(self, guest, seconds=30):
        """A TCP connection to a port of the guest; what fails is the guest's, as the host's side always accepts."""
        return socket.create_connection(("127.0.0.1", self.port(guest)), timeout=seconds)

    def children(self):
        """Its processes: on hosted the address spaces."""
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()

    def processor_ticks(self):
        """Processor time of the machine and its children so far, in ticks of 10 ms."""
        total = 0
        for pid in [self.process.pid, *self.children()]:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total

    def answer(self, guest, data=b"", seconds=30):
        """Connects to a port of the guest, sends data, and gives what comes until the other side ends. Tries again while
        nobody listens there, which the host's side notices late."""
        def once():
            with self.connect(guest, seconds) as s:
                s.sendall(data)
                return b"".join(iter(lambda: s.recv(65536), b""))
        return until(f"an answer from port {guest}", once, seconds)

    def wait(self, seconds=None):
        """Waits for the end; its Result, status None when it did not come."""
        try:
            self.process.wait(seconds or self.patience)
        except subprocess.TimeoutExpired:
            self.kill()
            result = self.result()
            result.status = None
            result.errors += "\nended by the watchdog"
            return result
        self.reader.join(self.patience)
        return self.result()

    def end(self, status=0, seconds=None):
        """Types exit at the prompt and waits for the end; the Result."""
        self.type(f"exit {status}\r")
        result = self.wait(seconds)
        check(result.status == status, f"it ends with status {status}", result)
        return result

    def kill(self):
        """Ends it at once, if it still runs, and what it has started."""
        self.watchdog.cancel()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # a session of its own
        self.process.wait()
        self.reader.join(self.patience)
        if self.terminal is not None and not self.reader.is_alive():
            os.close(self.terminal)
            self.terminal = None


class Hosted:
    kind = "hosted"

    @staticmethod
    def line(command, memory, initrd, options, devices):
        line = [need(HOSTED), "--memory", memory, "--initrd", str(initrd), *options, *devices.hosted()]
        return line if command is None else line + ["--command", command]

    def run(self, command=None, memory="256M", initrd=INITRD, options=(), stdin=None, **devices):
        return self.raw(self.line(command, memory, initrd, options, Devices(**devices))[1:], stdin)

    def start(self, command=None, memory="256M", initrd=INITRD, options=(), inside=(), **devices):
        devices = Devices(**devices)
        return Console(self, [*inside, *self.line(command, memory, initrd, options, devices)], devices.ports)

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

    @staticmethod
    def line(command, memory, initrd, options, boot, serial, devices):
        kind = "q35" if devices.any() else "pc"  # with PCI Express, and without
        boot = boot or ["-kernel", need(KERNEL), "-initrd", str(initrd), "-append", command or ""]
        return ["qemu-system-x86_64", "-accel", "tcg", "-machine", kind, "-cpu", "max", "-m", memory, "-display", "none",
                "-monitor", "none", "-no-reboot", "-nodefaults", *serial,
                "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", *boot, *options, *devices.qemu()]

    def start(self, command=None, memory="256M", initrd=INITRD, options=(), boot=None, inside=(), **devices):
        devices = Devices(**devices)
        serial = ["-chardev", "stdio,id=terminal,signal=off", "-serial", "chardev:terminal"]
        line = self.line(command, memory, initrd, options, boot, serial, devices)
        return Console(self, [*inside, *line], devices.ports)

    @staticmethod
    def status(status, errors):
        """isa-debug-exit turns status s into 2 * s + 1. Anything even is QEMU's own end: None; so is 1 with a message."""
        if status == 1 and re.search(r"^qemu-system[^:]*: (?!warning|terminating)", errors, re.M):
            return None
        return status // 2 if status is not None and status > 0 and status % 2 == 1 else None

    def run(self, command=None, memory="256M", initrd=INITRD, options=(), boot=None, **devices):
        with tempfile.TemporaryDirectory() as folder:
            serial = Path(folder) / "serial"
            line = self.line(command, memory, initrd, options, boot, ["-serial", f"file:{serial}"], Devices(**devices))
            try:
                done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, timeout=WATCHDOG["qemu"])
                status, errors = done.returncode, done.stdout.decode(errors="replace")
            except subprocess.TimeoutExpired:
                status, errors = None, "ended by the watchdog"
            text = serial.read_bytes().decode(errors="replace") if serial.exists() else ""
        if status is not None and self.status(status, errors) is None:
            errors += f"\nqemu ended by itself with status {status}"
        return Result(self.status(status, errors), text, errors)


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
