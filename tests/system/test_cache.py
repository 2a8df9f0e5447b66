"""Artifacts are kept: the same source is compiled once, and never another's is run."""
import contextlib
import os
import random
import stat
import threading
import uuid

import client
import stack
from suite import SystemTest


def program(text, tag=None):
    return f'#include <stdio.h>\n/* {tag or uuid.uuid4()} */\nint main(void) {{ puts("{text}"); return 0; }}\n'


class CacheTest(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        return stack.Stack().start()

    def files(self):
        d, found = self.stack.path("cache"), {}
        for f in os.listdir(d):
            with contextlib.suppress(FileNotFoundError):  # it had to go just now
                found[f] = os.stat(os.path.join(d, f))
        return found

    def cached(self, code, text, language="c", **members):
        """Judges it, checks its output, and says whether it was compiled before."""
        j = self.judge(language, code, **members)
        self.assertEqual(j["tests"][0]["stdout"], text + "\n", j)
        return j["compile"]["cached"]


class Cache(CacheTest):
    def test_second_time(self):
        code = program("one")
        self.assertEqual([self.cached(code, "one") for _ in range(3)], [False, True, True])

    def test_large_artifacts(self):
        """Copied by a child of the helper's, one after the other and two at a time."""
        def large(text):
            return (f"/* {uuid.uuid4()} */\n#include <stdio.h>\nstatic const char filler[20 << 20] = {{ 1 }};\n"
                    f'int main(int argc, char *argv[]) {{ puts(filler[argc] == 0 ? "{text}" : argv[0]); return 0; }}\n')
        code = large("one")
        self.assertEqual([self.cached(code, "one") for _ in range(2)], [False, True])
        codes, ok = [large(str(i)) for i in range(4)], []
        threads = [threading.Thread(target=lambda i=i: ok.append(self.cached(codes[i], str(i)))) for i in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(ok, [False] * 4)

    def test_answers_are_alike(self):
        code = program("alike")
        a, b = (self.judge("c", code, tests=[{"input": "x", "expected": "alike"}]) for _ in range(2))
        self.assertEqual((a["compile"]["cached"], b["compile"]["cached"]), (False, True))
        for j in (a, b):
            self.assertEqual({k: j["compile"][k] for k in ("code", "signal", "killed", "stdout", "stderr")},
                             {"code": 0, "signal": None, "killed": False, "stdout": "", "stderr": ""})
            self.assertEqual((j["verdict"], j["passed"], j["total"]), ("accepted", 1, 1))

    # I-38
    def test_everything_that_matters_is_in_the_key(self):
        tag = str(uuid.uuid4())
        base = program("same", tag)
        self.assertFalse(self.cached(base, "same"))
        self.assertTrue(self.cached(base, "same"))
        self.assertFalse(self.cached(program("other", tag), "other"), "another source")
        self.assertFalse(self.cached(base, "same", compileArgs=["-O1"]), "another option")
        self.assertFalse(self.cached(base, "same", compileArgs=["-O1", "-g"]), "more options")
        self.assertFalse(self.cached(base, "same", files=[{"name": "a.h", "content": ""}]), "another file")
        self.assertFalse(self.cached(base, "same", files=[{"name": "b.h", "content": ""}]), "its name")
        self.assertFalse(self.cached(base, "same", files=[{"name": "a.h", "content": "//"}]), "its text")
        self.need("cpp")
        self.assertFalse(self.cached(base, "same", language="cpp"), "another language")
        self.assertTrue(self.cached(base, "same"))

    # I-38
    def test_bytes_between_files_do_not_move(self):
        """Names and texts that read alike when put end to end are not alike."""
        main = '#include <stdio.h>\n#include "%s"\nint main(void) { puts(X); }'
        for name, text in (("ab", '#define X "1"'), ("a", 'b#define X "1"')):
            j = self.judge("c", main % name, files=[{"name": name, "content": text}])
            self.assertEqual(j["verdict"], "ok" if name == "ab" else "compile_error", j)

    def test_diagnostics_are_not_lost(self):
        code = '#warning "told every time"\n' + program("warned")
        for _ in range(2):
            j = self.judge("c", code)
            self.assertIn("told every time", j["compile"]["stderr"])

    # I-40
    def test_failures_are_not_kept(self):
        code = "int main(void) { return nothing_" + uuid.uuid4().hex + "; }"
        for _ in range(2):
            j = self.judge("c", code)
            self.assertEqual(j["verdict"], "compile_error")
            self.assertIn("nothing_", j["compile"]["stderr"])
            self.assertFalse(j["compile"]["cached"])

    def test_twins_share_one_compile(self):
        code, got = program("twin"), []
        threads = [threading.Thread(target=lambda: got.append(self.cached(code, "twin"))) for _ in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(got), 6)
        self.assertEqual(got.count(False), 1, "compiled more than once")

    def test_a_twin_outlives_the_one_that_leaves(self):
        """The client whose compile it was hangs up; the other still gets his answer."""
        code = "#include <bits/stdc++.h>\n" + program("left alone")
        self.need("cpp")
        body = {"language": "cpp", "code": code}
        first = client.start(self.stack.port, body)
        stack.wait_for("the compiler", self.stack.boxes)
        second = client.start(self.stack.port, body)
        first.close()
        a = client.finish(second)
        self.assertEqual((a.status, a.json["tests"][0]["stdout"]), (200, "left alone\n"), a)

    def test_trees_too(self):
        self.need("java")
        code = f'public class Main {{ /* {uuid.uuid4()} */ static class In {{}}\n' \
               'public static void main(String[] a) { System.out.println(new In().getClass().getName()); } }'
        self.assertEqual([self.cached(code, "Main$In", language="java") for _ in range(2)], [False, True])

    def test_survives_a_restart(self):
        code = program("kept")
        self.assertFalse(self.cached(code, "kept"))
        self.restart()
        self.assertTrue(self.cached(code, "kept"))

    def restart(self, between=lambda: None):
        self.stack.sandbox.stop()
        between()
        self.stack.sandbox.start()
        self.stack.wait_ready()

    # I-39
    def test_a_spoilt_file_is_not_run(self):
        code = program("sound")
        self.cached(program("another"), "another")
        before = set(self.files())
        self.assertFalse(self.cached(code, "sound"))
        new, = set(self.files()) - before
        path = self.stack.path("cache", new)

        for spoil in (self.flip, self.cut, self.lengthen, self.swap, self.link):
            with self.subTest(spoil.__name__):
                self.restart(lambda: spoil(path))
                self.assertFalse(self.cached(code, "sound"), "a spoilt entry counted as good")
        self.assertTrue(self.cached(code, "sound"))

    def flip(self, path):
        with open(path, "r+b") as f:
            data = bytearray(f.read())
            for _ in range(50):
                data[random.randrange(len(data))] ^= 0xff
            f.seek(0)
            f.write(data)

    def cut(self, path):
        os.truncate(path, os.path.getsize(path) // 2)

    def lengthen(self, path):
        with open(path, "ab") as f:
            f.write(b"\0" * 5000)

    def swap(self, path):
        """Another program's whole and sound entry, under this one's name."""
        other = [f for f in self.files() if f != os.path.basename(path)]
        with open(self.stack.path("cache", other[0]), "rb") as f:
            data = f.read()
        os.unlink(path)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o400)

    def link(self, path):
        os.unlink(path)
        os.symlink("/bin/true", path)

    # I-39
    def test_who_may_read_it(self):
        self.cached(program("mine"), "mine")
        d = os.stat(self.stack.path("cache"))
        self.assertEqual((d.st_uid, d.st_mode & 0o077), (0, 0), "the directory is the helper's alone")
        for name, st in self.files().items():
            self.assertTrue(stat.S_ISREG(st.st_mode) and st.st_uid == 0 and st.st_mode & 0o222 == 0, name)
            self.assertRegex(name, "^[0-9a-f]{64}$")


class Bound(CacheTest):
    """Not more on the disk than was allowed; the oldest go first."""

    LIMIT = 6 << 20

    @classmethod
    def make_stack(cls):
        return stack.Stack(sandbox={"cache_bytes": cls.LIMIT}).start()

    def test_size(self):
        codes = [program(f"number {i}") for i in range(12)]
        for i, code in enumerate(codes):
            self.cached(code, f"number {i}")
            self.assertLessEqual(sum(st.st_size for st in self.files().values()), self.LIMIT)
        self.assertTrue(self.cached(codes[-1], "number 11"))


class Without(CacheTest):

    @classmethod
    def make_stack(cls):
        return stack.Stack(sandbox={"cache_bytes": 0}).start()

    def test_no_cache(self):
        code = program("again")
        for _ in range(2):
            j = self.judge("c", code)
            self.assertEqual((j["compile"]["cached"], j["tests"][0]["stdout"]), (False, "again\n"))
        self.assertFalse(os.path.isdir(self.stack.path("cache")) and os.listdir(self.stack.path("cache")))
