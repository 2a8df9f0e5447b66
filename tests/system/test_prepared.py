"""Prepared files make compilers faster and change nothing: not what is made, not what is said."""
import concurrent.futures
import os
import re
import subprocess
import uuid

import stack
from suite import SystemTest

MADE = r"prepared (\S+) language=(\S+) set=(\S+) bytes=[1-9]"
USED = "compiled with prepared files"


def edit(s, name, *pairs):
    """Changes a language file of a stack that does not run."""
    path = s.path("languages", name + ".conf")
    text = stack.read(path)
    for pattern, by in pairs:
        text, n = re.subn(pattern, lambda m: by, text, flags=re.S)
        if n != 1:
            raise stack.StackError(f"{name}.conf has {n} times {pattern}")
    with open(path, "w") as f:
        f.write(text)


# A header that takes no time: what is asked here is not asked of bits/stdc++.h.
SMALL = (r'files = \[ "bits.*?"iostream\.gch", .*? \]',
         'files = [ "cstddef.gch", "#include <cstddef>\\n", "limits.h.gch", "#include <limits.h>\\n" ]')
ONE_SET = (r'sets = \[ "".*?\];', 'sets = [ "" ];')
CPP_ALONE = [(l, (r"prepare = \{.*?\n\};", "")) for l in ("java", "go")]


def only_cpp(s, *edits):
    for e in [("cpp", *edits)] + CPP_ALONE:
        edit(s, *e)


def make(bytes_="2G", prepare=None, **sandbox):
    s = stack.Stack(sandbox={"prepared_bytes": bytes_, "log_level": "debug", **sandbox}, app=stack.PATIENT)
    if prepare:
        prepare(s)
    return s


class Prepared(SystemTest):
    own_stack = True

    def log(self, s=None):
        return stack.read((s or self.stack).sandbox.log)

    def wait_made(self, n, s=None):
        stack.wait_for(f"{n} prepared files\n{self.log(s)}", lambda: len(re.findall(MADE, self.log(s))) >= n, 120, 0.05)
        return re.findall(MADE, self.log(s))

    def wait_usable(self, code, language="cpp", s=None, **members):
        """What was made is read once before it is used: until then compiles go without."""
        def used():
            before = self.log(s).count(USED)
            (s or self.stack).post({"language": language, "code": code.replace("UNIQUE", uuid.uuid4().hex), **members})
            return self.log(s).count(USED) > before
        stack.wait_for("a compile with prepared files", used, 60, 0.1)


GOOD = ['int main() { std::cout << "hello" << std::endl; }',
        'int main() { int n, s = 0; while (std::cin >> n) s += n; printf("%d\\n", s); }',
        '''using namespace std;
#define all(x) x.begin(), x.end()
struct edge { int to; long long w; bool operator<(const edge &o) const { return w > o.w; } };
int main() { vector<vector<edge>> g(3); g[0].push_back({1, 5}); g[1].push_back({2, 7}); vector<long long> d(3, LLONG_MAX);
priority_queue<edge> q; q.push({0, 0}); while (!q.empty()) { auto [v, w] = q.top(); q.pop(); if (w >= d[v]) continue; d[v] = w;
for (auto &e : g[v]) q.push({e.to, w + e.w}); } sort(all(d)); for (auto x : d) cout << x << ' '; cout << __FILE__ << ' ' << __LINE__ << ' ' << __COUNTER__ << endl; }''',
        '''int main() { try { throw std::runtime_error("x"); } catch (const std::exception &e) { std::cout << e.what() << typeid(e).name() << "\\n"; }
std::string s = "b"; std::map<std::string, int> m{{s, 1}}; std::cout << m["b"] << m.size() << std::string(3, 'x').substr(1) << std::endl; return 3; }''',
        'int main() { assert(1 == 2); }']
