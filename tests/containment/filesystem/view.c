/* What the box shows of the file system, and where one may write.
 * judge: family=filesystem invariants=I-26,I-41 causes=A,E verdicts=ok
 * judge: limits=cpuMs:20000,wallMs:40000 slice=no
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "report.h"

static const char *const top[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc",
	"dev", "tmp", "work", NULL };
static const char *const etc[] = { "passwd", "group", "nsswitch.conf", "hosts", "ld.so.cache",
	"alternatives", "localtime", "java-17-openjdk",
	"java-21-openjdk", "java-25-openjdk", NULL };
static const char *const absent[] = { "/proc/self", "/proc/1", "/sys/kernel", "/root", "/home", "/var", "/run",
	"/boot", "/mnt", "/srv", "/opt", "/media", "/etc/shadow", "/etc/ssh", "/etc/hostname", "/etc/machine-id",
	"/etc/resolv.conf", "/etc/judgebox", "/etc/ssl/private", "/dev/mqueue", "/dev/tty", "/dev/ptmx",
	"/dev/pts", "/dev/kmsg", "/dev/fuse", "/dev/kvm", "/dev/mem", "/dev/net", "/dev/vda", "/dev/sda",
	"/dev/loop0", "/dev/fd", "/dev/stdin", "/.dockerenv", "/old", "/.old", NULL };

static int
listed(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return 1;
	return 0;
}

static void
check_names(const char *dir, const char *const *allowed)
{
	DIR *d = opendir(dir);
	struct dirent *en;

	if (d == NULL) {
		report(0, dir, "cannot be listed: %s", strerror(errno));
		return;
	}
	while ((en = readdir(d)) != NULL)
		if (strcmp(en->d_name, ".") != 0 && strcmp(en->d_name, "..") != 0 &&
		    !listed(allowed, en->d_name))
			report(0, dir, "shows %s", en->d_name);
	closedir(d);
	report(1, dir, "");
}

static unsigned long seen;

static int
visit(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)f;
	seen++;
	if (strncmp(path, "/work", 5) == 0 || strncmp(path, "/tmp", 4) == 0)
		return 0;
	if (type == FTW_SL || S_ISCHR(st->st_mode))
		return 0;
	if (S_ISBLK(st->st_mode))
		report(0, "walk", "%s is a block device", path);
	if (S_ISSOCK(st->st_mode) || S_ISFIFO(st->st_mode))
		report(0, "walk", "%s is a socket or a pipe", path);
	if (access(path, W_OK) == 0)
		report(0, "walk", "%s may be written", path);
	if (S_ISDIR(st->st_mode) && access(path, W_OK) != 0 && errno != EROFS && errno != EACCES &&
	    errno != ENOENT && errno != ELOOP)
		report(0, "walk", "%s: %s", path, strerror(errno));
	return 0;
}

static void
check_flags(const char *path, unsigned long must, unsigned long must_not)
{
	struct statvfs v;

	if (statvfs(path, &v) == -1) {
		report(0, path, "statvfs: %s", strerror(errno));
		return;
	}
	report((v.f_flag & must) == must && (v.f_flag & must_not) == 0, path, "has mount flags %#lx, wants %#lx and not %#lx",
	    v.f_flag, must, must_not);
}

static void
check_creating(const char *dir)
{
	char name[128];

	snprintf(name, sizeof(name), "%s/.breach", dir);
	int fd = open(name, O_CREAT | O_WRONLY, 0600);
	report(fd == -1, dir, "let a file be created");
	report(mkdir(name, 0700) == -1, dir, "let a directory be created");
	report(open(dir, O_TMPFILE | O_WRONLY, 0600) == -1, dir, "let an unnamed file be created");
	report(symlink("/", name) == -1, dir, "let a link be created");
	report(chmod(dir, 0777) == -1, dir, "let its mode be changed");
	report(rename(dir, "/work/moved") == -1, dir, "let itself be moved");
}

static void
check_root(void)
{
	struct stat a, b;

	for (int i = 0; i < 100; i++)
		if (chdir("..") == -1)
			break;
	stat(".", &a);
	stat("/", &b);
	report(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "dot-dot", "leads out of the root");
	report(stat("/..", &a) == 0 && a.st_ino == b.st_ino, "parent-of-root", "is not the root");
}

int
main(void)
{
	static const char *const dirs[] = { "/", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/etc", "/dev", "/bin", NULL };

	check_names("/", top);
	check_names("/etc", etc);
	for (int i = 0; absent[i]; i++) {
		struct stat st;
		report(lstat(absent[i], &st) == -1, absent[i], "exists");
	}
	check_root();
	for (int i = 0; dirs[i]; i++)
		check_creating(dirs[i]);
	check_flags("/", ST_RDONLY | ST_NOSUID, 0);
	check_flags("/usr", ST_RDONLY | ST_NOSUID | ST_NODEV, 0);
	check_flags("/etc", ST_RDONLY | ST_NOSUID, 0);
	check_flags("/dev", ST_RDONLY | ST_NOSUID, 0);
	check_flags("/work", ST_NOSUID | ST_NODEV, ST_RDONLY);
	check_flags("/tmp", ST_NOSUID | ST_NODEV, ST_RDONLY);
	nftw("/", visit, 64, FTW_PHYS);
	report(seen > 100, "walk", "saw only %lu names", seen);

	FILE *f = fopen("/etc/passwd", "r");
	int lines = 0;
	for (char line[256]; f && fgets(line, sizeof(line), f);)
		lines++;
	report(lines <= 4, "passwd", "names %d users", lines);
	return done();
}
