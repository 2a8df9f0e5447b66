/* notify - tells the service manager how we are (sd_notify(3), without libsystemd). */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdint.h>

/* "READY=1"; nothing happens if nobody asked (NOTIFY_SOCKET). */
void notify_send(const char *state);
/* RELOADING=1 needs the time with it. */
void notify_reloading(void);

/* How often it wants to hear "WATCHDOG=1": half of what it waits; 0: never. */
uint64_t notify_watchdog_us(void);

#endif
