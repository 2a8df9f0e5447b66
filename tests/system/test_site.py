"""judgebox below a path of a site that was there before."""
import os

import client
import stack
from suite import SystemTest

SITE = """
server {
	listen 127.0.0.1:%d;
	root %s;
	default_type text/html;
	error_page 404 /mine.html;
	error_page 413 /mine.html;
	location = /mine.html { internal; }
	location /api/ { return 200 "the site's own api"; }
	location ~ \\.php$ { return 200 "the site's own php"; }
%s
}
"""


class Snippet(SystemTest):
    own_stack = True

    @classmethod
    def make_stack(cls):
        s = stack.Stack(app={"workers": 3})
        cls.port = s.free_port()
        os.mkdir(s.path("site"), 0o755)
        for name, text in (("index.html", "home"), ("mine.html", "not here, says the site")):
            with open(s.path("site", name), "w") as f:
                f.write(text)
        text = stack.read(s.path("nginx.conf")).rstrip()
        with open(s.path("nginx.conf"), "w") as f:
            f.write(text.removesuffix("}") + SITE % (
                cls.port, s.path("site"), s.nginx_file("judgebox-snippet.conf")) + "}\n")
        return s.start()

    def get(self, path, **more):
        return client.request(self.port, "GET", path, **more)

    def test_judges(self):
        self.need("python")
        for path in ("/judgebox/api/run", "/judgebox/api/run/", "/judgebox/run", "/judgebox//api/run?x=y"):
            a = client.post(self.port, path, {"language": "python", "code": "print(6 * 7)",
                                              "tests": [{"input": "", "expected": "42"}]})
            self.assertEqual(a.status, 200, a)
            self.assertEqual(a.json["verdict"], "accepted")
            self.assertTrue(a.headers["x-request-id"])

    def test_everything_else_of_the_service(self):
        self.assertEqual(self.get("/judgebox/readyz").json["status"], "ready")
        self.assertIn("languages", self.get("/judgebox/api/languages").json)
        self.assertEqual(self.get("/judgebox/").json["name"], "judgebox")
        self.assertIn(b"judgebox_requests_total", self.get("/judgebox/metrics").body)
        self.assertIn(b"judgebox_requests,", self.get("/judgebox/metrics?format=influx").body)
        self.check_refusal(self.get("/judgebox/nothing"), 404, "not_found")
        self.check_refusal(self.get("/judgebox/judgebox/readyz"), 404, "not_found")
        self.check_refusal(self.get("/judgebox/x.php"), 404, "not_found")
        self.check_refusal(self.get("/judgebox/api/run"), 405, "method_not_allowed")

    def test_answers_of_nginx_have_our_shape(self):
        a = client.post(self.port, "/judgebox/api/run", b"x" * (2 << 20))
        self.check_refusal(a, 413, "body_too_large")
        self.assertTrue(a.headers["content-type"].startswith("application/json"), a.headers)

    def test_the_site_stays_as_it_was(self):
        for path, status, body in (("/", 200, b"home"), ("/api/run", 200, b"the site's own api"),
                                   ("/x.php", 200, b"the site's own php"),
                                   ("/nothing", 404, b"not here, says the site"),
                                   ("/judgeboxes/", 404, b"not here, says the site"),
                                   ("/.judgebox/502", 404, b"not here, says the site")):
            a = self.get(path)
            self.assertEqual((a.status, a.body), (status, body), path)
            self.assertNotIn("x-request-id", a.headers)
        self.assertEqual(self.get("/judgebox").status, 301)  # to /judgebox/, as for a directory
        self.assertIn("nginx/", self.get("/").headers["server"])

    def test_out_of_the_prefix_by_no_way(self):
        for path in ("/judgebox/../api/run", "/judgebox/%2e%2e/api/run"):
            self.assertEqual(self.get(path).body, b"the site's own api", path)

    def test_service_away(self):
        self.stack.app.stop()
        try:
            a = self.get("/judgebox/readyz")
            self.check_refusal(a, 502, "unavailable")
            self.assertEqual(self.get("/").body, b"home")
        finally:
            self.stack.app.start()
            stack.wait_for("the service", lambda: self.get("/judgebox/readyz").status == 200)
