/*
 * cpus - the processors that the helper may use.  They need not be numbered from 0 on:
 * cpusets, processors taken offline and hyper-threads that are switched off leave gaps.
 */
#ifndef SANDBOX_CPUS_H
#define SANDBOX_CPUS_H

/* How many there are, 1 at least. */
unsigned cpus_count(void);

/* The number of the n-th; they begin anew where there are no more. */
unsigned cpus_nth(unsigned n);

#endif
