#!/usr/bin/env python3
"""Sends a program and the tests beside it to a running judgebox: judge.py URL FILE.

Prints request and answer as they travel, long strings shortened.  Exit status 0 only if
every test passed.
"""
import glob
import json
import os
import sys
import urllib.error
import urllib.request

LONG = 72


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def shortened(v):
    if isinstance(v, dict):
        return {k: shortened(x) for k, x in v.items()}
    if isinstance(v, list):
        return [shortened(x) for x in v]
    if isinstance(v, str) and len(v) > LONG:
        return f"{v[:LONG - 24]}… ({len(v)} characters)"
    return v


def show(body):
    """One line per test, as a person would write it."""
    rows = [f" {json.dumps(k)}: {json.dumps(shortened(v), ensure_ascii=False)}"
            if k != "tests" else
            ' "tests": [\n' + ",\n".join(
                "  " + json.dumps(shortened(t), ensure_ascii=False) for t in v) + "]"
            for k, v in body.items()]
    return "{" + ",\n".join(rows)[1:] + "}"


def main(url, path):
    ids = sorted(int(os.path.basename(p)[:-3])
                 for p in glob.glob(os.path.join(os.path.dirname(path), "*.in")))
    test = os.path.join(os.path.dirname(path), "%d.%s")
    request = {
        "language": os.path.splitext(path)[1][1:].replace("py", "python"),
        "code": read(path),
        "tests": [{"id": i, "input": read(test % (i, "in")), "expected": read(test % (i, "out"))}
                  for i in ids],
    }
    print(f"POST {url}/api/run\n\n{show(request)}\n")
    try:
        answer = urllib.request.urlopen(urllib.request.Request(
            url + "/api/run", json.dumps(request).encode(),
            {"Content-Type": "application/json"}), timeout=120)
    except urllib.error.HTTPError as e:
        sys.exit(f"{e.code} {e.reason}\n{e.read().decode(errors='replace')}")
    except OSError as e:
        sys.exit(f"{url}: {e}")
    result = json.load(answer)
    print(f"{answer.status} {answer.reason}\n\n{show(result)}\n")
    sys.exit(0 if result["passed"] == result["total"] == len(ids) else
             f"only {result['passed']} of {len(ids)} tests passed")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
