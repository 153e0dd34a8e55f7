# SPDX-License-Identifier: MIT
"""gdb commands that read the kernel's objects, on the hosted kernel and on the x86-64 kernel in QEMU.

  atmos-containers          the tree of containers with quotas, and the processes in it
  atmos-processes           all processes
  atmos-threads [PROCESS]   threads: state, queue, user registers and backtrace; of a CPU's current one the kernel's, too
  atmos-tables PROCESS      an address space as ranges
  atmos-endpoints [PROCESS] endpoints, pending events, who waits
  atmos-handles PROCESS     open handles

PROCESS is a process's name or its frame number. Everything is found from init_process, by the links that the core keeps;
every walk is bounded, so that a broken list is shown and not followed for ever.
"""
import bisect
import struct
import subprocess
from pathlib import Path

import gdb

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = ROOT / "build/user/bin"
SLOTS = 128
WALK_MAX = 1 << 20  # objects of one list
STACK_MAX = 64      # frames of one user backtrace

FRAME_KINDS = ("FREE", "RESERVED", "CONTAINER", "PROCESS", "THREAD", "ENDPOINTS", "RUNQUEUE", "HANDLES", "TABLE", "USER")
PROCESS_STATES = ("alive", "exited", "faulted", "killed")
THREAD_STATES = ("running", "ready", "sending", "receiving", "calling", "faulted", "suspended")
ENDPOINT_MODES = ("idle", "send", "receive", "run", "dead")
HANDLE_KINDS = ("none", "container", "process", "thread", "endpoint", "reply", "irqs", "ports", "memory")
RIGHTS = ("send", "receive", "signal", "grant", "read", "write", "destroy", "copy")
REGISTERS = ("rax", "rdi", "rsi", "rdx", "r10", "r8", "r9", "rbx", "rbp", "r12", "r13", "r14", "r15", "rcx", "r11",
             "rsp", "rip", "rflags", "fs_base")


def symbol(name):
    return gdb.parse_and_eval(name)


def item(array, index):
    """An element of a window or frame array."""
    return symbol(array)[index]


def number(array, index):
    return int(item(array, index))


def kind(frame):
    value = number("frame_kind", frame)
    return FRAME_KINDS[value] if value < len(FRAME_KINDS) else f"kind {value}"


def pick(names, value):
    value = int(value)
    return names[value] if value < len(names) else str(value)


def name_of(thing):
    """The 16-byte name of a container or process."""
    raw = b"".join(int(thing["name"][at]).to_bytes(8, "little") for at in range(2))
    return raw.split(b"\0")[0].decode("ascii", "replace") or "-"


def chain(first, links):
    """Frames on a list of the core; a broken link ends it with a message."""
    seen, frame = set(), int(first)
    while frame != 0:
        if frame in seen or len(seen) > WALK_MAX:
            print(f"  (broken list: frame {frame} again)")
            return
        seen.add(frame)
        yield frame
        frame = number(links, frame)


def root_container():
    init = int(symbol("init_process"))
    if init == 0:
        raise gdb.GdbError("the first process is not there yet")
    frame = number("frame_owner", init)
    while number("frame_owner", frame) != 0:
        frame = number("frame_owner", frame)
    return frame


def children(owner):
    return chain(number("own_first", owner), "own_next")


def tree(container=None, depth=0):
    """(frame, depth) of every container and process, parents first."""
    container = root_container() if container is None else container
    yield container, depth
    for child in children(container):
        if kind(child) == "CONTAINER":
            yield from tree(child, depth + 1)
        else:
            yield child, depth + 1


def processes():
    return [frame for frame, _ in tree() if kind(frame) == "PROCESS"]


def process_title(frame):
    return f"{name_of(item('process_at', frame))} ({frame})"


def find_process(text):
    text = text.strip()
    if not text:
        raise gdb.GdbError("which process? give its name or frame number; atmos-processes lists them")
    found = [frame for frame in processes() if text in (str(frame), name_of(item("process_at", frame)))]
    if not found:
        raise gdb.GdbError(f"no process is called {text}; atmos-processes lists them")
    return found[0]


def find_processes(text):
    return [find_process(text)] if text.strip() else processes()


# ---- address spaces ----

PRESENT, WRITE, SUPER, DEVICE, NX = 1, 2, 0x80, 0x800, 1 << 63


def entry_frame(entry):
    return entry // 4096 % (1 << 40)


def table_words(frame):
    address = int(item("table_at", frame)["entry"].address)
    return struct.unpack("<512Q", gdb.selected_inferior().read_memory(address, 4096).tobytes())


def leaves(table, level=4, base=0):
    """(address, bytes, entry) of every mapping of the user half, by address."""
    for at, entry in enumerate(table_words(table)[:256 if level == 4 else 512]):
        if not entry & PRESENT:
            continue
        span = 4096 << 9 * (level - 1)
        if level == 1 or entry & SUPER:
            yield base + at * span, span, entry
        else:
            yield from leaves(entry_frame(entry), level - 1, base + at * span)


