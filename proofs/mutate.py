# SPDX-License-Identifier: MIT
"""Small bugs for `make verify-mutants`: where in a function's body which of them could be, and the text with one of them."""
import random
import re

TOKEN = re.compile(
    r"""(?P<skip>/\*.*?\*/|//[^\n]*|^\#[^\n]*$|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*') | (?P<word>[A-Za-z_]\w*)
      | (?P<number>\d\w*) | (?P<op><<=|>>=|&&|\|\||[<>=!]=|<<|>>|->|\+\+|--|[-+*/%&|^]=|[^\s]) """, re.S | re.M | re.X)
# What an operator becomes: another order, the boundary one off, another meaning.
OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+", "&&": "||", "||": "&&",
         "*": "+", "/": "*", "%": "/", "|": "&", "&": "|", "|=": "&=", "&=": "|=", "+=": "-=", "-=": "+=", "<<": ">>",
         ">>": "<<", "++": "--", "--": "++"}
UNARY_TOO = {"*", "&", "-", "+"}
NO_CALL = {"if", "while", "for", "switch", "return", "sizeof"}


class Mutant:
    """One change of a file: [start, end) becomes text."""

    def __init__(self, kind, source, start, end, text):
        self.kind, self.start, self.end, self.text = kind, start, end, text
        line_start = source.rfind("\n", 0, start) + 1
        line_end = source.find("\n", end)
        self.line = source.count("\n", 0, start) + 1
        self.old = " ".join(source[line_start:line_end].split())
        self.new = " ".join((source[line_start:start] + text + source[end:line_end]).split())

    def apply(self, source):
        return source[:self.start] + self.text + source[self.end:]


def body_of(source, line):
    """The tokens of the function whose body opens on that line (from 1): (kind, text, start, end)."""
    at = 0
    for _ in range(line - 1):
        at = source.index("\n", at) + 1
    tokens, depth = [], 0
    for m in TOKEN.finditer(source, source.index("{", at)):
        if m.lastgroup == "skip":
            continue
        depth += {"{": 1, "}": -1}.get(m.group(), 0)
        tokens.append((m.lastgroup, m.group(), m.start(), m.end()))
        if depth == 0:
            return tokens
    return []


def closing(tokens, i):
    """The place of what closes the bracket at i."""
    depth = 0
    for k in range(i, len(tokens)):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(tokens[k][1], 0)
        if depth == 0:
            return k
    return len(tokens) - 1


def operators(source, tokens):
    for (kind, text, start, end), before in zip(tokens[1:], tokens):
        binary = before[0] in ("word", "number") and before[1] != "return" or before[1] in (")", "]")
        if text in OTHER and (binary or text not in UNARY_TOO):
            yield Mutant("operator", source, start, end, OTHER[text])
        elif text == "!":
            yield Mutant("operator", source, start, end, "")


def numbers(source, tokens):
    for kind, text, start, end in tokens:
        m = re.fullmatch(r"(\d+)(u?l?)", text) if kind == "number" else None
        if m:
            yield Mutant("off by one", source, start, end, f"{int(m[1]) + 1}{m[2]}")


def statements(source, tokens):
    """Assignments and calls left out, and whole branches."""
    begin = 1
    for i, (_, text, start, end) in enumerate(tokens):
        if text in ("{", "}"):
            begin = i + 1
        elif text == ")" and begin < i and tokens[begin][1] in ("if", "while", "for", "else"):
            head = begin + (tokens[begin][1] == "else" and tokens[begin + 1][1] == "if")
            if tokens[head][1] in NO_CALL and closing(tokens, head + 1) == i:
                begin = i + 1
        elif text == ";":
            words = tokens[begin:i]
            declares = len(words) > 1 and words[0][0] == "word" and words[1][0] == "word" or not words
            if words and words[0][1] == "else":
                words = words[1:]
            if words and not declares and words[0][1] not in ("return", "break", "continue", "goto", "case", "struct"):
                yield Mutant("statement left out", source, words[0][2], words[-1][3], "")
            begin = i + 1


def checks(source, tokens):
    for i, (_, text, _, _) in enumerate(tokens):
        if text == "if" and tokens[i + 1][1] == "(":
            last = closing(tokens, i + 1)
            yield Mutant("check left out", source, tokens[i + 1][3], tokens[last][2], "0")


def swaps(source, tokens):
    """The first two arguments of a call, where they are of one token each."""
    for i in range(len(tokens) - 5):
        call = [t[1] for t in tokens[i:i + 5]]
        if tokens[i][0] == "word" and call[0] not in NO_CALL and call[1] == "(" and call[3] == "," and \
                tokens[i + 2][0] in ("word", "number") and tokens[i + 4][0] in ("word", "number") and \
                tokens[i + 5][1] in (",", ")") and call[2] != call[4]:
            yield Mutant("arguments swapped", source, tokens[i + 2][2], tokens[i + 4][3], f"{call[4]}, {call[2]}")


def mutants(source, line):
    tokens = body_of(source, line)
    return [m for make in (operators, numbers, statements, checks, swaps) for m in make(source, tokens)]


def choose(by_function, count, seed):
    """`count` of {function: [mutants]}, as evenly over functions as there are: the same for the same seed."""
    source = random.Random(seed)
    pools = {name: source.sample(found, len(found)) for name, found in sorted(by_function.items()) if found}
    chosen = []
    while pools and len(chosen) < count:
        for name in source.sample(sorted(pools), len(pools)):
            chosen.append((name, pools[name].pop()))
            if not pools[name]:
                del pools[name]
            if len(chosen) == count:
                break
    return chosen
