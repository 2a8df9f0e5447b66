/* notify - tells the service manager how we are (sd_notify(3), without libsystemd). */
#ifndef APP_NOTIFY_H
#define APP_NOTIFY_H

/* "READY=1"; nothing happens if nobody asked (NOTIFY_SOCKET). */
void notify_send(const char *state);
/* RELOADING=1 needs the time with it. */
void notify_reloading(void);

#endif
