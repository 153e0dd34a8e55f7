# SPDX-License-Identifier: MIT
"""The drivers of virtio devices, from their clients' side: disktest's deeds on one disk or two."""
import re
from pathlib import Path

import machines
from machines import check, on

CONSOLE = """program console
    quota 128
    ceiling 50
    serves console
    ports 0x3f8 8
    irqs 4 1
    restart always
program pci
    quota 256 6%
    ceiling 49
    serves pci
    container
    ports 0xcf8 0xf308
    irqs 5 187
    memory 0 0x10000000000
    restart always 1000
"""


def disk(number):
    return f"""program disk{number}
    file bin/virtio_blk
    quota 320 9%
    ceiling 48
    serves disk{number}
    uses pci
    device 1af4:1042 {number}
    restart on-failure 1000
"""


def client(arguments, name="client", uses="disk0 disk1", main=True):
    return f"""program {name}
    file bin/disktest
    quota 1024
    ceiling 40
    priority 20
    uses console {uses}
    arguments {arguments}
    {"main" if main else "restart never"}
"""


ETHER = """program ether0
    file bin/virtio_net
    quota 640
    ceiling 48
    serves ether0
    uses pci
    device 1af4:1041
    restart on-failure 1000
"""


def pinger(arguments, main=True):
    return f"""program pinger
    file bin/ethertest
    quota 512
    ceiling 40
    priority 20
    serves pinger
    uses console ether0
    arguments {arguments}
    {"main" if main else "restart never"}
"""


def image(folder, name, mebibytes=8):
    path = Path(folder) / name
    with open(path, "wb") as file:
        file.truncate(mebibytes << 20)
    return path


def run(machine, programs, disks, options=()):
    with machines.scratch() as folder:
        paths = [f"{image(folder, f'{n}.img')}{',ro' if mode == 'ro' else ''}" for n, mode in enumerate(disks)]
        initrd = machines.initrd_with(folder, {"etc/manifest": (CONSOLE + programs).encode()})
        result = machine.run("", initrd=initrd, disks=paths, options=options)
        return result


def passed(result, line):
    check(result.status == 0 and re.search(line, result.text), f"prints {line!r}", result)


def test_disk_holds_what_was_written(machine):
    result = run(machine, disk(0) + client("check disk0 7 400"), ["rw"])
    passed(result, r"requests in 400 calls, all as they should be")


def test_disk_refuses_what_is_outside(machine):
    passed(run(machine, disk(0) + client("limits disk0"), ["rw"]), r"read-only 0, flush 1, discard 1, .*limits hold")


def test_disk_read_only_is_not_written(machine):
    passed(run(machine, disk(0) + client("limits disk0"), ["ro"]), r"read-only 1, .*limits hold")


def test_disk_survives_hostile_messages(machine):
    for seed in (1, 2):
        result = run(machine, disk(0) + client(f"attack disk0 {seed}"), ["rw"])
        passed(result, r"all as they should be")
        check("disk0 ended" not in result.text and "fault" not in result.text, "the driver lives", result)


def test_disk_second_one_is_another(machine):
    """Two clients at once, each with a disk of its own; then what one wrote is not on the other."""
    programs = disk(0) + disk(1) + client("check disk1 5 60", "other", "disk1", main=False)
    result = run(machine, programs + client("check disk0 6 1000", uses="disk0"), ["rw", "rw"])
    passed(result, r"all as they should be; seed 6")
    passed(result, r"all as they should be; seed 5")


def test_disk_serves_two_clients_at_once(machine):
    programs = disk(0) + client("check disk0 5 60", "other", "disk0", main=False)
    result = run(machine, programs + client("check disk0 6 600 8192", uses="disk0"), ["rw"])
    passed(result, r"all as they should be; seed 6")
    passed(result, r"all as they should be; seed 5")


def test_disk_that_is_not_there_is_an_error(machine):
    result = run(machine, disk(0) + disk(1) + client("limits disk1", uses="disk1"), ["rw"])
    check(result.status == 1 and "cannot be opened (19)" in result.text, "ENODEV is said", result)


