#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

int
fd_write_all(int fd, const void *data, size_t len, struct err *e)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "write %zu bytes", len);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
fd_pread_all(int fd, void *data, size_t len, uint64_t offset, struct err *e)
{
	char *p = data;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "read %zu bytes", len);
		if (n == 0)
			return err_set(
			    e, ERR_BAD_INPUT, "file ends %zu bytes early", len);
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int
fd_write_from(int fd, int from, uint64_t offset, uint64_t len, struct err *e)
{
	off_t at = (off_t)offset;

	while (len > 0) {
		ssize_t n = sendfile(fd, from, &at, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "copy %llu bytes", (unsigned long long)len);
		if (n == 0)
			return err_set(e, ERR_BAD_INPUT, "a file to be copied shrank");
		len -= (uint64_t)n;
	}
	return 0;
}

int
fd_seal(int fd, struct err *e)
{
	scope_fd own = fd;
	char path[64];

	if (fcntl(own, F_ADD_SEALS, SEALS) == -1)
		return err_sys(e, "seal memfd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", own);
	int ro = open(path, O_RDONLY | O_CLOEXEC);
	if (ro == -1)
		return err_sys(e, "reopen memfd read-only");
	return ro;
}

int
fd_memfd_new(const char *name, struct err *e)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | MFD_EXEC);

	if (fd == -1 && errno == EINVAL) /* before Linux 6.3 all of them are executable */
		fd = memfd_create(name, flags);
	if (fd == -1)
		return err_sys(e, "memfd_create %s", name);
	return fd;
}

int
fd_memfd(const char *name, const void *data, size_t len, struct err *e)
{
	scope_fd fd = fd_memfd_new(name, e);
	if (fd == -1)
		return -1;

	if (fd_write_all(fd, data, len, e) == -1)
		return err_wrap(e, "%s", name);
	return fd_seal(take_fd(&fd), e);
}

int
fd_check_sealed(int fd, uint64_t max_bytes, uint64_t *size, struct err *e)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);
	int seals = fcntl(fd, F_GET_SEALS);

	if (flags == -1 || (flags & O_ACCMODE) != O_RDONLY || (flags & O_PATH) != 0)
		return err_set(e, ERR_PROTO, "descriptor is not read-only");
	if (seals == -1 || (seals & SEALS) != SEALS)
		return err_set(e, ERR_PROTO, "descriptor is not a sealed memory file");
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_PROTO, "descriptor is not a regular file");
	if ((uint64_t)st.st_size > max_bytes)
		return err_set(e, ERR_OVER_LIMIT,
		    "memory file of %lld bytes, %llu allowed", (long long)st.st_size,
		    (unsigned long long)max_bytes);
	*size = (uint64_t)st.st_size;
	return 0;
}

int
fd_check_pipe_writer(int fd, struct err *e)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (fstat(fd, &st) == -1 || !S_ISFIFO(st.st_mode))
		return err_set(e, ERR_PROTO, "descriptor is not a pipe");
	if (flags == -1 || (flags & O_ACCMODE) != O_WRONLY)
		return err_set(
		    e, ERR_PROTO, "descriptor is not the writing end of a pipe");
	return 0;
}

void
fd_close_all(int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
};

int
fd_send(
    int sock, const void *msg, size_t len, const int *fds, unsigned nfds, struct err *e)
{
	/* sendmsg(2) only reads from it; the member is not const for recvmsg's sake */
	struct iovec iov = { .iov_base = (void *)(uintptr_t)msg, .iov_len = len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control c = { 0 };

	if (nfds > FD_PASS_MAX)
		return err_set(e, ERR_BUG, "%u descriptors in one message", nfds);
	if (nfds > 0) {
		h.msg_control = c.bytes;
		h.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		struct cmsghdr *m = CMSG_FIRSTHDR(&h);
		m->cmsg_level = SOL_SOCKET;
		m->cmsg_type = SCM_RIGHTS;
		m->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(m), fds, sizeof(int) * nfds);
	}
	ssize_t n;
	do
		n = sendmsg(sock, &h, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EPIPE || errno == ECONNRESET))
		return err_set(e, ERR_GONE, "peer closed the socket");
	if (n == -1 && errno == EAGAIN)
		return err_set(e, ERR_BUSY, "peer does not read");
	if (n == -1)
		return err_sys(e, "sendmsg");
	return 0;
}

static unsigned
take_passed(struct msghdr *h, int fds[FD_PASS_MAX])
{
	unsigned n = 0;

	for (struct cmsghdr *m = CMSG_FIRSTHDR(h); m != NULL; m = CMSG_NXTHDR(h, m)) {
		if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_RIGHTS)
			continue;
		size_t k = (m->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < k && n < FD_PASS_MAX; i++)
			memcpy(&fds[n++], CMSG_DATA(m) + i * sizeof(int), sizeof(int));
	}
	return n;
}

long
fd_recv(
    int sock, void *msg, size_t size, int fds[FD_PASS_MAX], unsigned *nfds, struct err *e)
{
	struct iovec iov = { .iov_base = msg, .iov_len = size };
	union control c = { 0 };
	struct msghdr h = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = c.bytes,
		.msg_controllen = sizeof(c.bytes) };
	unsigned resets = 0;
	ssize_t n;

	*nfds = 0;
	/* a peer that did not read all of ours leaves a reset before its own last words;
	 * it comes once */
	do
		n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC);
	while (n == -1 && (errno == EINTR || (errno == ECONNRESET && resets++ == 0)));
	if (n == -1 && errno == ECONNRESET)
		return err_set(e, ERR_GONE, "peer closed the socket");
	if (n == -1 && errno == EAGAIN)
		return err_set(e, ERR_BUSY, "nothing to read");
	if (n == -1)
		return err_sys(e, "recvmsg");

	unsigned got = take_passed(&h, fds);
	if (n == 0) { /* or a datagram without a byte, which may carry descriptors */
		fd_close_all(fds, got);
		return err_set(e, ERR_GONE, "peer closed the socket");
	}
	if ((h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		fd_close_all(fds, got);
		return err_set(e, ERR_PROTO, "message or descriptors cut off");
	}
	*nfds = got;
	return n;
}
