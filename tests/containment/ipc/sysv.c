/* System V IPC: makes, attaches and finds segments, semaphores and queues of any key.
 * judge: family=ipc invariants=I-36,I-34,I-25 causes=F
 */
#define _GNU_SOURCE
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "report.h"

int
main(void)
{
	for (int key = 0; key < 64; key++) {
		refused("shmget", shmget(key, 4096, IPC_CREAT | 0666));
		refused("semget", semget(key, 4, IPC_CREAT | 0666));
		refused("msgget", msgget(key, IPC_CREAT | 0666));
	}
	for (int id = 0; id < 64; id++) {
		struct shmid_ds s;
		if (shmat(id, NULL, SHM_RDONLY) != (void *)-1 || shmctl(id, IPC_STAT, &s) != -1 || shmctl(id, 13 /* SHM_STAT */, &s) != -1 ||
		    semctl(id, 0, GETVAL) != -1 || semctl(id, 0, IPC_RMID) != -1 || msgctl(id, IPC_RMID, NULL) != -1 || shmctl(id, IPC_RMID, NULL) != -1)
			report(0, "id", "%d is there", id);
	}
	struct msgbuf m = { 1, "x" };
	refused("msgsnd", msgsnd(0, &m, 1, IPC_NOWAIT));
	refused("msgrcv", msgrcv(0, &m, 1, 0, IPC_NOWAIT));
	refused("huge", shmget(IPC_PRIVATE, 1 << 21, IPC_CREAT | 04000 /* SHM_HUGETLB */ | 0600));
	refused("info", shmctl(0, 14 /* SHM_INFO */, (void *)&m));
	return done();
}
