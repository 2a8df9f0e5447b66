#!/usr/bin/env python3
"""Every seccomp filter, as libseccomp understood the profiles, against tests/golden/seccomp.

A filter is flattened to one line per call, so that a change of a profile is a readable
difference here, and a new libseccomp, which builds another tree, is none.  The hash of the
BPF itself is compared where the same libseccomp made it.  GOLDEN_UPDATE=1 writes anew.
"""
import os
import re
import subprocess
import sys
import tempfile

SRCDIR = os.path.abspath(os.environ.get("SRCDIR", "."))
BUILDDIR = os.path.abspath(os.environ.get("BUILDDIR", "."))
GOLDEN = os.path.join(SRCDIR, "tests/golden/seccomp")
CLASSES = ("native", "python", "node", "jvm", "go", "script", "compiler", "javac", "gobuild")
ACTIONS = {"0x7fc00000": "NOTIFY"}


def action(text):
    return ACTIONS.get(text, text)


def flatten(pfc):
    """PFC (seccomp_export_pfc(3)) → sorted lines "name (number)  [condition] ACTION"."""
    calls, name, conditions, default, foreign = {}, None, [], None, None
    lines = pfc.splitlines()
    for i, line in enumerate(lines):
        depth = len(line) - len(line.lstrip())
        if m := re.search(r'# filter for syscall "(.*)" \((\d+)\)', line):
            name = (int(m[2]), m[1])
            conditions = []
            if name in calls:
                raise SystemExit(f"{name[1]} is named twice")
            calls[name] = []
        elif m := re.search(r"if \(\$a(\d)\.(hi|lo)32 & (0x[0-9a-f]+) == (\d+)\)", line):
            conditions = [c for c in conditions if c[0] < depth]
            # an empty mask on the upper half is what makes it a 32-bit compare
            if m[2] == "lo" or int(m[3], 16) != 0:
                conditions.append((depth, f"a{m[1]}.{m[2]} & {m[3]} = {int(m[4]):#x}"))
        elif m := re.search(r"^\s*action (\S+);$", line):
            if "default action" in lines[i - 1]:
                default = action(m[1])
            elif "invalid architecture" in lines[i - 1]:
                foreign = action(m[1])
            else:
                mine = [c[1] for c in conditions if c[0] < depth]
                calls[name].append(" ".join(mine + [action(m[1])]))
    out = [f"default {default}", f"foreign architecture {foreign}"]
    for nr, n in sorted(calls):
        out += [f"{n} ({nr})  {a}" for a in sorted(calls[nr, n])]
    return out


def export(config, name):
    program = os.path.join(BUILDDIR, "judgebox-sandbox")
    text = subprocess.run([program, "--config", config, "--export-filter", name], check=True,
                          capture_output=True, text=True).stdout
    made = text.splitlines()[-1]
    if not re.fullmatch(r"# BPF: libseccomp [\d.]+, \d+ instructions, digest [0-9a-f]{64}", made):
        raise SystemExit(f"{name}: the last line is {made!r}")
    return [made] + flatten(text)


def compare(name, now, path):
    """The lines in which they differ; the hash counts only for the same libseccomp."""
    then = open(path).read().splitlines() if os.path.exists(path) else [""]
    library = now[0].split(",")[0]
    bad = [f"-{l}" for l in then[1:] if l not in now] + [f"+{l}" for l in now[1:] if l not in then]
    if not bad and then[1:] != now[1:]:
        bad = ["the order of lines"]
    if not bad and then[0].split(",")[0] == library and then[0] != now[0]:
        bad = ["-" + then[0], "+" + now[0]]
    return [f"{name}: {l}" for l in bad]


def check(now, name):
    """What must hold of every filter, whatever the golden file says."""
    bad = [l for l in now if ".hi" in l]
    for line in ("default ERRNO(38)", "foreign architecture NOTIFY", "ptrace (101)  NOTIFY", "mount (165)  NOTIFY",
                 "socket (41)  a0.lo & 0xffffffff = 0x2 ERRNO(97)", "socket (41)  a0.lo & 0xffffffff = 0x26 NOTIFY"):
        if line not in now:
            bad.append("missing: " + line)
    # clone3 answers ENOSYS by default: a line of its own would be another answer
    bad += [l for l in now if re.match(r"(clone3|socket|fcntl|ioctl|prctl|clone) \(\d+\)  ALLOW", l) or l.startswith("clone3")]
    return [f"{name}: {l}" for l in bad]


def main():
    bad = []
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as config:
        config.write(f'profiles = "{SRCDIR}/sandbox/profiles";\n')
        config.flush()
        for c in CLASSES:
            for suffix, variant in (("", c), ("-nofork", c + ":nofork")):
                now, path = export(config.name, variant), os.path.join(GOLDEN, c + suffix + ".txt")
                bad += check(now, variant)
                if "GOLDEN_UPDATE" in os.environ:
                    os.makedirs(GOLDEN, exist_ok=True)
                    with open(path, "w") as f:
                        f.write("\n".join(now) + "\n")
                bad += compare(variant, now, path)
    known = {f"{c}{s}.txt" for c in CLASSES for s in ("", "-nofork")}
    bad += [f"{f}: no class has this filter" for f in os.listdir(GOLDEN) if f not in known]
    print("\n".join(bad) or f"{len(known)} filters as golden")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
