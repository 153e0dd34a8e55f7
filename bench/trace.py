# SPDX-License-Identifier: MIT
"""Every instruction of a stretch of the guest's life, and what function and line of source it is from."""
import bisect
import collections
import re
import tempfile
from pathlib import Path

import guest

TRACE = re.compile(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/([0-9a-f]+)/")
LISTED = re.compile(r"^0x([0-9a-f]+):  (?:[0-9a-f]{2} )*[0-9a-f]{2}  +[^ ]")  # bytes that go on in a line of their own have no name
REWOUND = re.compile(r"^cpu_io_recompile: rewound execution of TB to ([0-9a-f]+)")
STOPPED = "Stopped execution of TB chain before"
HIGH = 1 << 47  # the kernel's addresses begin above


def stretch(path):
    """The addresses in QEMU's log, one for each instruction that ran."""
    found = []
    with open(path) as lines:
        for line in lines:
            if match := TRACE.match(line):
                found.append(int(match[1], 16))
            elif line.startswith(STOPPED) and found:
                found.pop()
    return found


def record(command):
    """What ran between each bench_begin and the next bench_end, a list of addresses for each; and what the guest printed."""
    begin, end = (guest.symbol(guest.PROGRAM, name) for name in ("bench_begin", "bench_end"))
    code = {address: guest.code_at(guest.PROGRAM, address) for address in (begin, end)}
    stretches = []
    with tempfile.TemporaryDirectory() as folder, guest.Debugged(command) as machine:
        log = Path(folder) / "log"
        while machine.run_to(begin, code[begin]):
            machine.human(f"logfile {log}")
            machine.human("singlestep on")
            machine.human("log exec,nochain")
            if not machine.run_to(end, code[end]):
                guest.fail("the system ended within the measured part")
            machine.human("log none")
            machine.human("singlestep off")
            stretches.append(stretch(log))
            log.unlink()
        machine.process.wait(guest.HANG)
        return stretches, machine.serial.read_text(errors="replace").replace("\r", "")


def count_blocks(path):
    """How often each instruction ran, of a log with a line for each run of a block and a listing of each block before its
    first."""
    blocks, runs, last, listed = {}, collections.Counter(), None, None
    with open(path) as lines:
        for line in lines:
            if line.startswith("Trace "):
                name = line.split(" ", 3)[2]
                if listed:
                    blocks[name], listed = tuple(listed), None
                last = blocks[name]
                runs[last] += 1
            elif line.startswith("IN:"):
                listed = []
            elif match := LISTED.match(line):
                listed.append(int(match[1], 16))
            elif line.startswith(STOPPED) and last:
                runs[last] -= 1
            elif (match := REWOUND.match(line)) and last:
                runs[last] -= 1
                runs[last[:last.index(int(match[1], 16))]] += 1
    counts = collections.Counter()
    for block, count in runs.items():
        for address in block:
            counts[address] += count
    return counts


def record_boot():
    """How often each instruction ran from the kernel's first one to a program's first, in the whole system, and how many
    the clock says it were. They are too many for a line each."""
    with tempfile.TemporaryDirectory() as folder, guest.Debugged("", initrd=guest.SYSTEM_INITRD) as machine:
        log = Path(folder) / "log"
        machine.run_to(guest.symbol(guest.KERNEL, "pvh_start"))
        before = machine.instructions()
        machine.human(f"logfile {log}")
        machine.human("log exec,nochain,in_asm")
        machine.run_to(guest.symbol(guest.ROOT / "build/user/debug/init", "_start"))
        machine.human("log none")
        return count_blocks(log), machine.instructions() - before


class Code:
    """An ELF file's functions, instructions and lines."""

    def __init__(self, elf):
        self.elf = elf
        self.known = {}
        self.kinds = {int(address, 16): kind for address, kind in re.findall(
            r"^\s*([0-9a-f]+):\s+(\S+)", guest.output("objdump", "-d", "--no-show-raw-insn", elf), re.M)}
        self.functions = sorted((int(address, 16), name) for address, name in re.findall(
            r"^ *\d+: ([0-9a-f]+) +\S+ FUNC .* (\S+)$", guest.output("readelf", "-sW", elf), re.M))

    def home(self, address):
        """The function an instruction is in, also where it is assembly."""
        at = bisect.bisect(self.functions, (address, "\x7f")) - 1
        return self.functions[at][1] if at >= 0 else "?"

    def look_up(self, addresses):
        """Learns of each address which functions it is in, inlined ones last, and where in them."""
        text = guest.output("addr2line", "-afi", "-e", self.elf, given="".join(f"{address:#x}\n" for address in addresses))
        parts = re.split(r"^0x([0-9a-f]+)\n", text, flags=re.M)[1:]
        for address, lines in zip(parts[0::2], parts[1::2]):
            self.known[int(address, 16)] = self.places(int(address, 16), lines.splitlines())

    def places(self, address, lines):
        pairs = [(name, self.place(where)) for name, where in zip(lines[0::2], lines[1::2])][::-1]
        if len(pairs) == 1:
            pairs = [(self.home(address), pairs[0][1])]
        return pairs

    @staticmethod
    def place(text):
        return re.sub(r" \(discriminator \d+\)$", "", text).replace(f"{guest.ROOT}/", "").removeprefix("./")


class Program:
    """The kernel and the benchmark, as one."""

    def __init__(self):
        self.code = {"kernel": Code(guest.KERNEL), "program": Code(guest.PROGRAM)}

    @staticmethod
    def side(address):
        return "kernel" if address >= HIGH else "program"

    def look_up(self, addresses):
        for side, code in self.code.items():
            code.look_up([address for address in addresses if self.side(address) == side])

    def places(self, address):
        return self.code[self.side(address)].known[address]

    def kind(self, address):
        return self.code[self.side(address)].kinds.get(address, "?")


def stacks(program, addresses):
    """For each instruction in turn: its side, and the functions and places it is in, outermost first. Calls are followed in the
    kernel, which begins anew at each entry; of the program only inlining is known."""
    calls, before = [], None
    for address in addresses:
        side = program.side(address)
        if before is None or program.side(before) != side:
            calls = []
        elif side == "kernel" and program.kind(before).startswith("call"):
            calls = calls + [program.places(before)]
        elif side == "kernel" and program.kind(before).startswith("ret"):
            calls = calls[:-1]
        yield side, [place for call in calls for place in call] + program.places(address)
        before = address
