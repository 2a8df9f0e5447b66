/*
 * expose - the metrics as text, in the two formats that monitoring systems read.
 */
#ifndef OBSERVE_EXPOSE_H
#define OBSERVE_EXPOSE_H

#include <stdbool.h>

#include "base/buf.h"

enum expose_format { EXPOSE_OPENMETRICS, EXPOSE_INFLUX, EXPOSE_MAX_ };

/* "openmetrics" or "influx"; false: neither. */
bool expose_named(const char *name, enum expose_format *out);
const char *expose_content_type(enum expose_format f);

/* Values of labels that were never counted are left out; rows without labels never.
 * OpenMetrics ends with "# EOF"; lines of InfluxDB have no time stamp, so that they get
 * the one of their arrival. */
void expose_write(enum expose_format f, struct buf *out);

#endif
