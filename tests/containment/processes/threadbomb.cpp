// Threads without end, each with a stack and its own mappings.
// judge: family=processes slice=no invariants=I-33,I-34,I-04 verdicts=ok,time_limit,memory_limit,runtime_error done=no limits=cpuMs:1500,wallMs:2500
#include <thread>
#include <vector>

int
main()
{
	std::vector<std::thread> all;

	for (;;) {
		try {
			all.emplace_back([] { for (;;) std::this_thread::yield(); });
		} catch (...) {
			std::this_thread::yield();
		}
	}
}