# What the header leaves to be instantiated: here it is used, and specialized beside.
LEFT = ['int main() { std::cout << std::to_string(4.5) << std::stoi("12") << std::stod("1e3") << std::riemann_zeta(2.0) << std::cyl_bessel_j(1.5, 2.0); }',
        '''namespace std { template<class A, class B> ostream &operator<<(ostream &o, const pair<A, B> &p) { return o << p.first << "," << p.second; }
inline string to_string(const string &s) { return s; } struct key { int a; }; template<> struct hash<key> { size_t operator()(key k) const { return k.a; } };
inline bool operator==(key x, key y) { return x.a == y.a; } }
int main() { std::pair<int, int> p{1, 2}; std::unordered_set<std::key> s{{1}, {1}}; std::cout << p << std::to_string(std::string("x")) << std::to_string(3) << s.size(); }''',
        '''#pragma GCC optimize("O3,unroll-loops")
#pragma GCC target("avx2")
int main() { std::regex r("(a+)b(c|d)*"); std::smatch m; std::string s = "xaabcd"; std::cout << std::regex_search(s, m, r) << m[1] << m.position();
std::vector<double> v(99, 1.5); std::cout << std::accumulate(v.begin(), v.end(), 0.0) << std::hypot(3.0, 4.0); }''',
        '''int main() { auto f = std::async(std::launch::async, [] { return 42; }); std::promise<void> p; auto g = p.get_future(); std::thread t([&] { p.set_value(); });
g.get(); t.join(); std::cout << f.get(); try { g.get(); } catch (const std::future_error &e) { std::cout << e.what(); } std::shared_ptr<int> q = std::make_shared<int>(5);
std::filesystem::path h = "/a/b"; h /= "c"; std::cout << h.filename() << *q << h.u8string() << std::setprecision(3) << std::hex << 255 << std::quoted("a") << std::endl; }''',
        'template class std::vector<int>; template class std::basic_string<char32_t>; int main() { std::wcout << std::to_wstring(7) << std::locale("C").name().size(); return std::u32string(3, U\'x\').size(); }']
# __TIME__ and the like would differ by themselves.
BEFORE = ['#include <bits/stdc++.h>\n', '#include <iostream>\n#include <bits/stdc++.h>\n', '// UNIQUE\n\n#include <bits/stdc++.h>\n',
          '#define int long long\n#include <bits/stdc++.h>\n#undef int\n', '#pragma GCC optimize("O3")\n#include <bits/stdc++.h>\n',
          '#define _GLIBCXX_DEBUG\n#include <bits/stdc++.h>\n', 
          'int first;\n#include <bits/stdc++.h>\n', '#include "bits/stdc++.h"\n']
BAD = ['#include <bits/stdc++.h>\nint main() { return missing; }\n',
       '#include <bits/stdc++.h>\nstruct A {};\nint main() { std::vector<A> v; std::sort(v.begin(), v.end()); std::cout << A(); }\n',
       '#include <iostream>\nint main() { std::vector<int> v; std::cout << v; }\n',
       '#include <bits/stdc++.h>\nint main() { std::cout << 1 }\n',
       '#include <bits/stdc++.h>\n#error "on purpose"\n',
       '#include <bits/stdc++.h>\n#include "nowhere.h"\nint main() {}\n',
       '#include <bits/stdc++.h>\nvoid elsewhere();\nint main() { elsewhere(); }\n',
       '#include <bits/stdc++.h>\ntemplate<int N> struct F { enum { v = F<N - 1>::v }; };\nint main() { return F<9>::v; }\n']
WARNS = ['#include <bits/stdc++.h>\nint main() { int x; std::cout << x; }\n',
         '#include <bits/stdc++.h>\nint main() { std::vector<int> v; for (int i = 0; i < v.size(); i++) ; }\n',
         '#include <iostream>\n#warning "on purpose"\nint main() {}\n']