SHELL = """program shell
    quota 2048
    ceiling 45
    priority 45
    shares console fs
    container
    system destroy
    main
"""
FS = """program fs
    quota 1024
    ceiling 45
    serves fs
    initrd
    restart always
"""


def used(m, text):
    """Pages in use, by container, as mem says in text; the client's are not counted, nor the shell's."""
    found = re.findall(r"^ *(\w+) +\d+ +(\d+) +\d+ +\d+$", text, re.M)
    check(len(found) > 4, "mem lists containers", m.result())
    return {name: int(pages) for name, pages in found if name in ("root", "pci", "disk0", "ether0")}


def kills(machine, programs, victim, rounds, count=300, **devices):
    """Kills of a driver, or its client, at work; afterwards no more memory is in use than after the first."""
    with machines.scratch() as folder:
        initrd = machines.initrd_with(folder, {"etc/manifest": (CONSOLE + programs + FS + SHELL).encode()})
        if "disks" in devices:
            devices["disks"] = [image(folder, "0.img")]
        with machine.start(initrd=initrd, **devices) as m:
            m.prompt()
            memory = []
            for kill in range(count):
                m.expect(rounds)
                m.type(f"kill {victim}\r")
                m.expect(rf"init: {victim} was started again")
                if kill in (0, count - 1):
                    m.expect(rounds)
                    m.expect(rounds)
                    memory.append(used(m, m.command("mem")))
            # Two more of pci's: while a dead client's buffer waits for the device, the next one's is there, too.
            lost = [name for name in memory[0] if memory[1][name] > memory[0][name] + (2 if name == "pci" else 0)]
            check(not lost, f"no page is lost: {memory}", m.result())
            check(" ended with status" not in m.text and "wrong data" not in m.text, "all else is undisturbed", m.result())


def test_disk_driver_killed_under_load_loses_nothing(machine):
    """The client never hears of it: what it wrote is there, whatever was in flight."""
    programs = disk(0) + client("repeat disk0 9 20", uses="disk0", main=False)
    kills(machine, programs, "disk0", r"disktest: round \d+$", disks=True)


def ether_run(machine, arguments, options=()):
    with machines.scratch() as folder:
        initrd = machines.initrd_with(folder, {"etc/manifest": (CONSOLE + ETHER + pinger(arguments)).encode()})
        return machine.run("", initrd=initrd, net=True, options=options)


def test_ether_carries_frames_of_all_lengths(machine):
    passed(ether_run(machine, "ping 3 100"), r"(\d+) pings answered, \1 sent")


def test_ether_survives_a_hostile_client(machine):
    for seed in (1, 2):
        result = ether_run(machine, f"attack {seed}")
        passed(result, r"pings answered")
        check("ether0 ended" not in result.text and "fault" not in result.text, "the driver lives", result)


def test_ether_driver_killed_under_load_comes_back(machine):
    programs = ETHER + pinger("repeat 9 5", main=False).replace("program pinger", "program client")
    kills(machine, programs, "ether0", r"ethertest: round \d+$", net=True)


def test_clients_killed_at_work_leave_nothing_in_drivers(machine):
    programs = disk(0) + client("repeat disk0 9 20", uses="disk0", main=False)
    programs = programs.replace("restart never", "restart on-failure 1000")
    kills(machine, programs, "client", r"disktest: round \d+$", 40, disks=True)
    programs = ETHER + pinger("repeat 9 5", main=False).replace("program pinger", "program client")
    programs = programs.replace("restart never", "restart on-failure 1000")
    kills(machine, programs, "client", r"ethertest: round \d+$", 40, net=True)


@on("qemu")
def test_drivers_work_without_message_interrupts(machine):
    options = ["-global", "virtio-blk-pci.vectors=0", "-global", "virtio-net-pci.vectors=0"]
    passed(run(machine, disk(0) + client("check disk0 7 100"), ["rw"], options), r"all as they should be")
    passed(ether_run(machine, "ping 3 50", options), r"(\d+) pings answered, \1 sent")


@on("qemu")
def test_disk_without_indirect_descriptors_or_event_indices(machine):
    for off in ("indirect_desc", "event_idx"):
        options = ["-global", f"virtio-blk-pci.{off}=off", "-global", f"virtio-net-pci.{off}=off"]
        passed(run(machine, disk(0) + client("check disk0 7 100"), ["rw"], options), r"all as they should be")
        passed(ether_run(machine, "ping 3 50", options), r"(\d+) pings answered, \1 sent")


