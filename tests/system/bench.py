# SPDX-License-Identifier: MIT
"""The benchmark as a program, on both machines, and what bench/table makes of figures. No figure of time is looked at."""
import re
import sys

import machines
from machines import check

sys.path.append(str(machines.ROOT / "bench"))
import verdict


def bench(machine, command, **options):
    """The system that measures, made of the usual initrd."""
    with machines.scratch() as folder:
        manifest = (machines.ROOT / "bench/manifest").read_bytes()
        return machine.run(command, initrd=machines.initrd_with(folder, {"etc/manifest": manifest}), **options)


def test_bench_rows_are_measured(machine):
    for row in ("nop", "call_reply_fpu", "call_reply_10words", "call_reply_page", "call_reply_handle", "signal_pingpong",
                "fault_roundtrip", "process_create_destroy", "program_start_end", "longest_share"):
        result = bench(machine, f"row {row} 3")
        check(result.status == 0 and re.search(rf"^{row} \d+$", result.text, re.M), f"{row} has a figure", result)
        check(re.search(r"^rounds 3$", result.text, re.M), f"{row} says its rounds", result)


def test_bench_rounds_go_up_to_what_the_row_can_do(machine):
    result = bench(machine, "row bulk_map_page 3")
    check(result.status == 0 and re.search(r"^rounds 512$", result.text, re.M), "a whole page table", result)


def test_bench_growth_makes_and_measures(machine):
    for kind, counts in (("threads", (1,)), ("processes", (1,)), ("mappings", (1,)), ("handles", (1, 10)),
                         ("endpoints", (1,)), ("containers", (1,))):
        result = bench(machine, f"growth {kind} {max(counts)}")
        check(result.status == 0, f"{kind}: all is well", result)
        for count in counts:
            check(re.search(rf"^memory {kind} {count} \d+$", result.text, re.M), f"{kind}: memory of {count}", result)
            check(re.search(rf"^growth {kind} {count} nop \d+$", result.text, re.M), f"{kind}: calls with {count}", result)


def test_bench_what_it_does_not_know_is_named(machine):
    for command, status, words in (("row nosuch 1", 1, "no row 'nosuch'"), ("growth nosuch 1", 1, "'nosuch'"),
                                   ("row interrupt 1", 1, "no device for 'interrupt'"), ("nosuch", 2, "usage: bench")):
        result = bench(machine, command)
        check(result.status == status and words in result.text, f"{command!r} is refused", result)


def test_bench_quota_too_small_is_an_error(machine):
    result = bench(machine, "growth threads 100000", memory="24M")
    check(result.status == 1 and "bench: thread_create:" in result.text, "the call that failed is named", result)


def verdict_of(value, limit, was=100, name="row"):
    said = verdict.Verdict({"figures": {name: was}})
    said.of(name, value, limit)
    return said


def test_table_worse_fails_and_better_is_told(machine):
    del machine
    for value, bad in ((100, 0), (102, 0), (103, 1), (97, 0)):
        said = verdict_of(value, None)
        check(len(said.bad) == bad, f"{value} beside 100: {said.bad}")
        check(bool(said.better) == (value == 97), f"{value} beside 100: better is {said.better}")
    check(not verdict_of(9400, None, 9200, "longest_map").bad, "a tick beside a longest entry is no regression")
    check(verdict_of(9700, None, 9200, "longest_map").bad, "a longest entry that got worse is one")


def test_table_limit_fails_once_it_was_kept(machine):
    del machine
    check(not verdict_of(100, 90).bad and verdict_of(100, 90).beyond, "a limit not reached yet is only told")
    check(verdict_of(101, 100).bad, "a limit that was kept fails at once")
    check(verdict_of(None, 100).bad, "a row that was not measured fails")
    check(verdict_of(5, None, 5, "other").bad == [], "no limit, no failure")
    said = verdict.Verdict({"figures": {}})
    said.of("new", 1, None)
    check(said.bad, "a row that the baseline does not know fails")


def test_table_baseline_changes_with_a_reason(machine):
    del machine
    old = {"reason": "first", "figures": {"a": 1}}
    check(verdict.reason_check({"reason": "first", "figures": {"a": 2}}, old), "figures without a reason fail")
    check(not verdict.reason_check({"reason": "second", "figures": {"a": 2}}, old), "with one they do not")
    check(not verdict.reason_check(old, old) and not verdict.reason_check(old, None), "no change, no reason")
