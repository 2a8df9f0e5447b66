/*
 * probe - a program that tries what a box must refuse, and says what it got.
 *
 * It is judgebox-slot under another name, so that nothing more is installed.  It writes
 * "breach NAME" for each thing that was not refused and at last "held"; then it makes a
 * call as another architecture's, which must be its end.
 */
#ifndef SANDBOX_PROBE_H
#define SANDBOX_PROBE_H

#define PROBE_NAME "judgebox-probe"
#define PROBE_HELD "held\n"

int probe_main(void);

#endif
