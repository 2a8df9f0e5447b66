"""What the host shows of a judgebox: everything that a program could have left behind.

A Host finds the service that runs on this machine, a private stack's or an installed one's,
takes a picture when nothing runs, and says later in what the machine differs from it.
"""
import os
import re
import time

import stack

MIB = 1 << 20
# Kernel memory is freed in batches and per processor, page tables and dentries lazily:
# this much of a slot's memory may differ from its rest.  The helper's may not grow at all
# but for what its allocator keeps.
SLOT_TOLERANCE = 40 * MIB
HELPER_TOLERANCE = 4 * MIB
SANITIZER_TOLERANCE = 300 * MIB  # its quarantine keeps what was freed
CONNECTIONS = 16  # of the application
ARTIFACTS = 64    # kept in memory, sandbox/cache.c
LOG_LINES = 4000  # the kernel reports an OOM kill in a line per process, ten times in 5 s at most
SETTLE = 15.0     # until all of it must be gone, on a busy machine
REST = 60.0       # until nothing changes of itself any more
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/run/lock", "/var/crash", "/var/lib",
          "/var/lib/systemd/coredump", "/", "/root", "/home")


def add_languages(s):
    """Two more languages for a stack that is not started: compilers that are the client's own
    programs, so that what a taken-over compiler could do is tried, too."""
    for name in ("hostile", "hostiletree"):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".conf"), encoding="utf-8") as f:
            text = f.read()
        with open(s.path("languages", name + ".conf"), "w", encoding="utf-8") as f:
            f.write(text)
    return s


