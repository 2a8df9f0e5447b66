#include "sandbox/creds.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "sandbox/raw.h"

/*
 * NO_SETUID_FIXUP must stay off: it is what empties the capability sets when the box's
 * uid is taken (capabilities(7), "Effect of user ID changes on capabilities").
 */
#define SECUREBITS                                                                       \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |                \
	    SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

struct caps {
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct data[2];
};

static int
set_caps(uint64_t keep, struct err *e)
{
	struct caps c = { .head = { _LINUX_CAPABILITY_VERSION_3, 0 } };
	struct caps now = { .head = { _LINUX_CAPABILITY_VERSION_3, 0 } };

	for (unsigned i = 0; i < 2; i++)
		c.data[i].permitted = c.data[i].effective = (uint32_t)(keep >> (32 * i));
	if (syscall(SYS_capset, &c.head, c.data) == -1)
		return err_sys(e, "capset");
	if (syscall(SYS_capget, &now.head, now.data) == -1)
		return err_sys(e, "capget");
	if (memcmp(c.data, now.data, sizeof(c.data)) != 0)
		return err_set(e, ERR_BUG, "capabilities did not stay as set");
	return 0;
}

static int
empty_bounding_set(struct err *e)
{
	if (JB_FAULT(BOUNDING_SET))
		return 0;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1)
			return err_sys(
			    e, "drop capability %d from the bounding set", cap);
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 0)
			return err_set(
			    e, ERR_BUG, "capability %d stayed in the bounding set", cap);
	}
	return 0;
}

int
creds_reduce(uint64_t keep, struct err *e)
{
	if (empty_bounding_set(e) == -1)
		return -1;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1)
		return err_sys(e, "clear the ambient capabilities");
	if (!JB_FAULT(SECUREBITS) &&
	    (prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0) == -1 ||
		prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != SECUREBITS))
		return err_sys(e, "set the securebits");
	if (!JB_FAULT(LAUNCHER_CAPS) && set_caps(keep, e) == -1)
		return -1;
	if (JB_FAULT(NO_NEW_PRIVS))
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return err_sys(e, "set no_new_privs");
	return 0;
}

long
creds_become(unsigned uid, unsigned gid)
{
	struct caps c = { .head = { _LINUX_CAPABILITY_VERSION_3, 0 } };
	unsigned r = 0, ef = 0, s = 0;

	if (JB_FAULT(BOX_UID))
		return 0;
	long ret = raw_call(SYS_setresgid, gid, gid, gid, 0, 0);
	if (ret == 0)
		ret = raw_call(SYS_setresuid, uid, uid, uid, 0, 0);
	if (ret != 0)
		return ret;
	ret = raw_call(SYS_capget, &c.head, c.data, 0, 0, 0);
	if (ret != 0)
		return ret;
	for (unsigned i = 0; i < 2; i++)
		if ((c.data[i].permitted | c.data[i].effective | c.data[i].inheritable) !=
		    0)
			return -EPERM;
	ret = raw_call(SYS_getresuid, &r, &ef, &s, 0, 0);
	if (ret == 0 && (r != uid || ef != uid || s != uid))
		return -EPERM;
	return ret;
}