def resolve(root, address):
    """The frame and the offset in it that hold a user address; None: unmapped."""
    table = root
    for level in (4, 3, 2, 1):
        span = 4096 << 9 * (level - 1)
        entry = int(item("table_at", table)["entry"][address // span % 512])
        if not entry & PRESENT:
            return None
        if level == 1 or entry & SUPER:
            offset = address % span
            return entry_frame(entry) + offset // 4096, offset % 4096
        table = entry_frame(entry)
    return None


def user_word(root, address):
    """Eight bytes of user memory through the page table, as the kernel would read them; None: not there."""
    if address % 8 != 0 or not 0 < address < 1 << 47:
        return None
    place = resolve(root, address)
    return None if place is None else int(item("page_at", place[0])["word"][place[1] // 8])


def rights_of(entry):
    return "r" + ("w" if entry & WRITE else "-") + ("-" if entry & NX else "x")


# ---- names of user addresses ----

symbols_read = {}


def program_symbols(name):
    """Sorted [(address, name)] of the program a process is named after."""
    if name not in symbols_read:
        path, found = PROGRAMS / name, []
        if path.is_file():
            out = subprocess.run(["nm", "--defined-only", str(path)], capture_output=True, text=True).stdout
            for line in out.splitlines():
                address, letter, word = line.split()
                if letter in "tTwW":
                    found.append((int(address, 16), word))
        symbols_read[name] = sorted(found)
    return symbols_read[name]


def user_place(process, address):
    table = program_symbols(name_of(item("process_at", process)))
    at = bisect.bisect_right(table, (address, "\x7f")) - 1
    if at < 0 or address - table[at][0] > 0x10000:
        return f"{address:#x}"
    return f"{address:#x} {table[at][1]}+{address - table[at][0]:#x}"


def user_backtrace(process, thread):
    """Return addresses by the chain of frame pointers."""
    root = int(item("process_at", process)["root"])
    registers = thread["reg"]
    yield int(registers[REGISTERS.index("rip")])
    frame = int(registers[REGISTERS.index("rbp")])
    for _ in range(STACK_MAX):
        above, back = user_word(root, frame), user_word(root, frame + 8)
        if not back:
            return
        yield back
        if above is None or above <= frame:
            return
        frame = above


# ---- queues ----

def queue_title(queue):
    frame, slot = divmod(queue, SLOTS)
    if kind(frame) == "RUNQUEUE":
        return f"run queue {slot}"
    for process in processes():
        if int(item("process_at", process)["endpoint_page"]) == frame:
            return f"endpoint {slot} of {process_title(process)}"
    return f"endpoint {slot} of frame {frame}"


def thread_title(frame):
    owner = number("frame_owner", frame)
    return f"{name_of(item('process_at', owner))}.{int(item('thread_at', frame)['number'])} ({frame})"


def current_threads():
    """Thread frame to CPU number, of the CPUs that run one."""
    cpus = symbol("cpu_at")
    first, last = cpus.type.range()
    return {int(cpus[at]["current"]): at for at in range(first, last + 1) if int(cpus[at]["current"]) != 0}


# ---- commands ----

class Command(gdb.Command):
    def __init__(self):
        self.__doc__ = self.text
        super().__init__(self.name, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        try:
            self.show(argument)
        except gdb.MemoryError as problem:
            raise gdb.GdbError(f"kernel memory cannot be read here (not booted yet?): {problem}")


class Containers(Command):
    name, text = "atmos-containers", "The tree of containers: quotas in 4 KiB pages, and the processes in them."

    def show(self, argument):
        print(f"{'container or process':34} {'total':>8} {'used':>8} {'carved':>8} {'free':>8}  ceiling  cpus")
        for frame, depth in tree():
            title = "  " * depth
            if kind(frame) == "CONTAINER":
                it = item("container_at", frame)
                total, used, carved = int(it["total"]), int(it["used"]), int(it["carved"])
                print(f"{title + name_of(it) + f' ({frame})':34} {total:8} {used:8} {carved:8} {total - used - carved:8}"
                      f"  {int(it['ceiling']):7}  {int(it['cpus']):#x}" + ("  being destroyed" if it["dying"] else ""))
            else:
                it = item("process_at", frame)
                print(f"{title + process_title(frame):34} {'':8} {int(it['charged']):8}")


class Processes(Command):
    name, text = "atmos-processes", "All processes: state, threads, pages charged, container."

    def show(self, argument):
        print(f"{'process':24} {'state':8} {'threads':>7} {'pages':>7} {'handles':>7} {'root':>8}  container")
        for frame in processes():
            it, owner = item("process_at", frame), number("frame_owner", frame)
            handles = sum(1 for _ in handles_of(it))
            print(f"{process_title(frame):24} {pick(PROCESS_STATES, it['state']):8} {int(it['threads']):7} "
                  f"{int(it['charged']):7} {handles:7} {int(it['root']):8}  {name_of(item('container_at', owner))} ({owner})"
                  + ("  being destroyed" if it["dying"] and int(it["state"]) == 0 else ""))


class Threads(Command):
    name, text = "atmos-threads", "Threads [of PROCESS]: state, queue, user registers, user and kernel backtrace."

    def show(self, argument):
        running = current_threads()
        for process in find_processes(argument):
            for frame in children(process):
                self.thread(process, frame, running)

    def thread(self, process, frame, running):
        it = item("thread_at", frame)
        where = f", CPU {running[frame]} runs it" if frame in running else ""
        queue = number("queue_of", frame)
        waits = f", in {queue_title(queue)}" if queue else ""
        if int(it["state"]) == THREAD_STATES.index("calling") or int(it["state"]) == THREAD_STATES.index("faulted"):
            waits += f", call {int(it['call_id'])} waits for its answer"
        print(f"{thread_title(frame)}: {pick(THREAD_STATES, it['state'])}{where}{waits}; priority {int(it['priority'])}, "
              f"cpu {int(it['cpu'])}, {int(it['syscalls'])} system calls, {int(it['ticks'])} ticks")
        words = [f"{name:>7} {int(it['reg'][at]):016x}" for at, name in enumerate(REGISTERS)]
        for at in range(0, len(words), 4):
            print("  " + " ".join(words[at:at + 4]))
        for at, address in enumerate(user_backtrace(process, it)):
            print(f"  user #{at} {user_place(process, address)}")
        if frame in running:
            print("  kernel:")
            for line in gdb.execute("backtrace 30", to_string=True).splitlines():
                print("  " + line)


class Tables(Command):
    name, text = "atmos-tables", "The address space of PROCESS as ranges of equal permissions and page size."

    def show(self, argument):
        process = find_process(argument)
        print(f"{process_title(process)}, root table {int(item('process_at', process)['root'])}")
        print(f"{'from':>14}   {'to':14} {'page':>4} rights {'pages':>7}  first frame")
        run = None
        for address, span, entry in leaves(int(item("process_at", process)["root"])):
            look = (span, rights_of(entry), bool(entry & DEVICE))
            if run and run[1] == address and run[2] == look:
                run[1] += span
                continue
            self.range(run)
            run = [address, address + span, look, address, entry_frame(entry)]
        self.range(run)

    @staticmethod
    def range(run):
        if run:
            span, rights, device = run[2]
            size = {4096: "4K", 1 << 21: "2M", 1 << 30: "1G"}[span]
            print(f"{run[3]:14x} - {run[1]:<14x} {size:>4} {rights:6} {(run[1] - run[3]) // span:7}  {run[4]}"
                  + ("  device" if device else ""))


class Endpoints(Command):
    name, text = "atmos-endpoints", "Endpoints [of PROCESS]: mode, pending events, waiting threads in order."

    def show(self, argument):
        for process in find_processes(argument):
            page = int(item("process_at", process)["endpoint_page"])
            for slot in range(SLOTS if page else 0):
                it = item("endpoint_at", page * SLOTS + slot)
                if int(it["generation"]) == 0:
                    continue
                waiting = [thread_title(frame) for frame in chain(it["first"], "queue_next")]
                print(f"{process_title(process)} endpoint {slot}: {pick(ENDPOINT_MODES, it['mode'])}, events "
                      f"{int(it['events']):#x}, waiting: {', '.join(waiting) or 'nobody'}")


def handles_of(process):
    """(number, struct handle) of the open handles."""
    for page in range(int(process["handle_pages"])):
        frame = int(process["handle_page"][page])
        for slot in range(SLOTS if frame else 0):
            it = item("handle_at", frame * SLOTS + slot)
            if int(it["kind"]) != 0:
                yield page * SLOTS + slot, it


class Handles(Command):
    name, text = "atmos-handles", "Open handles of PROCESS: number, kind, object, rights, badge; dead ones are marked."

    def show(self, argument):
        process = find_process(argument)
        print(f"{'handle':>6} {'kind':10} {'object':28} {'badge':>18}  rights")
        for at, it in handles_of(item("process_at", process)):
            what = pick(HANDLE_KINDS, it["kind"])
            rights = " ".join(word for bit, word in enumerate(RIGHTS) if int(it["rights"]) >> bit & 1)
            print(f"{at:6} {what:10} {self.object(what, it):28} {int(it['badge']):#18x}  {rights}")

    @staticmethod
    def object(what, it):
        target, generation = int(it["object"]), int(it["generation"])
        if what == "endpoint":
            alive = kind(target // SLOTS) == "ENDPOINTS" and int(item("endpoint_at", target)["generation"]) == generation
            return queue_title(target) if alive else "dead"
        if what in ("container", "process", "thread"):
            if number("frame_generation", target) != generation:
                return "dead"
            if what == "thread":
                return thread_title(target)
            return f"{name_of(item(what + '_at', target))} ({target})"
        return str(target)


for command in (Containers, Processes, Threads, Tables, Endpoints, Handles):
    command()
