# SPDX-License-Identifier: MIT
"""Every server of the manifest is killed 300 times at random moments under load: it comes back, nothing acknowledged and
synced is lost, what it cannot keep is told in words, neighbours notice nothing, and no page is lost.

The shell stands above all servers here, so that a kill comes in the midst of what they do. SEED=n chooses the moments, as
far as they are chosen; KILLS=n how many there are; VICTIM=name does one only. `make test-kills` runs these."""
import itertools
import os
import random
import re
import subprocess
import tempfile
import threading
from pathlib import Path

import machines
import ninep
from machines import check

KILLS = int(os.environ.get("KILLS", "300"))
PATIENCE = 300  # further kills at most, until one has come in the midst of what cannot be kept
SEED = int(os.environ.get("SEED", "1"))
TOOLS = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
TOLD = {"the file is no longer there", "the server of the file system ended in the middle of this"}
RESTARTED = "the network service was restarted; the connection is lost"
DRIVERS = ("pci", "disk0", "disk1", "ether0", "random", "host")

# Who is killed: what uses it meanwhile, the line that says that it goes on, and the folder of a neighbour that may notice nothing.
WORK, ROUND = r"^filetest: {0}/log: (\d+) of \d+, again (\d+)$", r"^filetest: {0}: round \d+$"
WORKER = "worker work {0}/log 1000000 7"
DIGITS = r"^[0-9a-f]{64}$"
FILES = {
    "names": ("worker look /etc/manifest", ROUND.format("/etc/manifest"), "/disk"),
    "fs": ("worker look /etc/manifest", ROUND.format("/etc/manifest"), "/disk"),
    "ramfs": ("worker repeat /tmp/x 16", ROUND.format("/tmp/x"), "/disk"),
    "console": ("digits 1000000000", DIGITS, "/tmp"),
    "random": ("digits 1000000000", DIGITS, "/fat"),
    "host": (WORKER.format("/host"), WORK.format("/host"), "/tmp"),
    "pci": (WORKER.format("/disk"), WORK.format("/disk"), "/tmp"),
    "disk0": (WORKER.format("/disk"), WORK.format("/disk"), "/fat"),
    "disk1": (WORKER.format("/fat"), WORK.format("/fat"), "/disk"),
    "ext2": (WORKER.format("/disk"), WORK.format("/disk"), "/fat"),
    "fat": (WORKER.format("/fat"), WORK.format("/fat"), "/disk"),
}


def initrd(folder):
    """The shipped system with the shell above all, and programs of names that are no server's."""
    shipped = (machines.ROOT / "servers/etc/manifest").read_text()
    above = shipped.replace("    ceiling 40\n    priority 30\n", "    ceiling 60\n    priority 60\n")
    above = above.replace("shares console names net pci random\n", "shares console names net pci random disk0\n")
    check("priority 60" in above and "random disk0" in above, "the shell's block was changed")
    files = machines.cpio_files(Path(machines.need(machines.INITRD)).read_bytes())
    return machines.initrd_with(folder, {"etc/manifest": above.encode(), "bin/worker": files["bin/filetest"],
                                         "bin/neighbour": files["bin/filetest"], "bin/digits": files["bin/random"],
                                         "bin/loopback": files["bin/nettest"]})


def place():
    """A folder in memory, if there is room: what the guest syncs is synced on the host, too, which takes its time there."""
    shm = "/dev/shm"
    if not os.access(shm, os.W_OK) or os.statvfs(shm).f_bavail * os.statvfs(shm).f_frsize < 256 << 20:
        return machines.scratch()
    return tempfile.TemporaryDirectory(dir=shm)


def made(folder, name, *line):
    disk = Path(folder) / name
    with open(disk, "wb") as out:
        out.truncate(24 << 20)
    subprocess.run([*line, str(disk)], env=TOOLS, check=True, stdout=subprocess.DEVNULL)
    return disk


def used(m):
    """Pages in use by the containers of init and the servers."""
    found = {words[0]: int(words[2]) for words in (line.split() for line in m.command("mem").splitlines())
             if len(words) == 5 and words[1].isdigit()}
    check(len(found) > 4, "mem lists containers", m.result())
    return {name: pages for name, pages in found.items() if name not in ("shell", "worker", "neighbour", "digits", "loopback", "ping")}


def warmed(m, folders):
    """What is in use when the caches of these file systems are as large as they may get: they grow with use, together with
    what the drivers of their disks hold for them, and shrink only with the server."""
    for folder in folders:
        said = m.command(f"cp -r /bin {folder}/warm; echo copied: $?; rm -r {folder}/warm; sync")
        check("copied: 0" in said, f"files are copied to {folder}", said)
    return used(m)


