/* Asks what exists on the host, without reading it.
 * judge: family=compile invariants=I-20,I-26 causes=A
 */
#include "report.h"
#define ASK(path) report(!__has_include(path), path, "exists")
int
main(void)
{
#if __has_include("/etc/shadow") || __has_include("/proc/self/exe") || __has_include("/root/.ssh/id_rsa") || __has_include("/var/lib/dpkg/status") || __has_include("/etc/judgebox/sandbox.conf") || __has_include("/sys/kernel/notes") || __has_include("/work/../run/judgebox")
	report(0, "has_include", "sees a file of the host");
#endif
	return done();
}
