# SPDX-License-Identifier: MIT
"""The PCI server: devices by message and by pin, owners that crash, hang, attack, and a server that is killed."""
import random
import re

import machines
from machines import check

CLIENT = """program {name}
    file bin/pcitest
    arguments {deed}
    quota {quota}
    ceiling {ceiling}
    serves {name}
    uses pci console
    device {ids} {index}
    restart {restart}
"""
BOARDS = {"hosted": ((),), "qemu": (("-machine", "q35"), ("-machine", "pc"))}


def client(deed, name="driver", index=0, restart="on-fault 3", quota=2048, ceiling=48, ids="1af4:1044"):
    return CLIENT.format(deed=deed, name=name, index=index, restart=restart, quota=quota, ceiling=ceiling, ids=ids)


def manifest_with(clients):
    """The shipped manifest, with these clients for the programs that have the device."""
    shipped = (machines.ROOT / "servers/etc/manifest").read_text()
    blocks = re.split(r"^(?=program )", shipped, flags=re.M)
    kept = [block for block in blocks if "device 1af4:1044" not in block or block.startswith("#")]
    first = next(n for n, block in enumerate(kept) if block.startswith("program pci")) + 1
    return "".join(kept[:first] + clients + kept[first:])


def watch(machine, clients, patterns, options=(), rng=True):
    """Starts it, waits for the patterns in turn, asks for mem, ends it; the Result."""
    with machines.scratch() as folder:
        initrd = machines.initrd_with(folder, {"etc/manifest": manifest_with(clients).encode()})
        with machine.start(initrd=initrd, options=options, rng=rng) as m:
            for pattern in patterns:
                m.expect(pattern)
            m.type("mem\r")
            m.expect(r"^ +shell +\d+")
            return m.end()


def run(machine, clients, command, options=(), rng=True):
    """The command's words go into a script when they are many."""
    with machines.scratch() as folder:
        manifest = manifest_with(clients)
        files = {"etc/manifest": manifest.encode(), "etc/script": command.replace("; ", "\n").encode() + b"\n"}
        initrd = machines.initrd_with(folder, files)
        command = command if len(command) < 200 else "run etc/script"
        return machine.run(command, initrd=initrd, options=options, rng=rng)


def used(result, name="pci"):
    """Pages the container has in use, as each mem printed them."""
    return [int(n) for n in re.findall(rf"^  {name} +\d+ +(\d+)", result.text, re.M)]


def test_pci_list_names_device_and_owner(machine):
    for board in BOARDS[machine.kind]:
        result = run(machine, [client("list")], "echo end", board)
        check(re.search(r"^00:0\d\.0 1af4:1044 class 00ff00 vectors [1-9]\d* owner driver open 0$", result.text, re.M),
              f"the device, {board}", result)
        check(re.search(r"^  bar \d memory 0x[0-9a-f]+ bytes 0x4000$", result.text, re.M), "its BAR", result)


def test_pci_driver_by_messages(machine):
    for board in BOARDS[machine.kind]:
        watch(machine, [client("drive")], [rf"round {n}: 10 requests by MSI-X" for n in range(3)] + ["drive: done"], board)


@machines.on("qemu")
def test_pci_driver_behind_bridges(machine):
    boards = (("-machine", "q35", "-device", "pcie-root-port,id=slot1,chassis=1", "-device", "virtio-rng-pci,bus=slot1"),
              ("-machine", "pc", "-device", "pci-bridge,id=one,chassis_nr=1,addr=0x6",
               "-device", "pci-bridge,id=two,bus=one,chassis_nr=2,addr=0x3",
               "-device", "virtio-rng-pci,bus=two,addr=0x7,disable-legacy=on"))
    for board in boards:
        watch(machine, [client("drive")], ["round 2: 10 requests by MSI-X", "drive: done"], board, rng=False)


@machines.on("qemu")
def test_pci_devices_of_all_shapes(machine):
    """Not virtio: with ports and a pin alone; with the MSI-X table amid its registers."""
    shapes = (("8086:100e", ("-machine", "pc", "-device", "e1000"),
               ["8086:100e, 0 lines", "bar 0, 32 of 32 pages", "bar 1, ports", "interrupt: claimed"]),
              ("1b36:000d", ("-machine", "q35", "-device", "qemu-xhci"),
               ["1b36:000d, 4 lines", "bar 0, 3 of 4 pages", "interrupt: claimed"]))
    for ids, options, said in shapes:
        result = watch(machine, [client("look", ids=ids)], [f"look: {line}" for line in said * 2 + ["done"]], options, rng=False)
        check("did not become quiet" not in result.text, "it was reset", result)


@machines.on("qemu")
def test_pci_drivers_share_a_pin(machine):
    for board in BOARDS[machine.kind]:
        options = (*board, "-device", "virtio-rng-pci,disable-legacy=on,vectors=0,addr=0x5",
                   "-device", "virtio-rng-pci,disable-legacy=on,vectors=0,addr=0x9")
        result = watch(machine, [client("drive", "one", 0), client("drive", "two", 1)], ["drive: done"] * 2, options, rng=False)
        check(len(re.findall(r"round \d: 10 requests by INTx", result.text)) == 6, f"rounds, {board}", result)


def test_pci_hostile_requests_hurt_nobody(machine):
    for seed in (3, 1701, 424242):
        result = watch(machine, [client(f"attack {seed}")], ["attack: done", "drive: done"])
        check("pci was started again" not in result.text, f"seed {seed}: the server lives", result)
        check(used(result) and used(result)[-1] < 100 and used(result, "dma")[-1] < 100, f"seed {seed}: its memory is back", result)