class Host:
    def __init__(self, helper_pid, uids, cgroup, directory=None):
        """uids: range of the slots' ids.  directory: a stack's own, scanned whole."""
        self.helper, self.uids, self.cgroup, self.directory = helper_pid, uids, cgroup, directory
        sanitized = "libasan" in stack.read(f"/proc/{helper_pid}/maps")
        self.helper_tolerance = SANITIZER_TOLERANCE if sanitized else HELPER_TOLERANCE
        self.kmsg = None
        try:
            self.kmsg = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
            os.lseek(self.kmsg, 0, os.SEEK_END)
        except OSError:
            pass

    @classmethod
    def of_stack(cls, s):
        return cls(s.sandbox.pid, range(s.uid_base, s.uid_base + stack.UIDS_PER_STACK), s.cgroup, s.dir)

    @classmethod
    def installed(cls):
        """The service of this machine, told by its configuration (SANDBOX_CONF) where there
        are several, or None if it runs elsewhere."""
        conf = os.environ.get("SANDBOX_CONF", "/etc/judgebox/sandbox.conf")
        helpers = [p for p in stack.processes().values()
                   if os.path.basename(p.exe.split(" (deleted)")[0]) == "judgebox-sandbox" and p.name != "judgebox-slot"]
        if len(helpers) > 1:
            helpers = [p for p in helpers if conf in p.cmdline]
        if len(helpers) != 1 or os.geteuid() != 0:
            return None
        text = stack.read(conf) if os.path.exists(conf) else ""

        def setting(key, default):
            m = re.search(rf'(?m)^\s*{key}\s*[=:]\s*"?([^";\s]+)', text)
            return m[1] if m else default
        base = int(setting("uid_base", "200000"))
        group = setting("cgroup", "judgebox")
        if group == "self":
            own = [l.split(":", 2) for l in stack.read(f"/proc/{helpers[0].pid}/cgroup").splitlines()]
            v2 = [path for _, names, path in own if names == ""]
            group = os.path.dirname(v2[0]).strip("/") if v2 else "judgebox"
        return cls(helpers[0].pid, range(base, base + 16 * 256), group)

    # --- one kind of thing each; what is the same before and after is no complaint ---

    def is_slot_uid(self, uid):
        return uid in self.uids

    def programs(self):
        """Processes of judged programs."""
        table = stack.processes()
        own = {p.pid: p for p in table.values() if any(map(self.is_slot_uid, p.uids))}
        own.update((p.pid, p) for p in stack.descendants([self.helper], table))
        return [p for p in own.values() if p.exe and p.state != "Z" and os.path.basename(
            p.exe.split(" (deleted)")[0]) not in ("judgebox-slot", "judgebox-sandbox")]

    def keepers(self):
        """The helper's children that have arrived: one that was just forked, to become a slot
        or to do a chore, still has the helper's own mounts."""
        own = os.stat(f"/proc/{self.helper}/ns/mnt").st_ino
        found = []
        for p in stack.processes().values():
            try:
                if p.ppid == self.helper and os.stat(f"/proc/{p.pid}/ns/mnt").st_ino != own:
                    found.append(p)
            except OSError:  # it has ended
                pass
        return found

    def mounts(self):
        """The host's mounts that are ours, and how many each slot has."""
        # a slot's own are named judgebox; other judgeboxes' directories are not our business
        words = (" judgebox ", " /run/judgebox/", "/" + self.cgroup + "/") + ((self.directory + "/",) if self.directory else ())
        found = {l.split(" ", 2)[2] for l in stack.read("/proc/self/mountinfo").splitlines()
                 if any(w in l for w in words)}
        for k in self.keepers():
            try:
                lines = stack.read(f"/proc/{k.pid}/mountinfo").splitlines()
            except OSError:
                continue
            found.add(f"a slot with {len(lines)} mounts")
        return found

    def groups(self):
        """Directories of our cgroups: slots come and go with their number only."""
        top = "/sys/fs/cgroup"
        return {os.path.join(d, n) for base, _, _ in os.walk(top) if base.endswith("/" + self.cgroup)
                for d, dirs, _ in os.walk(base) for n in dirs}

    def ipc(self):
        found = set()
        for kind in ("shm", "sem", "msg"):
            rows = [r.split() for r in stack.read(f"/proc/sysvipc/{kind}").splitlines()] \
                if os.path.exists(f"/proc/sysvipc/{kind}") else []
            for row in rows[1:]:
                cells = dict(zip(rows[0], row))
                if self.is_slot_uid(int(cells["uid"])) or self.is_slot_uid(int(cells["cuid"])):
                    found.add(f"SysV {kind} {' '.join(row)}")
        for line in stack.read("/proc/key-users").splitlines() if os.path.exists("/proc/key-users") else []:
            uid, rest = line.split(":", 1)
            if self.is_slot_uid(int(uid)):
                found.add(f"keys of {uid}: {rest.split()[2]}")
        return found

    def files(self):
        """Files with a slot's id, cores, and whatever appeared in a stack's own directory."""
        found = set()
        for place in PLACES:
            try:
                names = os.listdir(place)
            except OSError:
                continue
            for name in names:
                path = os.path.join(place, name)
                try:
                    if self.is_slot_uid(os.lstat(path).st_uid) or re.fullmatch(r"core(\.\d+)?", name):
                        found.add(path)
                except OSError:
                    pass
        for top in (self.directory, "/var/cache/judgebox", "/run/judgebox"):
            for d, dirs, files in os.walk(top) if top else []:
                found |= {os.path.join(d, f) for f in files + dirs}
        for place in {os.readlink(f"/proc/{p}/cwd") for p in (self.helper, os.getpid())}:
            found |= {os.path.join(place, n) for n in os.listdir(place) if re.fullmatch(r"core(\.\d+)?", n)}
        # what the service itself writes in the ordinary course of things
        return {f for f in found if not re.search(r"/cache/(judgebox/)?[0-9a-f/]+$|/state/|/tmp-\w+(/|$)|\.log$", f)}

    def cache_faults(self):
        """I-39: entries of the artifact cache belong to root and nobody may write them."""
        faults = []
        for top in ([os.path.join(self.directory, "cache")] if self.directory else []) + ["/var/cache/judgebox"]:
            for d, dirs, files in os.walk(top):
                for f in files:
                    st = os.lstat(os.path.join(d, f))
                    if st.st_uid != 0 or st.st_mode & 0o222 & ~0o200 or st.st_nlink != 1:
                        faults.append(f"cache entry {f} uid {st.st_uid} mode {st.st_mode:o}")
        return faults

    def group_number(self, slot_dir, *names):
        for n in names:
            try:
                return int(stack.read(os.path.join(slot_dir, n)).split()[0])
            except OSError:
                pass
        return None

    @staticmethod
    def page_cache(group):
        """What of a group's memory are pages of files on disk: whoever reads one first is
        charged for it, and it goes as soon as anybody needs the room."""
        stat = dict(l.split() for l in stack.read(os.path.join(group, "memory.stat")).splitlines())
        return int(stat.get("cache", stat.get("file", 0))) - int(stat.get("shmem", 0))

    def slot_memory(self):
        """Bytes charged to each slot at rest, without page cache."""
        found = {}
        for g in self.groups():
            if re.search(r"/slot\d+$", g):
                n = self.group_number(g, "memory.usage_in_bytes", "memory.current")
                if n is not None:
                    found[os.path.basename(g)] = n - self.page_cache(g)
        return found

    def helper_figures(self):
        # the application's workers come and go, each with a connection
        links = []
        for fd in os.listdir(f"/proc/{self.helper}/fd"):
            try:
                links.append(os.readlink(f"/proc/{self.helper}/fd/{fd}"))
            except OSError:
                pass
        sockets = sum(l.startswith("socket:") for l in links)
        files = sum(l.startswith("/memfd:") for l in links)
        return {"descriptors": len(links) - sockets - files, "sockets": sockets, "artifacts": files,
                "memory": stack.rss_kb(self.helper, "VmRSS") * 1024,
                "threads": len(os.listdir(f"/proc/{self.helper}/task"))}

    def log_lines(self):
        """Kernel messages since the last call, None where nobody may read them."""
        if self.kmsg is None:
            return None
        n = 0
        while True:
            try:
                if not os.read(self.kmsg, 8192):
                    return n
                n += 1
            except BlockingIOError:
                return n
            except OSError:  # EPIPE: overwritten while we read; they count too
                n += 1

    # --- before and after ---

    def shape(self):
        return {"mounts": self.mounts(), "groups": self.groups(), "ipc": self.ipc(), "files": self.files()}

    def picture(self):
        """What everything later is held against, so it is taken only when nothing changes any
        more: what the helper does in its idle time would else be missed ever after."""
        shape, deadline = self.shape(), time.monotonic() + REST
        while True:
            time.sleep(1)
            now = self.shape()
            if now == shape or time.monotonic() > deadline:
                break
            shape = now
        self.log_lines()
        return {**now, "memory": self.slot_memory(), "helper": self.helper_figures()}

    def differences(self, before):
        bad = [f"process left: {p}" for p in self.programs()]
        for what in ("mounts", "groups", "ipc", "files"):
            now = getattr(self, what)()
            bad += [f"{what}: {x} is new" for x in sorted(now - before[what])]
            if what in ("mounts", "groups"):
                bad += [f"{what}: {x} is gone" for x in sorted(before[what] - now)]
        for slot, n in self.slot_memory().items():
            if n > before["memory"].get(slot, 0) + SLOT_TOLERANCE:
                bad.append(f"memory of {slot}: {n >> 20} MiB, was {before['memory'].get(slot, 0) >> 20}")
        was, now = before["helper"], self.helper_figures()
        if now["memory"] > was["memory"] + self.helper_tolerance:
            bad.append(f"the helper has {now['memory'] >> 10} KiB, had {was['memory'] >> 10}")
        for what, more in (("descriptors", 0), ("threads", 0), ("sockets", CONNECTIONS), ("artifacts", ARTIFACTS)):
            if now[what] > was[what] + more:
                bad.append(f"the helper has {now[what]} {what}, had {was[what]}")
        return bad

    def look(self, before, settle=SETTLE):
        """What stays different when everything had time to end.  Returns complaints and the
        seconds it took."""
        began, pause = time.monotonic(), 0.01
        while True:
            bad = self.differences(before)
            took = time.monotonic() - began
            if not bad or took > settle:
                return bad + self.cache_faults(), took
            time.sleep(pause)
            pause = min(pause * 2, 0.5)
