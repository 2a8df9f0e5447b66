"""What a containment program says about itself, in comment lines that begin with `judge:`.

    /* Tries to … (the first comment line of the file says what)
     * judge: family=memory invariants=I-33,I-34 verdicts=memory_limit
     * judge: limits=memoryBytes:64M,cpuMs:5000 test="fill 3"
     */

README.md lists the words.  Nothing here needs a running service: whoever maps programs to
invariants imports this file and calls programs().
"""
import os
import re
import shlex

import machine

HERE = os.path.dirname(os.path.abspath(__file__))
LANGUAGES = {".c": "c", ".cpp": "cpp", ".py": "python", ".js": "javascript", ".java": "java",
             ".rs": "rust", ".pl": "perl", ".sh": "bash"}
HELPERS = {"c": "report.h", "cpp": "report.h", "python": "report.py", "javascript": "report.js",
           "java": "Report.java"}
FAMILIES = ("filesystem", "devices", "identity", "namespaces", "mounts", "syscalls", "sockets",
            "keyrings", "locks", "ipc", "kernel", "self", "signals", "processes", "memory", "disk",
            "output", "compile", "startup", "hunting", "pairs")
VERDICTS = ("accepted", "wrong_answer", "time_limit", "memory_limit", "output_limit",
            "runtime_error", "security_violation", "ok", "compile_error")
# word → how its value is read; a list collects every mention
WORDS = {"family": str, "invariants": "names", "causes": "names", "verdicts": "names",
         "limits": "limits", "profile": str, "test": list, "each": str, "input": str, "expected": str,
         "beside": str, "repeat": int, "extra": list, "forbid": list, "require": list,
         "options": str, "slice": "yesno", "done": "yesno", "helper": "yesno", "client": "yesno",
         "echo": "yesno", "pair": str, "honest": "yesno", "as": str, "needs": "names"}
LINE = re.compile(r"^[\s/*#;-]*judge:\s*(.*?)\s*(?:\*/)?\s*$")
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class ManifestError(Exception):
    pass


def number(text):
    m = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not m:
        raise ManifestError(f"'{text}' is not a number")
    return int(m[1]) * UNITS.get(m[2], 1)


def read_value(kind, text):
    if kind in (str, list):
        return text
    if kind is int:
        return number(text)
    if kind == "names":
        return [w for w in text.split(",") if w]
    if kind == "limits":
        return {k: number(v) for k, v in (w.split(":") for w in text.split(","))}
    if text not in ("yes", "no"):
        raise ManifestError(f"'{text}' is neither yes nor no")
    return text == "yes"


class Program:
    """One program: its manifest as attributes, its source, what it is for."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.relpath(path, HERE))[0]
        self.file = os.path.relpath(path, HERE)
        self.language = LANGUAGES[os.path.splitext(path)[1]]
        with open(path, encoding="utf-8") as f:
            self.code = f.read()
        self.said = {"verdicts": ["ok"], "repeat": 1, "test": [], "extra": [], "forbid": [],
                     "require": [], "slice": True, "done": True, "helper": True, "client": True,
                     "echo": False, "honest": True, "limits": {}, "causes": [], "invariants": [],
                     "needs": []}
        self.read()
        self.check()

    def __getattr__(self, word):
        if word in WORDS:
            return self.said.get(word)
        raise AttributeError(word)

    def read(self):
        lists = {k: [] for k, kind in WORDS.items() if kind is list}
        for line in self.code.splitlines():
            m = LINE.match(line)
            for token in shlex.split(m[1]) if m else []:
                word, sep, text = token.partition("=")
                if word not in WORDS or not sep:
                    raise ManifestError(f"{self.file}: '{token}' is no word of a manifest")
                if WORDS[word] is list:
                    lists[word].append(text)
                else:
                    self.said[word] = read_value(WORDS[word], text)
        self.said.update(lists)
        first = re.search(r"(?:/\*+|//+|#)\s*(\S.*)", self.code.removeprefix("#!"))
        self.what = re.sub(r"\s*\*/$", "", first[1]) if first else ""

    def check(self):
        def need(good, text):
            if not good:
                raise ManifestError(f"{self.file}: {text}")
        need(self.family in FAMILIES, f"family '{self.family}' is unknown")
        need(self.family == os.path.dirname(self.file), "lies in another family's directory")
        need(self.invariants, "cites no invariant")
        for i in self.invariants:
            need(re.fullmatch(r"I-\d\d", i) and 1 <= int(i[2:]) <= 47, f"no invariant '{i}'")
        for c in self.causes:
            need(re.fullmatch("[A-V]", c), f"no root cause '{c}'")
        for v in self.verdicts:
            need(v in VERDICTS, f"no verdict '{v}'")
        for n in self.needs:
            need(n in machine.ABILITIES, f"no ability '{n}'")
        need(self.pair in (None, "after", "beside"), "pair is after or beside")
        need(self.what and not self.what.startswith("judge:"), "does not say what it tries")


def programs(words=()):
    """All programs, or those of which a family, an invariant or a part of the name is given."""
    found = []
    for d, dirs, files in sorted(os.walk(HERE)):
        if d != HERE:
            found += [Program(os.path.join(d, f)) for f in sorted(files)
                      if os.path.splitext(f)[1] in LANGUAGES]

    def wanted(p):
        return not words or any(w == p.family or w in p.invariants or w in p.file for w in words)
    return sorted((p for p in found if wanted(p)), key=lambda p: (FAMILIES.index(p.family), p.file))