def test_pci_crashed_owners_give_all_back(machine):
    result = watch(machine, [client("die", restart="on-fault 6")],
                   ["driver was started again"] * 6 + ["as often as the manifest allows"])
    check(used(result) and used(result)[-1] < 100 and used(result, "dma")[-1] < 20, "DMA memory is back", result)
    check("did not become quiet" not in result.text + result.errors, "each time the device was reset", result)


def test_pci_dma_memory_is_bounded_and_comes_back(machine):
    for quota in (500, 8000):
        result = watch(machine, [client("many", quota=quota)], ["many: some, again"])
        check(result.text.count("no more DMA memory for this program") == 2, "it says why there is no more", result)
        total = int(re.search(r"^  dma +(\d+)", result.text, re.M).group(1))
        check(total > quota, "there is as much to keep as its driver may take", result)
        check(used(result, "dma")[-1] < 20, "and it is given back", result)


def test_pci_device_has_one_owner(machine):
    two = [client("hold", "one"), client("hold", "two")]
    result = run(machine, two, "stress 2; ps; echo killed; kill one; stress 2; kill two; stress 2")
    check(result.lines.count("hold: open") >= 1, "one has it", result)
    check(result.has("hold: another program has the device"), "the other is told", result)
    before, after = result.text.split("\nkilled", 1)
    check(before.count("hold: open") == 1, "one at a time", result)


def test_pci_killed_server_resets_and_drivers_begin_anew(machine):
    kills = 25
    command = "stress 1; mem; " + "kill pci; stress 1; " * kills + "mem; ps"
    result = run(machine, [client("hold", restart="on-failure 1000")], command)
    check(result.text.count("pci was started again") == kills, "the server comes back", result)
    check(result.text.count("driver was started again") == kills, "and its driver each time", result)
    check(result.lines.count("hold: open") == kills + 1, "which opens its device", result)
    for name in ("pci", "dma"):
        pages = used(result, name)
        check(len(pages) == 2 and pages[0] == pages[1], f"no page of {name} leaks: {pages}", result)


def test_pci_server_and_driver_killed_together_come_back(machine):
    command = "stress 1; mem; " + "kill driver pci; kill pci driver; kill pci; kill driver; " * 40 + "stress 1; mem; ps"
    result = run(machine, [client("hold", restart="on-failure 1000")], command)
    for name in ("pci", "driver"):
        check(re.search(rf"{name} +process +alive", result.text), f"{name} is back", result)
        pages = used(result, name)
        check(len(pages) == 2 and pages[0] == pages[1], f"no page of {name} leaks: {pages}", result)
    check(result.text.count("pci was killed") >= 100, "it was killed", result)


def test_pci_killed_drivers_leave_nothing(machine):
    kills = 300
    command = "stress 1; mem; " + "kill driver; " * kills + "stress 1; mem; ps"
    result = run(machine, [client("hold", restart="on-failure 1000")], command)
    check(result.text.count("driver was started again") == kills, "it comes back each time", result)
    check("pci was" not in result.text, "the server is not hurt", result)
    for name in ("pci", "dma", "driver"):
        pages = used(result, name)
        check(len(pages) == 2 and pages[0] == pages[1], f"no page of {name} leaks: {pages}", result)


@machines.on("hosted")
def test_pci_lying_devices_are_survived(machine):
    for seed in ("1", "2", "3"):
        result = run(machine, [client("attack", restart="on-failure 20")], "stress 3; mem; echo end",
                     ("--lie", "all,4", "--seed", seed))
        check(result.status == 0 and result.has("end"), f"seed {seed}: the system goes on", result)
        check("pci was started again" not in result.text, f"seed {seed}: the server lives", result)


def test_pci_kills_at_random_moments_under_load(machine):
    seed = 20261122
    chance = random.Random(seed)
    kills = {"hosted": 300, "qemu": 120}[machine.kind]
    # Below the shell, so that a kill comes in the midst of what they do.
    text = manifest_with([client("busy", restart="on-failure 100000", ceiling=24)])
    text = text.replace("ceiling 49\n    serves pci", "ceiling 25\n    serves pci")
    check("ceiling 25" in text, "the PCI server's priority was changed")
    with machines.scratch() as folder:
        initrd = machines.initrd_with(folder, {"etc/manifest": text.encode()})
        with machine.start(initrd=initrd, rng=True, memory="128M") as m:
            m.prompt()
            pages = []
            for n in range(kills):
                kill(m, chance.choice(("pci", "driver", "pci driver", "driver pci")), chance.random() < 0.5)
                if n % 100 == 20 or n + 1 == kills:  # what a restart leaves in page tables is there by then
                    kill(m, "pci", True)
                    pages.append(root_used(m))
            check(max(pages) <= pages[0], f"seed {seed}: init's pages do not grow: {pages}", m.result())
            m.end()


def kill(m, what, wait):
    """Kills these; wait: until the driver works again."""
    works = m.text.count("busy: works")
    m.command("kill " + what)
    if wait:
        machines.until("the driver works again", lambda: m.text.count("busy: works") > works)


def root_used(m):
    """Pages of init itself."""
    return int(re.search(r"^root +\d+ +(\d+)", m.command("mem"), re.M).group(1))
