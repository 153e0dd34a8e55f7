# SPDX-License-Identifier: MIT
"""Reads C for the proof driver: functions, their contracts, annotations, window accesses.

Works on preprocessed text (comments kept, so annotations too), because list_template.h makes functions with macros.
It understands as much C as core/ uses, no more: no K&R parameters, no function pointers, no attributes with braces.
"""
import os
import re
import subprocess

TOKEN = re.compile(
    r"""(?P<mark>^\#[^\n]*$) | (?P<annot>/\*@.*?\*/|//@[^\n]*) | (?P<comment>/\*.*?\*/|//[^\n]*)
      | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*') | (?P<word>[A-Za-z_]\w*) | (?P<punct>[^\sA-Za-z_]) """,
    re.S | re.M | re.X)
MARK = re.compile(r'# (\d+) "([^"]*)"')
NOT_FUNCTIONS = {"if", "while", "for", "switch", "return", "sizeof", "__attribute__", "_Static_assert", "__asm__"}


class Function:
    """One function of a translation unit: where its body is, and its contract from any of its declarations."""

    def __init__(self, name):
        self.name, self.file, self.line = name, None, 0
        self.body = None       # (start, end) in the preprocessed text, with braces
        self.contract = None   # text of the ACSL
        self.static = False


DIRECTIVE = re.compile(r"^#(?:define|undef)\b[^\n]*$", re.M)


def expand(text):
    """Annotations of preprocessed text with #define and #undef lines (-dD), in order, with their macros expanded: the
    preprocessor leaves comments alone, Frama-C does not."""
    parts = []
    for m in TOKEN.finditer(text):
        if m.lastgroup == "annot":
            body = re.sub(r"//[^\n]*", " ", m.group().removeprefix("/*@").removeprefix("//@").removesuffix("*/"))
            parts.append("@ANNOTATION@ " + re.sub(r"\n\s*@?|['\"]", " ", body))
        elif DIRECTIVE.match(m.group()):
            parts.append(m.group())
    run = subprocess.run(["gcc", "-E", "-P", "-w", "-undef", "-x", "c", "-"], input="\n".join(parts) + "\n",
                         capture_output=True, text=True)
    return run.stdout.split("@ANNOTATION@")[1:]


class Unit:
    """A translation unit after the preprocessor; expanded: its annotations without macros."""

    def __init__(self, path, text, expanded):
        self.path, self.text, self.expanded = path, text, expanded
        self.functions = {}
        self.annotations = []  # (file, line, text)
        self._scan()

    def defined(self):
        return [f for f in self.functions.values() if f.body]

    def _scan(self):
        file, base, base_pos = self.path, 1, 0
        depth, contract, head, start = 0, None, [], None
        where = lambda pos: (file, base + self.text.count("\n", base_pos, pos))
        for m in TOKEN.finditer(self.text):
            kind, s = m.lastgroup, m.group()
            if kind == "mark":
                mark = MARK.match(s)
                if mark:
                    base, file, base_pos = int(mark[1]), os.path.normpath(mark[2]), m.end() + 1
            elif kind == "annot":
                self.annotations.append((*where(m.start()), self.expanded[len(self.annotations)]))
                if depth == 0 and not head:
                    contract = s
            elif kind in ("comment", "text"):
                continue
            elif s == "{":
                if depth == 0:
                    start = (m.start(), where(m.start()))
                depth += 1
            elif s == "}":
                depth -= 1
                if depth == 0:
                    if self._declare(head, contract, start, m.end()) or not head or head[0] == "extern":
                        head, contract = [], None
                    else:
                        head.append("}")
            elif depth == 0 and s == ";":
                self._declare(head, contract, None, 0)
                head, contract = [], None
            elif depth == 0:
                head.append(s)

    def _declare(self, head, contract, start, end):
        """Notes the function that head declares or defines; says whether it does."""
        name, level = None, 0
        for i, s in enumerate(head):
            if s == "(":
                if level == 0 and i and re.match(r"[A-Za-z_]", head[i - 1]) and head[i - 1] not in NOT_FUNCTIONS:
                    name = head[i - 1]
                    break
                level += 1
            elif s == ")":
                level -= 1
        if name is None or head[0] == "typedef" or "=" in head:
            return False
        f = self.functions.setdefault(name, Function(name))
        f.static = f.static or "static" in head
        if contract and re.search(r"\b(requires|ensures|assigns|behavior)\b", contract):
            f.contract = contract
        if start:
            f.body = (start[0], end)
            f.file, f.line = start[1]
        return True

    def without_bodies(self, keep):
        """What a proof of the functions named in keep depends on: all but the other functions' bodies."""
        out, at = [], 0
        for f in sorted(self.defined(), key=lambda f: f.body):
            if f.name not in keep:
                out.append(self.text[at:f.body[0]] + ";")
                at = f.body[1]
        out.append(self.text[at:])
        text = re.sub(r"^#.*$", "", "".join(out), flags=re.M)
        text = re.sub(r"/\*(?!@).*?\*/|//(?!@)[^\n]*", " ", text, flags=re.S)
        return re.sub(r"\s+", " ", text)


def preprocess(root, path):
    """A Unit; raises RuntimeError with the compiler's words."""
    gcc = ["gcc", "-std=c11", "-E", "-C", "-I.", "-Iinclude", path]
    run, macros = (subprocess.run(gcc + more, cwd=root, capture_output=True, text=True) for more in ([], ["-dD"]))
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip())
    return Unit(path, run.stdout, expand(macros.stdout))


def code_only(text):
    """C without comments and annotations, lines kept."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group()) if m.group()[0] == "/" else m.group()
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def count_lines(text):
    """(code lines, annotation lines) of a source file."""
    notes = 0
    for m in re.finditer(r"/\*@.*?\*/|//@[^\n]*", text, re.S):
        notes += sum(1 for line in m.group().split("\n") if line.strip(" */@\t"))
    return sum(1 for line in code_only(text).split("\n") if line.strip()), notes
