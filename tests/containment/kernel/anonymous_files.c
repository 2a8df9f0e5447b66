/* Files without a name: memfd, secret memory, huge pages, and programs executed from them.
 * judge: family=kernel invariants=I-25,I-33 causes=H
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	for (unsigned flags = 0; flags < 32; flags++)
		refused("memfd", syscall(SYS_memfd_create, "x", flags));
	refused("secret", syscall(447, 0));
	/* the host's pool of huge pages is charged to nobody */
	for (int shift = 0; shift < 2; shift++) {
		void *p = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (shift ? 21 << 26 : 0), -1, 0);
		report(p == MAP_FAILED && errno != ENOMEM, "huge-page", "%s", p == MAP_FAILED ? "only for want of them" : "had");
	}
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	report(p == MAP_FAILED, "locked", "memory");
	refused("mlock", mlock(&p, 8));
	refused("mlock2", syscall(SYS_mlock2, &p, 8, 1));
	refused("mlockall", mlockall(3));
	int fd = open("/work", O_TMPFILE | O_RDWR, 0700);
	static const char script[] = "#!/bin/sh\necho BREACH\n";
	if (fd >= 0 && write(fd, script, sizeof(script) - 1) > 0)
		refused("exec-tmpfile", syscall(SYS_execveat, fd, "", (char *[]){ "x", NULL }, NULL, AT_EMPTY_PATH));
	refused("seals", fcntl(0, F_ADD_SEALS, 0));
	return done();
}
