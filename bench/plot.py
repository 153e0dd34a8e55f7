# SPDX-License-Identifier: MIT
"""Lines on two logarithmic axes as SVG, one panel for each group of them."""
import math
from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, LEGEND, COLUMNS = 420, 340, 60, 44, 40, 220, 3
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")


def text(x, y, words, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(words)}</text>'


class Axis:
    """Places of values from a power of ten to another between two places."""

    def __init__(self, values, begin, end):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.begin, self.end = begin, end

    def place(self, value):
        return self.begin + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.begin)

    def tens(self):
        return [10 ** power for power in range(self.low, self.high + 1)]


def line_style(n):
    return f'stroke="{COLOURS[n % len(COLOURS)]}" stroke-dasharray="{"" if n < len(COLOURS) else "5 3"}"'


def panel(out, title, lines, axes):
    """lines: {name: {x: y}}."""
    x, y = axes
    out.append(text(LEFT, TOP - 12, title, 'font-weight="bold"'))
    for value in y.tens():
        out.append(f'<path d="M{LEFT} {y.place(value):.1f}H{WIDTH - 20}" stroke="#ddd"/>')
        out.append(text(LEFT - 6, y.place(value) + 4, f"{value:,}", 'text-anchor="end"'))
    for value in x.tens():
        out.append(f'<path d="M{x.place(value):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        out.append(text(x.place(value), HEIGHT - BOTTOM + 16, f"{value:,}", 'text-anchor="middle"'))
    for n, points in enumerate(lines.values()):
        path = "L".join(f"{x.place(at):.1f} {y.place(value):.1f}" for at, value in points.items())
        out.append(f'<path d="M{path}" fill="none" stroke-width="1.5" {line_style(n)}/>')


def svg(title, panels):
    """panels: {title: {name: {x: y}}}, with the same names in each."""
    values = [value for lines in panels.values() for points in lines.values() for value in points.values()]
    places = [at for lines in panels.values() for points in lines.values() for at in points]
    axes = Axis(places, LEFT, WIDTH - 20), Axis(values, HEIGHT - BOTTOM, TOP)
    width, height = WIDTH * COLUMNS + LEGEND, HEIGHT * math.ceil(len(panels) / COLUMNS)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11">'
           f'<rect width="100%" height="100%" fill="white"/>', text(4, 12, title)]
    for n, (name, lines) in enumerate(panels.items()):
        out.append(f'<g transform="translate({n % COLUMNS * WIDTH} {n // COLUMNS * HEIGHT})">')
        panel(out, name, lines, axes)
        out.append("</g>")
    for n, name in enumerate(next(iter(panels.values()))):
        at = TOP + 8 + n * 17
        out.append(f'<path d="M{width - LEGEND + 4} {at}h24" stroke-width="2" {line_style(n)}/>')
        out.append(text(width - LEGEND + 34, at + 4, name))
    return "\n".join(out) + "\n</svg>\n"
