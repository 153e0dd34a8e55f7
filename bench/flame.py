# SPDX-License-Identifier: MIT
"""A flame graph as SVG: width is instructions, height the depth of calls. It needs no script: names show as tooltips."""
from html import escape

WIDTH, ROW, CHARACTER = 1400, 17, 6.6
COLOURS = {"kernel": (235, 120, 60), "program": (80, 150, 220)}


def tree(stacks):
    """[count, {name: tree}] of {(name, ...): count}."""
    root = [0, {}]
    for stack, count in stacks.items():
        node = root
        node[0] += count
        for name in stack:
            node = node[1].setdefault(name, [0, {}])
            node[0] += count
    return root


def depth(node):
    return 1 + max((depth(child) for child in node[1].values()), default=0)


def colour(name, kind):
    """A shade of the kind's colour that is the same each time."""
    shade = sum(name.encode()) % 40 - 20
    return "rgb({},{},{})".format(*(min(255, max(0, part + shade)) for part in COLOURS.get(kind, (150, 150, 150))))


def box(out, name, node, place, whole, unit, kind):
    x, y = place
    width = node[0] * WIDTH / whole
    if width < 0.3:
        return
    shown = name if len(name) * CHARACTER < width - 4 else name[:max(0, int((width - 4) / CHARACTER) - 1)]
    out.append(f'<g><title>{escape(name)}: {node[0] / unit:.1f} ({node[0] * 100 / whole:.1f} %)</title>'
               f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" fill="{colour(name, kind)}"/>'
               f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(shown)}</text></g>')
    for child, below in sorted(node[1].items()):
        box(out, child, below, (x, y - ROW), whole, unit, kind if kind in COLOURS else child)
        x += below[0] * WIDTH / whole


def svg(title, stacks, unit):
    """The picture; counts divided by unit are shown."""
    root = tree(stacks)
    height = (depth(root) + 2) * ROW
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="monospace" '
           f'font-size="11"><rect width="100%" height="100%" fill="white"/>'
           f'<text x="4" y="13" font-size="13">{escape(title)}</text>']
    box(out, "all", root, (0, height - ROW), root[0] or 1, unit, None)
    return "\n".join(out) + "\n</svg>\n"
