#include "sandbox/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/inner.h"
#include "sandbox/wire/bundle.h"

#define ROOT     "/tmp" /* where the new root is built: every machine has it */
#define SENTINEL 1      /* seconds after the epoch: no write can happen then */

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* glibc 2.36 knows the call, older ones do not; sys/mount.h and linux/mount.h differ. */
struct attributes {
	uint64_t set, clear, propagation, userns;
};
#define ATTR_RDONLY 0x1
#define ATTR_NOSUID 0x2
#define ATTR_NODEV  0x4
#define ATTR_NOEXEC 0x8

static int
set_attributes(const char *path, unsigned flags, uint64_t set, struct err *e)
{
	struct attributes a = { .set = set & ~((JB_FAULT(READ_ONLY) ? ATTR_RDONLY : 0) |
						 (JB_FAULT(NOSUID) ? ATTR_NOSUID : 0)) };

	if (syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &a, sizeof(a)) == -1)
		return err_sys(e, "mount_setattr %s", path);
	return 0;
}

static int
in_root(char *out, size_t size, const char *path, struct err *e)
{
	int n = snprintf(out, size, "%s%s", ROOT, path);

	if (n < 0 || (size_t)n >= size)
		return err_set(e, ERR_BAD_INPUT, "path %.60s… is too long", path);
	return 0;
}

static int
make_dir(const char *path, struct err *e)
{
	char full[512];

	if (in_root(full, sizeof(full), path, e) == -1)
		return -1;
	if (mkdir(full, 0755) == -1 && errno != EEXIST)
		return err_sys(e, "mkdir %s", path);
	return 0;
}

/* Every directory above `path`, which begins with '/'. */
static int
make_parents(const char *path, struct err *e)
{
	char part[512];

	for (const char *s = strchr(path + 1, '/'); s != NULL; s = strchr(s + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(s - path), path);
		if (make_dir(part, e) == -1)
			return -1;
	}
	return 0;
}

static int
make_file(const char *path, const char *text, struct err *e)
{
	char full[512];

	if (in_root(full, sizeof(full), path, e) == -1)
		return -1;
	scope_fd fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd == -1)
		return err_sys(e, "create %s", path);
	return fd_write_all(fd, text, strlen(text), e);
}

/* Shows the host's `path` (file or directory) in the new root, at the same place. */
static int
show(const char *path, uint64_t attributes, struct err *e)
{
	struct stat st;
	char full[512];

	if (stat(path, &st) == -1)
		return err_sys(e, "stat %s", path);
	if (make_parents(path, e) == -1)
		return -1;
	if ((S_ISDIR(st.st_mode) ? make_dir(path, e) : make_file(path, "", e)) == -1)
		return -1;
	if (in_root(full, sizeof(full), path, e) == -1)
		return -1;
	/* recursive: submounts are locked to their parent in a user namespace */
	if (mount(path, full, NULL, MS_BIND | MS_REC, NULL) == -1)
		return err_sys(e, "bind %s", path);
	return set_attributes(full, AT_RECURSIVE, attributes, e);
}

static int
show_read_only(const char *path, struct err *e)
{
	if (access(path, F_OK) == -1)
		return 0; /* a machine without it needs it not */
	return show(path, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, e);
}

/* /bin, /lib64 …: a link into /usr on merged systems, a directory on older ones. */
static int
show_top(const char *path, struct err *e)
{
	char target[256], full[300];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n == -1)
		return show_read_only(path, e);
	target[n] = '\0';
	if (in_root(full, sizeof(full), path, e) == -1)
		return -1;
	if (symlink(target, full) == -1)
		return err_sys(e, "link %s", path);
	return 0;
}

static int
build_base(struct err *e)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return err_sys(e, "make / private");
	if (mount("judgebox", ROOT, "tmpfs", MS_NOSUID,
		"size=1m,nr_inodes=512,mode=0755") == -1)
		return err_sys(e, "mount the root tmpfs");
	return 0;
}

static int
build_system(struct err *e)
{
	static const char *const tops[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64",
		"/libx32" };

	if (show_read_only("/usr", e) == -1)
		return -1;
	for (unsigned i = 0; i < sizeof(tops) / sizeof(tops[0]); i++)
		if (show_top(tops[i], e) == -1)
			return -1;
	/* what the site installed by hand is not the distribution's, and none of a box's
	 */
	if (!JB_FAULT(LOCAL) && access(ROOT "/usr/local", F_OK) == 0 &&
	    mount("judgebox", ROOT "/usr/local", "tmpfs",
		MS_NOSUID | MS_NODEV | MS_RDONLY, "size=0,nr_inodes=2,mode=0755") == -1)
		return err_sys(e, "cover /usr/local");
	return 0;
}

