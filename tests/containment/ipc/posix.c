/* POSIX queues, shared memory and semaphores: the box's own place and nowhere else.
 * judge: family=ipc invariants=I-36,I-34
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	struct stat a, b;

	refused("mq_open", mq_open("/judge", O_CREAT | O_RDWR, 0666, NULL));
	refused("mq_unlink", mq_unlink("/judge"));
	refused("mq_notify", mq_notify(0, NULL));
	int fd = shm_open("/judge", O_CREAT | O_RDWR, 0666);
	report(fd == -1 || (fstat(fd, &a) == 0 && stat("/work", &b) == 0 && a.st_dev == b.st_dev), "shm_open", "is outside of /work");
	if (fd >= 0 && ftruncate(fd, 1 << 20) == 0)
		mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sem_t *s = sem_open("/judge", O_CREAT, 0666, 1);
	report(s == SEM_FAILED || access("/work/sem.judge", F_OK) == 0, "sem_open", "is outside of /work");
	refused("mqueue", access("/dev/mqueue", F_OK));
	return done();
}
