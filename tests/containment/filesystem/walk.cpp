// What std::filesystem sees from the root: nothing of the host, nothing writable.
// judge: family=filesystem invariants=I-26,I-27 limits=cpuMs:10000,wallMs:30000 slice=no
#include <filesystem>
#include <fstream>
#include <string>

#include "report.h"

namespace fs = std::filesystem;

int
main()
{
	std::error_code ec;
	unsigned long n = 0;

	for (auto it = fs::recursive_directory_iterator("/", fs::directory_options::skip_permission_denied, ec); it != fs::end(it); it.increment(ec)) {
		std::string path = it->path().string();
		auto kind = it->symlink_status(ec).type();

		n++;
		if (path.rfind("/work", 0) == 0 || path.rfind("/tmp", 0) == 0)
			continue;
		if (kind == fs::file_type::socket || kind == fs::file_type::fifo || kind == fs::file_type::block)
			report(0, "special", "%s", path.c_str());
		if (path.find("judgebox") != std::string::npos && path.find("/usr/") != 0)
			report(0, "judgebox", "%s", path.c_str());
		if (n % 97 == 0 && kind == fs::file_type::regular && std::ofstream(path, std::ios::app).is_open())
			report(0, "writable", "%s", path.c_str());
	}
	report(n > 1000, "walk", "saw %lu names", n);
	report(fs::is_empty("/usr/local", ec) || !fs::exists("/usr/local"), "local", "is not empty");
	fs::remove_all("/usr/lib", ec);
	fs::remove_all("/etc", ec);
	report(fs::exists("/usr/lib/x86_64-linux-gnu") && fs::exists("/etc/passwd"), "remove-all", "removed something");
	fs::create_symlink("/etc", "/work/e", ec);
	fs::permissions("/etc/passwd", fs::perms::all, ec);
	report((bool)ec, "permissions", "changed");
	return done();
}
