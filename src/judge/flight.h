/*
 * flight - the loop that keeps the runs of one job in the air and waits for them.
 */
#ifndef JUDGE_FLIGHT_H
#define JUDGE_FLIGHT_H

#include "judge/judging.h"

/* How a stretch of judging ended. */
enum leave {
	LEAVE_NOT,     /* it goes on */
	LEAVE_LOST,    /* the connection broke; another may help */
	LEAVE_AWAY,    /* there is no helper to be had */
	LEAVE_BUSY,    /* the helper's queue is full */
	LEAVE_REFUSED, /* the helper does not want this job */
	LEAVE_GONE,    /* the client went away */
};

enum leave flight_start(struct judging *j, uint32_t test, struct err *e);
/* Waits for one round of events and deals with them. */
enum leave flight_step(struct judging *j, struct err *e);
/* Waits ms for nothing but the client to leave. */
enum leave flight_pause(const struct judging *j, int ms);
/* What was asked for with a job that is not to be: it never flew. */
void flight_take_back(struct judging *j);
/* The connection is gone: whatever flew has to fly again, or is lost for good. */
void flight_lose_all(struct judging *j, const struct err *why);
/* Kills what flies behind the first failed test. */
int flight_cancel(struct judging *j, struct err *e);

#endif