static int
build_etc(const struct words *paths, struct err *e)
{
	static const struct {
		const char *path, *text;
	} files[] = {
		{ "/etc/passwd", "root:x:0:0:root:/:/usr/sbin/nologin\n"
				 "box:x:1000:1000:box:/work:/usr/sbin/nologin\n" },
		{ "/etc/group", "root:x:0:\nbox:x:1000:\n" },
		{ "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n" },
		{ "/etc/hosts", "127.0.0.1 localhost box\n" },
	};

	if (make_dir("/etc", e) == -1)
		return -1;
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (make_file(files[i].path, files[i].text, e) == -1)
			return -1;
	if (show_read_only("/etc/ld.so.cache", e) == -1 ||
	    show_read_only("/etc/alternatives", e) == -1)
		return -1;
	for (const char *p = words_next(paths, NULL); p != NULL; p = words_next(paths, p))
		if (show_read_only(p, e) == -1)
			return -1;
	return 0;
}

static int
build_dev(struct err *e)
{
	static const char *const nodes[] = { "/dev/null", "/dev/zero", "/dev/full",
		"/dev/random", "/dev/urandom" };

	if (JB_FAULT(DEV))
		return show("/dev", ATTR_NOSUID, e);
	if (make_dir("/dev", e) == -1)
		return -1;
	for (unsigned i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		struct stat st;

		if (stat(nodes[i], &st) == -1 || !S_ISCHR(st.st_mode) ||
		    major(st.st_rdev) != 1)
			return err_set(
			    e, ERR_SYS, "%s is not the memory device", nodes[i]);
		/* read-only: its data may still be written, its times may not, which
		 * every box would see */
		if (show(nodes[i], ATTR_RDONLY | ATTR_NOSUID | ATTR_NOEXEC, e) == -1)
			return -1;
	}
	if (symlink("/work", ROOT "/dev/shm") == -1)
		return err_sys(e, "link /dev/shm");
	return 0;
}

/* The helper left us in it.  By its path we could not get there: root's cache is closed
 * to whoever is root of a slot only. */