def rested(m, victims):
    """What is in use when all of them have just been started, and each was used once."""
    for victim in victims:
        killed(m, victim)
        if victim == "pci":
            m.expect("host was started again$")  # the last of its drivers
    m.command("ls /disk; ls /fat; ls /tmp; ls /host; cat /etc/tour; random; ls /disk")
    return warmed(m, ("/disk", "/fat"))


def killed(m, victim):
    m.type(f"kill {victim}\r")
    m.expect(rf"{victim} was started again$")


# Whose heaps may be larger at one time than at another, and by how many pages: those of file systems, as the files lie on the
# disk; and on the network of those that have connections, and of the file systems behind them, as more of these are open at
# once: it stays at the most there were, so more kills do not make it more.
HEAPS = {"ext2": 8, "fat": 8}
HEAPS_CONNECTED = dict.fromkeys(("net", "httpd", "memcached", "export", "ext2", "fs"), 100)


def grown(before, after, heaps):
    """Who has more pages than before."""
    return {name: (before[name], pages) for name, pages in after.items()
            if name in before and pages > before[name] + heaps.get(name, 0)}


class Phase:
    """The kills of one server. tick waits for its use to go on; words (None: none) are those in which a loss is told; folders are
    on disks."""

    def __init__(self, m, victim, tick, words, folders, heaps):
        self.m, self.victim, self.tick, self.words, self.folders, self.heaps = m, victim, tick, words, folders, heaps
        self.start = len(m.text)

    def run(self, chance):
        """As many kills as are wanted, and further ones until one has come in the midst of what cannot be kept."""
        self.kills(chance, KILLS // 3)
        before = self.memory()
        self.kills(chance, KILLS - KILLS // 3)
        for _ in range(PATIENCE):
            if self.words is None or self.told():
                break
            self.kills(chance, 1)
        lost = grown(before, self.memory(), self.heaps)
        check(not lost, f"{self.victim}: no page is lost: {lost}")

    def kills(self, chance, count):
        for _ in range(count):
            for _ in range(chance.randrange(1, 3)):
                self.tick()
            killed(self.m, self.victim)

    def memory(self):
        self.tick()
        self.tick()
        return warmed(self.m, self.folders)

    def told(self):
        """The words in which the loss was told so far."""
        return set(re.findall(self.words, self.text(), re.M))

    def text(self):
        return self.m.text[self.start:]

    def others(self):
        """Nobody else ended; with the PCI server its drivers do, by init."""
        ended = set(re.findall(r"init: (\S+) (?:was killed|ended)", self.text()))
        check(ended == {self.victim}, f"{self.victim}: it alone ends: {ended}")
        again = set(re.findall(r"init: (\S+) was started again", self.text())) - {self.victim}
        check(again <= set(DRIVERS if self.victim == "pci" else ()), f"{self.victim}: it alone is started again: {again}")
        check("fault:" not in self.text(), f"{self.victim}: nobody crashes")


def file_phase(m, victim, chance):
    line, tick, place = FILES[victim]
    words = None
    if victim == "ramfs":
        words = r"^filetest: /tmp/x: begun again: (.*)$"
    elif victim in ("host", "ext2", "fat"):
        words = rf"^filetest: {line.split()[2]}: done again: (.*)$"
    phase = Phase(m, victim, lambda: m.expect(tick), words, ("/disk", "/fat"), HEAPS)
    m.command(f"neighbour repeat {place}/neighbour 4 3 20 &")
    m.command(f"{line} &")
    m.expect(rf"^filetest: {place}/neighbour: round \d+$")
    phase.run(chance)
    m.expect(rf"^filetest: {place}/neighbour: round \d+$")
    program = line.split()[0]
    m.type(f"kill {program} neighbour; wait; echo they are gone\r")
    m.expect("^they are gone$")
    m.prompt()
    phase.others()
    m.command(f"rm {place}/neighbour; sync")
    text = phase.text()
    check("neighbour: begun again" not in text, f"{victim}: the neighbour in {place} notices nothing")
    told = re.findall(tick, text, re.M)
    if " work " in line:
        folder = line.split()[2]
        said = m.command(f"worker verify {folder} {told[-1][0]} 7")
        check("all are there" in said, f"{victim}: all {told[-1][0]} records that were synced are there", said)
        again = int(told[-1][1])
        check((again == 0) == (words is None), f"{victim}: {again} syncs were done again")
        m.command(f"rm {folder}")
    if words is not None:
        check(phase.told() and phase.told() <= TOLD, f"{victim}: the loss is told in words: {phase.told()}")
    if program == "digits":
        odd = [line for line in re.findall(r"^[0-9a-f]+$", text, re.M) if len(line) != 64]
        check(len(odd) <= (2 * KILLS if victim == "console" else 0), f"{victim}: {len(odd)} lines are not whole")
        check(len(set(told)) == len(told), f"{victim}: no line came twice")


def files_killed(machine, victims):
    chance = random.Random(SEED)
    with place() as folder:
        disks = [made(folder, "ext2.img", "mke2fs", "-q", "-F", "-t", "ext2"), made(folder, "fat.img", "mkfs.fat", "-F", "16")]
        share = Path(folder) / "share"
        share.mkdir()
        with machine.start(initrd=initrd(folder), disks=disks, share=share, rng=True) as m:
            m.prompt()
            before = rested(m, FILES)
            for victim in victims:
                if victim == os.environ.get("VICTIM", victim):
                    file_phase(m, victim, chance)
            after = rested(m, FILES)
            other = {name: (before.get(name), after.get(name)) for name in {**before, **after}
                     if before.get(name) != after.get(name) and name not in HEAPS}
            other.update(grown(before, after, HEAPS))
            check(not other, f"seed {SEED}: as many pages are in use as before: {other}")
            m.end()
        for line, good in ((["e2fsck", "-fy", disks[0]], (0, 1)), (["fsck.fat", "-n", disks[1]], (0,))):
            done = subprocess.run(line, env=TOOLS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
            check(done.returncode in good, f"{line[0]} finds nothing it cannot repair", done.stdout.decode(errors="replace"))


def long_kills_of_what_all_need(machine):
    files_killed(machine, ("names", "fs", "ramfs", "console", "random"))


def long_kills_of_drivers(machine):
    files_killed(machine, ("host", "pci", "disk0", "disk1"))


def long_kills_of_file_systems_on_disks(machine):
    files_killed(machine, ("ext2", "fat"))


# ---- servers on the network ----

# Who is killed, and what uses it: a program within, or a client outside. TCP takes its time after a loss, so those that wait for
# it are at work meanwhile, and have to go on at the end.
NETWORK = {"net": ("loopback repeat", r"^nettest: round \d+$"), "ether0": ("ping -c 1000000 -i 2 10.0.2.2", r"^\d+ bytes from .*$"),
           "httpd": None, "memcached": None, "export": None}
PORTS = {"httpd": 80, "memcached": 11211, "export": 564}
PAGE = 100000
RECORD = 512


class User(threading.Thread):
    """A client of one server, again and again: use(connection) yields at each answer that was right. Connections may break."""

    def __init__(self, m, server, use):
        super().__init__(daemon=True)
        self.m, self.server, self.use = m, server, use
        self.answers, self.wrong, self.over = 0, None, False
        self.change = threading.Condition()

    def run(self):
        while not self.over and self.wrong is None:
            try:
                with self.m.connect(PORTS[self.server], 1) as s:
                    for _ in self.use(s):
                        self.tell()
                        if self.over:
                            return
            except OSError:
                continue
            except machines.Failed as why:
                self.wrong = str(why)
                self.tell()

    def tell(self):
        with self.change:
            self.answers += 1
            self.change.notify_all()

    def tick(self):
        """Waits for one answer more."""
        with self.change:
            before = self.answers
            came = self.change.wait_for(lambda: self.answers > before, 60)
        check(self.wrong is None, f"{self.server}: {self.wrong}")
        check(came, f"{self.server} answers again")


def received(s, count):
    got = b""
    while len(got) < count:
        piece = s.recv(count - len(got))
        if not piece:
            raise OSError(0, "it ended")
        got += piece
    return got


def http_use(page):
    def use(s):
        while True:
            s.sendall(b"GET /disk/page HTTP/1.1\r\nHost: x\r\n\r\n")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += received(s, 1)
            check(head.startswith(b"HTTP/1.1 200 "), "the page is there", head)
            check(received(s, PAGE) == page, "with its bytes")
            yield
    return use


def memcached_use():
    """What was stored is there on the same connection."""
    numbers = itertools.count()

    def use(s):
        while True:
            value = b"%09d" % next(numbers)
            s.sendall(b"set key 0 0 9\r\n" + value + b"\r\nget key\r\n")
            want = b"STORED\r\nVALUE key 0 9\r\n" + value + b"\r\nEND\r\n"
            got = received(s, len(want))
            check(got == want, "what was stored is there", got)
            yield
    return use


def export_use(synced):
    """Appends records to a file by 9P; those whose sync was answered are noted."""
    def use(s):
        client = ninep.Client(s)
        fid = client.open("/disk/log", 2)
        while True:
            data = random.Random(len(synced)).randbytes(RECORD)
            check(client.write(fid, len(synced) * RECORD, data) == RECORD, "a record is written")
            client.fsync(fid)
            synced.append(data)
            yield
    return use


def network_phase(m, victim, users, chance):
    inside = NETWORK[victim]
    words = r"^nettest: begun again: (.*)$" if victim == "net" else None
    phase = Phase(m, victim, (lambda: m.expect(inside[1])) if inside else users[victim].tick, words, ("/disk",), HEAPS_CONNECTED)
    programs = ["neighbour"]
    m.command("neighbour repeat /tmp/neighbour 4 3 20 &")
    if inside:
        m.command(f"{inside[0]} &")
        programs.append(inside[0].split()[0])
    m.expect(r"^filetest: /tmp/neighbour: round \d+$")
    phase.run(chance)
    for user in users.values():
        user.tick()
    m.type(f"kill {' '.join(programs)}; wait; echo they are gone\r")
    m.expect("^they are gone$")
    m.prompt()
    phase.others()
    text = phase.text()
    check("neighbour: begun again" not in text, f"{victim}: the neighbour notices nothing")
    if victim == "net":
        check(phase.told() == {RESTARTED}, f"the loss is told in words: {phase.told()}")


def long_kills_of_servers_on_the_network(machine):
    chance = random.Random(SEED)
    page = chance.randbytes(PAGE)
    synced = []
    with place() as folder:
        tree = Path(folder) / "files"
        tree.mkdir()
        (tree / "page").write_bytes(page)
        (tree / "log").write_bytes(b"")
        disk = made(folder, "ext2.img", "mke2fs", "-q", "-F", "-t", "ext2", "-d", str(tree))
        with machine.start(initrd=initrd(folder), disks=[disk], net=True, forwards=PORTS.values()) as m:
            m.prompt()
            users = {"httpd": User(m, "httpd", http_use(page)), "memcached": User(m, "memcached", memcached_use()),
                     "export": User(m, "export", export_use(synced))}
            for user in users.values():
                user.start()
            try:
                for user in users.values():
                    user.tick()
                for victim in NETWORK:
                    if victim == os.environ.get("VICTIM", victim):
                        network_phase(m, victim, users, chance)
            finally:
                for user in users.values():
                    user.over = True
                for user in users.values():
                    user.join()
            m.command("sync")
            m.end()
        done = subprocess.run(["debugfs", "-R", "cat /log", disk], env=TOOLS, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120)
        log = b"".join(synced)
        least = KILLS if os.environ.get("VICTIM", "export") == "export" else 0
        check(len(synced) > least and done.stdout[:len(log)] == log, f"seed {SEED}: all {len(synced)} records that were synced are there")


def test_kills_of_pci_and_its_driver_at_once_come_back(machine):
    """Both are dead before init hears of either, so they come back in another order than at the start."""
    with place() as folder:
        disk = made(folder, "empty.img", "true")
        with machine.start(initrd=initrd(folder), disks=[disk], rng=True) as m:
            m.prompt()
            m.command("disktest repeat disk0 9 5 &")
            for both in ("pci disk0", "disk0 pci") * 10:
                m.expect(r"^disktest: round \d+$")
                m.type(f"kill {both}\r")
                m.expect("disk0 was started again$")
            m.expect(r"^disktest: round \d+$")
            m.type("kill dma\r")  # who keeps the memory: it comes back with the PCI server
            m.expect("disk0 was started again$")
            m.expect(r"^disktest: round \d+$")
            check("virtio" not in m.errors, "no device had to be stopped", m.errors)
            check("disktest in the background ended" not in m.text, "the client notices nothing")
            m.type("exit\r")
            m.wait()


def test_kills_of_pci_for_good_leave_memory_to_running_devices(machine):
    """Without a PCI server nobody can stop a device, so what it may write to is not given to others, whatever ends."""
    shipped = (machines.ROOT / "servers/etc/manifest").read_text()
    block = shipped[shipped.index("program pci"):].split("\n\n")[0]
    manifest = shipped.replace(block, block.replace("restart always 1000", "restart never"))
    with machines.scratch() as folder:
        disk = made(folder, "ext2.img", "mke2fs", "-q", "-F", "-t", "ext2")
        archive = machines.initrd_with(folder, {"etc/manifest": manifest.encode()})
        result = machine.run("ls /disk; mem; kill pci disk0 random; mem", initrd=archive, disks=[disk], rng=True)
        kept = [int(pages) for pages in re.findall(r"^  dma +\d+ +(\d+)", result.text, re.M)]
        check("lost+found" in result.text and not re.search("(pci|disk0|random) was started again", result.text), "they are gone", result)
        check(len(kept) == 2 and kept[0] == kept[1] > 64, f"all of it is kept: {kept}", result)
