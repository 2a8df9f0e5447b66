/*
 * incident - what a job did that belongs into the audit trail: its events, each a record,
 * and with the first of them the sources as evidence, where it brought them.
 */
#ifndef STORE_INCIDENT_H
#define STORE_INCIDENT_H

#include "store/db.h"
#include "store/record.h"

/* What omitted.h has no room for is counted only.  In a transaction of the caller. */
int incident_record(struct db *d, const struct record *r, struct err *e);

#endif