JAVA = ['public class Code { public static void main(String[] a) { System.out.println("named otherwise"); } }',
        'public class Main { public static void main(String[] a) { System.out.println("hello"); } }',
        'import java.util.*; public class Main { public static void main(String[] a) { List<String> l = new ArrayList<>(); l.add("x"); System.out.println(l); } }',
        'public class Main { void f() { missing(); } int g() { } }', 'public class Main { String s = 5; List<String> l; }',
        'import java.util.*; public class Main { List l = new ArrayList(); public static void main(String[] a) { new Date(1, 1, 1); } }']


GO = ['package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello") }\n',
      """package main
import ("bufio"; "container/heap"; "encoding/json"; "fmt"; "math/big"; "os"; "regexp"; "sort"; "strings")
type H []int
func (h H) Len() int { return len(h) }
func (h H) Less(i, j int) bool { return h[i] < h[j] }
func (h H) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *H) Push(x any) { *h = append(*h, x.(int)) }
func (h *H) Pop() any { o := *h; x := o[len(o)-1]; *h = o[:len(o)-1]; return x }
func main() {
	var a, b int
	fmt.Fscan(bufio.NewReader(os.Stdin), &a, &b)
	h := &H{a, b}
	heap.Push(h, 0)
	sort.Ints(*h)
	j, _ := json.Marshal(*h)
	fmt.Println(string(j), big.NewInt(int64(b)), regexp.MustCompile("l+").FindString("hello"), strings.Repeat("x", b))
}
""",
      'package main\nimport "text/template"\nfunc main() { println(template.IsTrue(1)) }\n',
      'package main\nimport "fmt"\nfunc main() { fmt.Println(missing) }\n',
      'package main\nimport ("fmt"; "nowhere")\nfunc main() { }\n',
      'package main\nimport "fmt"\nfunc main() { fmt.Println("x"\n']
# Where Go comes with its archives, they are made all the same.
ANY_GO = ("go", (r'unless = ".*?";', ""))


