/* Two at a time: System V objects, message queues, abstract and named sockets, keys.
 * judge: family=pairs invariants=I-36,I-37 causes=F pair=beside limits=wallMs:8000,cpuMs:5000
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	long began = clock_ms(), met = 0;
	int flags = argc > 1 && argv[1][0] == 'a' ? IPC_CREAT | 0666 : 0;

	while (clock_ms() < began + 800) {
		met += shmget(0x4a554447, 4096, flags) != -1;
		met += msgget(0x4a554447, flags) != -1;
		met += semget(0x4a554447, 1, flags) != -1;
		met += mq_open("/judge", flags ? O_CREAT | O_RDWR : O_RDONLY, 0666, NULL) != -1;
		met += socket(AF_UNIX, SOCK_STREAM, 0) != -1;
		if (flags) {
			int fd = shm_open("/judge-pair", O_CREAT | O_RDWR, 0666);
			close(fd);
		} else
			met += shm_open("/judge-pair", O_RDONLY, 0) != -1;
		usleep(2000);
	}
	report(met == 0, "met", "%ld times", met);
	span(began);
	return done();
}
