/* status - the figures that are true only when somebody looks. */
#ifndef API_STATUS_H
#define API_STATUS_H

#include "api/api.h"

/* Sets them: those of the helper, and how many workers there are. */
void status_measure(const struct api *api);

#endif
