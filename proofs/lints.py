# SPDX-License-Identifier: MIT
"""What the prover believes without proof, checked as text: contracts are there, windows are accessed through guards,
axioms are listed and have their lemma, an opaque predicate's reads clause names all that its definition reads."""
import re

import csource

GUARDS = {"thread_at": "T", "process_at": "P", "container_at": "C", "table_at": "PT", "endpoint_at": "E",
          "handle_at": "H", "page_at": "U"}
WINDOW = re.compile(r"\b(" + "|".join(GUARDS) + r")\b\s*(\[)?\s*(?:(\w+)\s*\()?")


def closing(text, at):
    """Index of the bracket that closes the one at text[at]."""
    pair = {"(": ")", "[": "]"}
    depth = 0
    for i in range(at, len(text)):
        if text[i] == text[at]:
            depth += 1
        elif text[i] == pair[text[at]]:
            depth -= 1
            if depth == 0:
                return i
    return len(text) - 1


def windows(unit):
    """Every access to a typed window in a function is X_at[GUARD(...)]."""
    for f in unit.defined():
        if not f.file.startswith("core/"):
            continue
        text = csource.code_only(re.sub(r"^#.*$", "", unit.text[slice(*f.body)], flags=re.M))
        for m in WINDOW.finditer(text):
            guard = GUARDS[m[1]]
            after = text[closing(text, m.end() - 1) + 1:].lstrip() if m[3] else ""
            if not m[2] or m[3] != guard or not after.startswith("]"):
                words = " ".join(text[m.start():m.start() + 40].split())
                yield f"{f.file}:{f.line}: {f.name} accesses a window without its guard, {m[1]}[{guard}(...)]: {words}"


def contracts(unit):
    """Every function with a body in core has a contract."""
    for f in unit.defined():
        if f.file.startswith("core/") and not f.contract:
            yield f"{f.file}:{f.line}: {f.name} has no contract"


def prototypes(unit, proved):
    """What a proved function calls, and has no body here, says what it assigns: Frama-C guesses else."""
    for f in unit.functions.values():
        if f.body or f.contract and re.search(r"\bassigns\b", f.contract):
            continue
        for name in proved:
            caller = unit.functions.get(name)
            body = csource.code_only(unit.text[slice(*caller.body)]) if caller and caller.body else ""
            if re.search(r"\b" + f.name + r"\s*\(", body):
                yield f"{unit.path}: {name} calls {f.name}, whose contract has no assigns clause"


# ---- what is believed ----

AXIOM = re.compile(r"\baxiom\s+(\w+)\s*((?:\{[^}]*\})?\s*:.*?;)", re.S)
LEMMA = re.compile(r"\blemma\s+(\w+)\s*((?:\{[^}]*\})?\s*:.*?;)", re.S)


def squeeze(text):
    return re.sub(r"[\s@]+", "", re.sub(r"//[^\n]*", "", text))


def believed(units, trusted, proved_units):
    """Axioms have a lemma of the same name and words, proved in some unit; admits are listed in TRUSTED.md."""
    axioms, lemmas, admits = {}, {}, set()
    for unit in units:
        for file, line, text in unit.annotations:
            if not file.startswith("core/"):
                continue
            for m in AXIOM.finditer(text):
                axioms[m[1]] = (file, line, squeeze(m[2]))
            if unit.path in proved_units:
                for m in LEMMA.finditer(text):
                    lemmas[m[1]] = squeeze(m[2])
            for m in re.finditer(r"\badmit\b\s*(\w*)", text):
                admits.add((file, line, m[1]))
    for file, line, name in sorted(admits):
        if not name or f"`{name}`" not in trusted:
            yield f"{file}:{line}: admit {name or 'without a name'} is not listed in proofs/TRUSTED.md"
    for name, (file, line, words) in sorted(axioms.items()):
        if f"`{name}`" in trusted:
            continue
        if name not in lemmas:
            yield f"{file}:{line}: axiom {name} has no lemma of the same name in a file with proved functions"
        elif lemmas[name] != words:
            yield f"{file}:{line}: axiom {name} does not say the same as the lemma {name} that is proved"


DEFINITION = re.compile(r"\b(?:predicate|logic\s+\w+)\s+(\w+)\s*(?:\{[^}]*\})?\s*(?:\([^()]*\))?\s*=(.*?);", re.S)
OPAQUE = re.compile(r"\b(?:predicate|logic\s+\w+)\s+(\w+)\s*(?:\{[^}]*\})?\s*(?:\([^()]*\))?\s*\breads\b(.*?);", re.S)


def reads(units):
    """An opaque predicate of clients names in its reads clause all that the module's definition reads."""
    definitions, opaque, memory = {}, {}, set()
    for unit in units:
        memory |= set(re.findall(r"\bextern\s+[\w\s]+?\b(\w+)\s*(?:\[[^\]]*\])?\s*;", csource.code_only(unit.text)))
        for file, line, text in unit.annotations:
            memory |= set(re.findall(r"\bghost\s+(?:\w+\s+)+(\w+)\s*(?:\[[^\]]*\]\s*)*;", text))
            if file.startswith("core/"):
                for m in OPAQUE.finditer(text):
                    opaque[m[1]] = (file, line, set(re.findall(r"\w+", m[2])))
                for m in DEFINITION.finditer(text):
                    if not re.search(r"\breads\b", m[0]):
                        definitions.setdefault(m[1], m[2])

    def touched(name, seen):
        found = set()
        for word in set(re.findall(r"\w+", definitions.get(name, ""))) - seen:
            if word in memory:
                found.add(word)
            elif word in definitions:
                found |= touched(word, seen | {word})
        return found

    for name, (file, line, named) in sorted(opaque.items()):
        if name not in definitions:
            yield f"{file}:{line}: {name} is opaque, and no module defines it"
            continue
        missing = touched(name, {name}) - named
        if missing:
            yield f"{file}:{line}: the reads clause of {name} lacks {', '.join(sorted(missing))}"