static int
build_prepared(struct err *e)
{
	scope_fd fd = (int)syscall(SYS_open_tree, AT_FDCWD, "",
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (fd == -1)
		return err_sys(e, "open_tree " INNER_PREPARED_DIR);
	if (make_dir(INNER_PREPARED_DIR, e) == -1)
		return -1;
	if (syscall(SYS_move_mount, fd, "", AT_FDCWD, ROOT INNER_PREPARED_DIR,
		MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return err_sys(e, "mount " INNER_PREPARED_DIR);
	return set_attributes(ROOT INNER_PREPARED_DIR, 0,
	    ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC, e);
}

static int
enter_root(struct err *e)
{
	if (make_dir("/work", e) == -1)
		return -1;
	if (symlink("work", ROOT "/tmp") == -1)
		return err_sys(e, "link /tmp");
	if (JB_FAULT(PROC) && show("/proc", ATTR_NOSUID, e) == -1)
		return -1;
	if (chdir(ROOT) == -1)
		return err_sys(e, "chdir to the new root");
	/* pivot_root(2): with both arguments ".", the old root lies on top of the new one
	 */
	if (syscall(SYS_pivot_root, ".", ".") == -1)
		return err_sys(e, "pivot_root");
	if (umount2(".", MNT_DETACH) == -1)
		return err_sys(e, "unmount the old root");
	if (chdir("/") == -1)
		return err_sys(e, "chdir /");
	return set_attributes("/", 0, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, e);
}

static int
check_root(struct err *e)
{
	struct stat here, up;

	if (stat("/", &here) == -1 || stat("/..", &up) == -1)
		return err_sys(e, "stat /");
	if (here.st_dev != up.st_dev || here.st_ino != up.st_ino)
		return err_set(e, ERR_BUG, "/.. is not /");
	if ((!JB_FAULT(PROC) && access("/proc/self", F_OK) == 0) ||
	    access("/sys/kernel", F_OK) == 0 || access("/root", F_OK) == 0 ||
	    access("/home", F_OK) == 0)
		return err_set(e, ERR_BUG, "the old root shows through");
	return 0;
}

int
mounts_build_root(const struct words *paths, bool prepared, struct err *e)
{
	if (build_base(e) == -1 || build_system(e) == -1 || build_etc(paths, e) == -1 ||
	    build_dev(e) == -1 || (prepared && build_prepared(e) == -1) ||
	    enter_root(e) == -1 || check_root(e) == -1)
		return err_wrap(e, "root");
	return 0;
}

/* --- /work ----------------------------------------------------------------------------
 */

static int
write_entry(int work, int bundle, const struct bundle_entry *en, struct err *e)
{
	char part[PATH_NAME_MAX + 1], block[65536];

	for (const char *s = strchr(en->name, '/'); s != NULL; s = strchr(s + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(s - en->name), en->name);
		if (mkdirat(work, part, 0755) == -1 && errno != EEXIST)
			return err_sys(e, "mkdir %s", part);
	}
	scope_fd fd = openat(
	    work, en->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (fd == -1)
		return err_sys(e, "create %s", en->name);
	for (uint64_t done = 0; done < en->size;) {
		uint64_t n = en->size - done;

		if (n > sizeof(block))
			n = sizeof(block);
		if (fd_pread_all(bundle, block, n, en->offset + done, e) == -1 ||
		    fd_write_all(fd, block, n, e) == -1)
			return err_wrap(e, "%s", en->name);
		done += n;
	}
	return 0;
}

struct content {
	int bundle; /* -1: none */
	struct bundle_entry *entries;
	uint32_t count;
};

/* What lies in /work already takes nothing from the box's own share of it: else a job
 * with large files and a small limit would break its slot instead of itself. */
static void
add_room(const struct content *c, uint64_t *bytes, uint64_t *inodes)
{
	for (uint32_t i = 0; i < c->count; i++) {
		*bytes += (c->entries[i].size + 4095) & ~(uint64_t)4095;
		*inodes += 1;
		for (const char *s = c->entries[i].name; *s != '\0'; s++)
			*inodes += *s == '/';
	}
}

static int
fill_work(const struct content *c, struct err *e)
{
	struct timespec sentinel[2] = { { SENTINEL, 0 }, { SENTINEL, 0 } };

	scope_fd work = open("/work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work == -1)
		return err_sys(e, "open /work");
	for (uint32_t i = 0; i < c->count; i++)
		if (write_entry(work, c->bundle, &c->entries[i], e) == -1)
			return -1;
	/* whose directory it is not, he may not mark it: then each box has a new one */
	if (futimens(work, sentinel) == -1 && !JB_FAULT(WORK_STICKY))
		return err_sys(e, "mark /work");
	return 0;
}

int
mounts_drop_work(struct err *e)
{
	if (umount2("/work", MNT_DETACH) == -1 &&
	    errno != EINVAL) /* EINVAL: not mounted */
		return err_sys(e, "unmount /work");
	return 0;
}

static int
mount_work(const struct content *c, uint64_t bytes, uint64_t inodes, struct err *e)
{
	char options[96];

	/* a tmpfs of size 0 would be unlimited: one page is the smallest */
	if (bytes < 4096)
		bytes = 4096;
	add_room(c, &bytes, &inodes);
	if (JB_FAULT(WORK_SIZE))
		bytes = 1 << 30;
	if (JB_FAULT(WORK_INODES))
		inodes = 1 << 20;
	snprintf(options, sizeof(options),
	    "size=%" PRIu64 ",nr_inodes=%" PRIu64 ",mode=1777", bytes, inodes);
	if (JB_FAULT(WORK_STICKY))
		snprintf(options + strlen(options), sizeof(options) - strlen(options),
		    ",uid=%d,gid=%d", INNER_BOX_ID, INNER_BOX_ID);
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME;
	if (JB_FAULT(WORK_NOEXEC))
		flags &= ~(unsigned long)MS_NOEXEC;
	if (mount("judgebox", "/work", "tmpfs", flags, options) == -1)
		return err_sys(e, "mount /work");
	return fill_work(c, e);
}

int
mounts_new_work(int bundle, uint64_t bytes, unsigned inodes, struct err *e)
{
	struct content c = { .bundle = bundle };
	int r = 0;

	if (mounts_drop_work(e) == -1)
		return -1;
	if (bundle >= 0)
		r = bundle_open(bundle, &c.entries, &c.count, e);
	if (r == 0)
		r = mount_work(&c, bytes, inodes, e);
	free(c.entries);
	return r == 0 ? 0 : err_wrap(e, "/work");
}

int
mounts_allow_libraries(struct err *e)
{
	if (mount(NULL, "/work", NULL,
		MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOATIME, NULL) == -1)
		return err_sys(e, "remount /work");
	return 0;
}

bool
mounts_work_untouched(void)
{
	struct stat st;

	return stat("/work", &st) == 0 && st.st_mtim.tv_sec == SENTINEL &&
	       st.st_mtim.tv_nsec == 0 && st.st_mode == (S_IFDIR | 01777);
}
