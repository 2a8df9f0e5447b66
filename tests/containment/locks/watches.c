/* Watches shared files and directories: inotify, fanotify, dnotify, leases, epoll on files.
 * judge: family=locks invariants=I-36,I-25 causes=F
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	int usr = open("/usr/bin", O_RDONLY), file = open("/usr/bin/env", O_RDONLY), own = open("/work/f", O_CREAT | O_RDWR, 0600);

	refused("inotify", syscall(SYS_inotify_init));
	refused("inotify1", inotify_init1(IN_CLOEXEC));
	for (int fd = 0; fd < 10; fd++)
		refused("add-watch", inotify_add_watch(fd, "/usr", IN_ALL_EVENTS));
	for (unsigned flags = 0; flags < 0x1000; flags = flags * 2 + 1)
		refused("fanotify", syscall(SYS_fanotify_init, flags, 0));
	refused("fanotify-mark", syscall(SYS_fanotify_mark, 3, 1, 1, AT_FDCWD, "/usr"));
	refused("dnotify", fcntl(usr, F_NOTIFY, DN_ACCESS | DN_MULTISHOT));
	refused("lease", fcntl(file, F_SETLEASE, F_RDLCK));
	refused("own-lease", fcntl(own, F_SETLEASE, F_WRLCK));
	refused("async", fcntl(file, F_SETOWN, getpid()));
	refused("delegation", fcntl(usr, 1024 + 16, 0));
	refused("dirent-watch", fcntl(usr, 1024 + 17, 0));
	struct epoll_event ev = { EPOLLIN, { 0 } };
	int ep = epoll_create1(0);
	refused("epoll-file", ep == -1 ? -1 : epoll_ctl(ep, EPOLL_CTL_ADD, file, &ev));
	return done();
}
