/*
 * expose - the metrics as text, in the formats that monitoring systems read.
 */
#ifndef OBSERVE_EXPOSE_H
#define OBSERVE_EXPOSE_H

#include <stdbool.h>

#include "base/buf.h"

enum expose_format { EXPOSE_OPENMETRICS, EXPOSE_PROMETHEUS, EXPOSE_INFLUX, EXPOSE_MAX_ };

/* "openmetrics", "prometheus" (its text format 0.0.4, for the textfile collector of
 * node_exporter) or "influx"; false: none of them. */
bool expose_named(const char *name, enum expose_format *out);
const char *expose_content_type(enum expose_format f);

/* Values of labels that were never counted are left out; rows without labels never.
 * OpenMetrics ends with "# EOF"; lines of InfluxDB have no time stamp, so that they get
 * the one of their arrival. */
void expose_write(enum expose_format f, struct buf *out);

#endif
