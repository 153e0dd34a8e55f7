# SPDX-License-Identifier: MIT
"""What a figure is worth beside its baseline and its limit."""

TOLERANCE = 0.02
TICK = 250  # instructions of a timer tick, which may come just after the longest entry
RED, GREEN, PLAIN = "\033[31m", "\033[32m", "\033[0m"


class Verdict:
    """What the table says of its rows."""

    def __init__(self, baseline, colours=False):
        self.figures = baseline["figures"]
        self.red, self.green = (RED, GREEN) if colours else ("", "")
        self.bad, self.better, self.beyond = [], [], []

    def of(self, name, value, reach):
        was = self.figures.get(name)
        if value is None:
            self.bad.append(f"{name} was not measured")
            return self.red, "not measured"
        if was is None:
            self.bad.append(f"{name} is not in the baseline")
            return self.red, "not in the baseline"
        over = reach is not None and value > reach
        if over:
            self.beyond.append(name)
        if value > was * (1 + TOLERANCE) + (TICK if name.startswith("longest") else 0):
            self.bad.append(f"{name} got worse, from {was:,} to {value:,}")
            return self.red, f"worse by {(value / was - 1) * 100:.1f} %"
        if over and was <= reach:
            self.bad.append(f"{name} is above its limit {reach:,} again: {value:,}")
            return self.red, "above its limit again"
        if value < was * (1 - TOLERANCE):
            self.better.append(name)
        change = "" if value == was else f"{(value / was - 1) * 100:+.1f} %"
        return (self.red, f"above its limit  {change}".rstrip()) if over else (self.green if change.startswith("-") else "", change)


def reason_check(baseline, before):
    """Figures do not change without a reason. before: the baseline of the last commit, or None."""
    if before and before["figures"] != baseline["figures"] and before["reason"] == baseline["reason"]:
        return ["the baseline's figures changed and its reason did not"]
    return []
