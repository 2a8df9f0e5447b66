/*
 * fd - whole reads and writes, sealed memory files, messages with descriptors.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FD_PASS_MAX 8

int fd_write_all(int fd, const void *data, size_t len, struct err *e);
/* Reads exactly len bytes at offset; fewer is an error. */
int fd_pread_all(int fd, void *data, size_t len, uint64_t offset, struct err *e);
/* Writes so many bytes of another file, from offset on; the kernel copies them, once. */
int fd_write_from(int fd, int from, uint64_t offset, uint64_t len, struct err *e);

/* An empty memory file, open for reading and writing, that may be sealed and executed. */
int fd_memfd_new(const char *name, struct err *e);
/* A memory file that nobody, its maker included, can change again (memfd_create(2),
 * F_SEAL_*); the descriptor returned is read-only and a description of its own. */
int fd_memfd(const char *name, const void *data, size_t len, struct err *e);
/* Seals a memfd that was filled by hand and returns a read-only descriptor; closes fd.
 * Needs /proc. */
int fd_seal(int fd, struct err *e);
/* Is it a read-only description of a fully sealed memory file of at most max bytes? */
int fd_check_sealed(int fd, uint64_t max_bytes, uint64_t *size, struct err *e);
int fd_check_pipe_writer(int fd, struct err *e);

/* One SOCK_SEQPACKET datagram and its descriptors (unix(7), SCM_RIGHTS).
 * fd_recv returns its length, or -1: ERR_GONE at end of file, ERR_BUSY when a
 * non-blocking socket has nothing.  Descriptors arrive CLOEXEC; on failure none is open.
 */
int fd_send(
    int sock, const void *msg, size_t len, const int *fds, unsigned nfds, struct err *e);
long fd_recv(int sock, void *msg, size_t size, int fds[FD_PASS_MAX], unsigned *nfds,
    struct err *e);

void fd_close_all(int *fds, unsigned n);

#endif