@on("qemu")
def test_drivers_work_with_small_queues(machine):
    options = ["-global", "virtio-blk-pci.queue-size=8", "-global", "virtio-blk-pci.seg-max-adjust=on"]
    passed(run(machine, disk(0) + client("check disk0 7 100"), ["rw"], options), r"all as they should be")


@on("hosted")
def test_devices_that_lie_are_reset(machine):
    """Whatever a device says: at most a request fails, and the driver goes on with the device reset."""
    for kind in ("length", "index", "id", "status", "config", "silence", "storm"):
        for seed in (1, 2):
            options = ["--lie", kind, "--seed", str(seed)]
            result = run(machine, disk(0) + client("check disk0 3 100", uses="disk0"), ["rw"], options)
            well = result.status == 0 and "as they should be" in result.text
            check(well or (result.status == 1 and "failed (5)" in result.text), f"{options}: right, or EIO", result)
            check("fault" not in result.text, f"{options}: nothing crashes", result)
            result = ether_run(machine, "ping 3 10", options)
            check(result.status == 0 and "fault" not in result.text, f"{options}: frames are carried", result)


def test_devices_are_listed_with_their_programs(machine):
    with machines.scratch() as folder:
        result = machine.run("devices", disks=[image(folder, "0.img")], net=True, rng=True)
    for line in (r"1af4:1042 +virtio disk +disk0 +in use +\d messages", r"1af4:1041 +virtio network +ether0 +in use",
                 r"1af4:1044 +virtio random +random +in use", r"host bridge +- +free +none"):
        check(re.search(rf"^\w\w:\w\w\.\w  .*{line}", result.text, re.M), f"prints {line!r}", result)


def test_random_bytes_differ(machine):
    with machines.scratch() as folder:
        result = machine.run("random 2000; random 40", disks=[image(folder, "0.img")], rng=True)
    digits = "".join(line for line in result.lines if re.fullmatch(r"[0-9a-f]{16,64}", line))
    check(result.status == 0 and len(digits) == 2 * 2040, "prints as many as asked", result)
    values = bytes.fromhex(digits)
    check(len(set(values)) > 240 and len(set(zip(values, values[1:]))) > 1900, "they are no pattern", result)


def test_random_driver_killed_comes_back(machine):
    with machines.scratch() as folder:
        with machine.start(disks=[image(folder, "0.img")], rng=True) as m:
            m.prompt()
            for kill in range(10):
                m.command("kill random")
                check(re.search(r"^[0-9a-f]{32}$", m.command("random"), re.M), "gives bytes again", m.result())
            m.end()


def test_share_is_the_hosts_folder(machine):
    with machines.scratch() as folder:
        shared = Path(folder) / "shared"
        (shared / "inner").mkdir(parents=True)
        data = bytes(range(256)) * 1500
        (shared / "inner" / "from-host").write_bytes(data)
        result = machine.run("mount; cp /host/inner/from-host /tmp/copy; cp /tmp/copy /host/back; ls /host; "
                             "mkdir /host/new; mv /host/back /host/new/back; rm /host/inner/from-host", share=shared)
        check(result.status == 0 and re.search(r"^9p +/host$", result.text, re.M), "it is mounted", result)
        check(re.search(r" 384000  back$", result.text, re.M), "the guest sees what it wrote", result)
        check((shared / "new" / "back").read_bytes() == data, "the bytes came back as they were", result)
        check(not (shared / "inner" / "from-host").exists() and not (shared / "back").exists(), "removed and renamed")


def test_share_driver_killed_comes_back(machine):
    with machines.scratch() as folder:
        shared = Path(folder) / "shared"
        shared.mkdir()
        (shared / "file").write_text("as it was\n")
        with machine.start(share=shared) as m:
            m.prompt()
            for kill in range(10):
                said = m.command("kill host")
                check("was killed" in said, "it is killed", said)
                check("as it was" in m.command("cat /host/file"), "the folder is there again", m.result())
            m.end()