class Same(Prepared):
    @classmethod
    def make_stack(cls):
        def prepare(s):
            edit(s, "cpp", ONE_SET)
            edit(s, *ANY_GO)
        cls.without = make(0, prepare, slots=1).start()
        return make("2G", prepare).start()

    @classmethod
    def tearDownClass(cls):
        left = cls.without.stop()
        super().tearDownClass()
        if left:
            raise AssertionError("left behind: " + "\n".join(left))

    def artifacts(self, s):
        d = s.path("cache")
        return {f: open(os.path.join(d, f), "rb").read() for f in os.listdir(d) if f != "prepared"}

    def both(self, language, code, **members):
        body = {"language": language, "code": code, **members}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = [self.check_answer(a, body) for a in pool.map(lambda s: s.post(body), (self.stack, self.without))]
        seen = []
        for j in answers:
            j["compile"]["stderr"] = re.sub(r"/tmp/cc\w{6}\.o", "OBJECT", j["compile"]["stderr"])
            seen.append(({k: j["compile"][k] for k in ("code", "signal", "killed", "stdout", "stderr", "cached")}, j["verdict"],
                         [{k: t.get(k) for k in ("code", "signal", "verdict", "stdout", "stderr")} for t in j["tests"]]))
        self.assertEqual(seen[0], seen[1], code)
        return answers[0]

    def test_the_same(self):
        self.need("cpp")
        names = {(f, l) for f, l, _ in self.wait_made(3 if "java" in self.stack.languages() else 2)}
        self.assertLessEqual({("bits/stdc++.h.gch", "cpp"), ("iostream.gch", "cpp")}, names)
        self.wait_usable("#include <bits/stdc++.h>\n// UNIQUE\nint main() {}\n")
        self.wait_usable("#include <iostream>\n// UNIQUE\nint main() {}\n")
        used = self.log().count(USED)
        tests = [{"input": "1 2 3"}]
        for before in BEFORE:
            self.both("cpp", before + GOOD[2], tests=tests)
        heads = ("#include <bits/stdc++.h>\n", "#include <iostream>\n#include <map>\n#include <cassert>\n#include <cstdio>\n"
                 "#include <stdexcept>\n#include <typeinfo>\n")
        for i, code in enumerate(GOOD):
            self.both("cpp", heads[i % 2] + code, tests=tests)
        for code in LEFT:
            self.assertEqual(self.both("cpp", "#include <bits/stdc++.h>\n" + code)["compile"]["code"], 0, code)
        self.both("cpp", '#include <bits/stdc++.h>\n#include "a.h"\nint main() { f(); }\n',
                  files=[{"name": "a.h", "content": "#pragma once\n#include <bits/stdc++.h>\nstatic void f() { std::cout << __FILE__; }\n"}])
        self.both("cpp", "#include <bits/stdc++.h>\nvoid g();\nint main() { g(); }\n",
                  files=[{"name": "g.cpp", "content": "#include <bits/stdc++.h>\nvoid g() { std::cout << 1; }\n"}])
        self.both("cpp", '#include "bits/stdc++.h"\nint main() { return OWN; }\n',
                  files=[{"name": "bits/stdc++.h", "content": "#define OWN 7\n"}])
        self.assertGreaterEqual(self.log().count(USED), used + 11)
        for code in BAD:
            j = self.both("cpp", code)
            self.assertEqual(j["verdict"], "compile_error", j)
        for code in WARNS:
            self.assertNotEqual(self.both("cpp", code, compileArgs=["-Wall", "-Wextra"])["compile"]["stderr"], "", code)
            self.both("cpp", code, compileArgs=["-Wall", "-Werror"])
        for args in (["-std=gnu++17"], ["-std=c++20"], ["-O0", "-g"], ["-std=c++11", "-std=gnu++17"], ["-D_GLIBCXX_DEBUG"]):
            self.both("cpp", "#include <bits/stdc++.h>\n" + GOOD[2].replace("auto [v, w] = q.top();", "int v = q.top().to; long long w = q.top().w;"),
                      compileArgs=args)
        self.assertGreaterEqual(len(set(self.artifacts(self.stack)) & set(self.artifacts(self.without))), 18)

    def test_header_is_its_text(self):
        """To the byte what the header's text makes, where its last line is.  Without that line GCC meets the same templates
        in another order, and may inline others of them: there, only what programs do is compared."""
        self.need("cpp")
        d = self.stack.path("header")
        os.makedirs(os.path.join(d, "bits"))
        plugin = "-fplugin=" + stack.program("judgebox-warm.so")
        text = "#include <bits/stdc++.h>\n#pragma judgebox instantiate\n"

        def gcc(source, *words):
            path = os.path.join(d, "main.cpp")
            with open(path, "w") as f:
                f.write(source)
            return subprocess.run(["/usr/bin/g++", "-std=gnu++17", "-O2", "-DONLINE_JUDGE", "-pthread", *words, path], check=True,
                                  cwd=d, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        self.assertEqual(gcc(text, plugin, "-x", "c++-header", "-o", "bits/stdc++.h.gch"), "")
        used = gcc("#include <bits/stdc++.h>\nint main() { }\n", "-isystem", ".", "-fsyntax-only", "-H")
        self.assertIn("! ./bits/stdc++.h.gch", used)
        for code in GOOD + LEFT:
            made = []
            for head, words in (("#include <bits/stdc++.h>\n", ["-isystem", "."]), (text + "#line 2\n", [plugin])):
                gcc(head + code, "-c", "-o", "main.o", *words)
                with open(os.path.join(d, "main.o"), "rb") as f:
                    made.append(f.read())
            self.assertTrue(made[0] == made[1], f"another program was made of {code}")

    def test_java(self):
        self.need("java")
        stack.wait_for("javac's archive\n" + self.log(), lambda: re.search(r"prepared javac.jsa \S+ set=default bytes=[1-9]", self.log()), 120, 0.1)
        self.wait_usable("/* UNIQUE */ public class Main { public static void main(String[] a) { } }", "java")
        self.wait_usable("/* UNIQUE */ public class Code { public static void main(String[] a) { } }", "java")
        for code in JAVA:
            self.both("java", code)
        self.both("java", JAVA[-1], compileArgs=["-Xlint:all"])

    def test_go(self):
        self.need("go")
        stack.wait_for("Go's archives\n" + self.log(),
                       lambda: re.search(r"prepared std/ language=go set=default bytes=[1-9]", self.log()), 240, 0.1)
        self.wait_usable("// UNIQUE\n" + GO[0], "go")
        before = set(self.artifacts(self.stack))
        used = self.log().count(USED)
        for code in GO:
            self.both("go", code, tests=[{"input": "3 4"}])
            self.both("go", code, tests=[{"input": "3 4"}], compileArgs=["-gcflags=-N -l"])
        self.assertGreaterEqual(self.log().count(USED), used + 2 * len(GO))
        ours, plain = self.artifacts(self.stack), self.artifacts(self.without)
        made = (set(ours) - before) & set(plain)
        self.assertGreaterEqual(len(made), 6)
        for name in made:
            self.assertTrue(ours[name] == plain[name], f"{name}: another program was made")

    def test_boxes_cannot_change_them(self):
        self.need("python")
        j = self.judge("python", "import os\n"
                       "for top, dirs, files in os.walk('/prepared'):\n"
                       "    for f in [top] + [os.path.join(top, x) for x in files]:\n"
                       "        for what in (lambda: open(f + '.x', 'w'), lambda: open(f, 'ab') if f != top else os.rmdir(f), lambda: os.unlink(f),\n"
                       "                     lambda: os.rename(f, f + 'y'), lambda: os.chmod(f, 0o777), lambda: os.utime(f)):\n"
                       "            try:\n"
                       "                what()\n"
                       "                print('did it to', f)\n"
                       "            except OSError as e:\n"
                       "                pass\n"
                       "print('end')\n")
        self.assertEqual(j["tests"][0]["stdout"], "end\n")


class Kept(Prepared):
    """On disk: whole or not at all, of this compiler, within the bound."""
    @classmethod
    def make_stack(cls):
        return make("2G", lambda s: only_cpp(s, ONE_SET, SMALL)).start()

    CODE = "#include <cstddef>\n// UNIQUE\nint main() {}\n"

    def folder(self):
        return self.stack.path("cache", "prepared")

    def restart(self, change):
        self.stack.app.stop()
        self.stack.sandbox.stop()
        os.truncate(self.stack.sandbox.log, 0)
        change()
        self.stack.sandbox.start()
        self.stack.wait_socket(self.stack.sandbox, self.stack.sandbox_settings["socket"])
        self.stack.app.start()
        self.stack.wait_ready()

    def damage(self):
        """Another byte in a file, which is as old and as long as before."""
        for d, _, files in os.walk(self.folder()):
            for f in files:
                if f == "cstddef.gch":
                    path = os.path.join(d, f)
                    st = os.stat(path)
                    with open(path, "r+b") as file:
                        file.seek(5000)
                        byte = file.read(1)
                        file.seek(5000)
                        file.write(bytes([byte[0] ^ 1]))
                    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
        os.mkdir(os.path.join(self.folder(), "stranger"))

    # I-39
    def test_one_that_changes_is_not_used(self):
        """Its digest was right when the helper looked; that is not all that is asked."""
        self.need("cpp")
        self.wait_made(2)
        self.wait_usable(self.CODE)
        made = len(re.findall(MADE, self.log()))
        self.damage()
        os.rmdir(os.path.join(self.folder(), "stranger"))
        self.judge("cpp", self.CODE.replace("UNIQUE", uuid.uuid4().hex))
        stack.wait_for("it to be removed", lambda: "prepared file cstddef.gch is removed: its content changed" in self.log())
        self.wait_made(made + 1)

    def test_restarts(self):
        self.need("cpp")
        self.wait_made(2)
        self.wait_usable(self.CODE)
        first = sorted(os.listdir(self.folder()))
        self.assertEqual(len(first), 2)
        for d, _, files in os.walk(self.folder()):
            self.assertEqual((os.stat(d).st_uid, os.stat(d).st_mode & 0o022), (0, 0))
            for f in files:
                st = os.stat(os.path.join(d, f))
                self.assertEqual((st.st_uid, st.st_mode & 0o777), (0, 0o444))
        self.restart(lambda: None)
        self.wait_usable(self.CODE)
        self.assertEqual(re.findall(MADE, self.log()), [], "made again for nothing")

        self.restart(self.damage)
        self.assertEqual([m[0] for m in self.wait_made(1)], ["cstddef.gch"])
        self.assertIn("prepared file cstddef.gch is removed: its content changed", self.log())
        self.wait_usable(self.CODE)
        self.assertEqual(sorted(os.listdir(self.folder())), first)
        self.restart(lambda: edit(self.stack, "cpp", (r"# C\+\+ with GCC\.", "# Another file.")))
        self.wait_made(2)
        self.wait_usable(self.CODE)
        second = sorted(os.listdir(self.folder()))
        self.assertEqual((len(second), set(first) & set(second)), (2, set()))


class Watched(Prepared):
    @classmethod
    def make_stack(cls):
        return make("2G", lambda s: only_cpp(s, ONE_SET, SMALL, (r"quiet = true;", f'quiet = true; of = [ "{s.path("of")}" ];'))).start()

    def test_of_one_file(self):
        """Made anew when it changes, when it comes, and not before."""
        self.need("cpp")
        self.wait_made(2)
        for n, text in ((4, "x"), (6, "xx")):
            self.wait_usable(Kept.CODE)
            self.assertEqual(len(re.findall(MADE, self.log())), n - 2, self.log())
            with open(self.stack.path("of"), "w") as f:
                f.write(text)
            self.judge("cpp", Kept.CODE.replace("UNIQUE", uuid.uuid4().hex))
            self.wait_made(n)


class Bounded(Prepared):
    @classmethod
    def make_stack(cls):
        return make(1 << 16, lambda s: only_cpp(s, ONE_SET, SMALL)).start()

    def test_no_room(self):
        self.need("cpp")
        stack.wait_for("both to be tried\n" + self.log(), lambda: "limits.h.gch language=cpp" in self.log(), 60, 0.05)
        self.assertEqual(self.judge("cpp", Kept.CODE)["verdict"], "ok")
        self.assertEqual(os.listdir(self.stack.path("cache", "prepared")), [])
        self.assertNotIn(USED, self.log())


class Broken(Prepared):
    @classmethod
    def make_stack(cls):
        bad = (SMALL[0], 'files = [ "a.gch", "#error this\\n", "b.gch", "int b;\\n" ]')
        return make("2G", lambda s: only_cpp(s, ONE_SET, bad)).start()

    def test_what_cannot_be_made(self):
        self.need("cpp")
        self.wait_made(1)
        self.assertRegex(self.log(), r"a\.gch is not prepared language=cpp exit=1")
        self.wait_usable(Kept.CODE)


class GivesWay(Prepared):
    @classmethod
    def make_stack(cls):
        return make("2G", lambda s: only_cpp(s, ONE_SET), slots=1).start()

    def test_who_waits_goes_first(self):
        self.need("cpp")
        stack.wait_for("the first to be made\n" + self.log(), lambda: "prepares bits/stdc++.h.gch" in self.log(), 30, 0.01)
        self.assertEqual(self.judge("c", "int main(void) { return 0; }")["verdict"], "ok")
        self.assertIn("gives way", self.log())
        self.wait_made(2)
