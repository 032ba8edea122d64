"""The system calls that a program under test may make, as a seccomp program for the kernel."""

import platform
import re
import struct

_X86_64 = """
accept4=288 access=21 alarm=37 arch_prctl=158 brk=12 capget=125 chdir=80 chmod=90 clock_getres=229 clock_gettime=228
clock_nanosleep=230 clone=56 clone3=435 close=3 close_range=436 copy_file_range=326 creat=85 dup=32 dup2=33 dup3=292
epoll_create=213 epoll_create1=291 epoll_ctl=233 epoll_pwait=281 epoll_pwait2=441 epoll_wait=232 eventfd=284
eventfd2=290 execve=59 execveat=322 exit=60 exit_group=231 faccessat=269 faccessat2=439 fadvise64=221 fallocate=285
fchdir=81 fchmod=91 fchmodat=268 fcntl=72 fdatasync=75 flock=73 fork=57 fstat=5 fstatfs=138 fsync=74 ftruncate=77
futex=202 get_robust_list=274 getcpu=309 getcwd=79 getdents=78 getdents64=217 getegid=108 geteuid=107 getgid=104
getgroups=115 getitimer=36 getpeername=52 getpgid=121 getpgrp=111 getpid=39 getppid=110 getpriority=140
getrandom=318 getresgid=120 getresuid=118 getrlimit=97 getrusage=98 getsid=124 getsockname=51 getsockopt=55
gettid=186 gettimeofday=96 getuid=102 inotify_init1=294 ioctl=16 kill=62 lchown=94 link=86 linkat=265 lseek=8
lstat=6 madvise=28 membarrier=324 mincore=27 mkdir=83 mkdirat=258 mlock=149 mmap=9 mprotect=10 mremap=25 msync=26
munlock=150 munmap=11 nanosleep=35 newfstatat=262 open=2 openat=257 openat2=437 pause=34 pipe=22 pipe2=293 poll=7
ppoll=271 prctl=157 pread64=17 preadv=295 preadv2=327 prlimit64=302 pselect6=270 pwrite64=18 pwritev=296
pwritev2=328 read=0 readahead=187 readlink=89 readlinkat=267 readv=19 recvfrom=45 recvmmsg=299 recvmsg=47 rename=82
renameat=264 renameat2=316 restart_syscall=219 rmdir=84 rseq=334 rt_sigaction=13 rt_sigpending=127 rt_sigprocmask=14
rt_sigqueueinfo=129 rt_sigreturn=15 rt_sigsuspend=130 rt_sigtimedwait=128 sched_get_priority_max=146
sched_get_priority_min=147 sched_getaffinity=204 sched_getparam=143 sched_getscheduler=145 sched_rr_get_interval=148
sched_setaffinity=203 sched_yield=24 select=23 sendfile=40 sendmmsg=307 sendmsg=46 sendto=44 set_robust_list=273
set_tid_address=218 setitimer=38 setpgid=109 setpriority=141 setrlimit=160 setsid=112 setsockopt=54 shutdown=48
sigaltstack=131 signalfd=282 signalfd4=289 socketpair=53 splice=275 stat=4 statfs=137 statx=332 symlink=88
symlinkat=266 sync_file_range=277 sysinfo=99 tee=276 tgkill=234 time=201 timer_create=222 timer_delete=226
timer_getoverrun=225 timer_gettime=224 timer_settime=223 timerfd_create=283 timerfd_gettime=287 timerfd_settime=286
times=100 tkill=200 truncate=76 umask=95 uname=63 unlink=87 unlinkat=263 utime=132 utimensat=280 utimes=235 vfork=58
wait4=61 waitid=247 write=1 writev=20
"""
_AARCH64 = """
accept4=242 brk=214 capget=90 chdir=49 clock_getres=114 clock_gettime=113 clock_nanosleep=115 clone=220 clone3=435
close=57 close_range=436 copy_file_range=285 dup=23 dup3=24 epoll_create1=20 epoll_ctl=21 epoll_pwait=22
epoll_pwait2=441 eventfd2=19 execve=221 execveat=281 exit=93 exit_group=94 faccessat=48 faccessat2=439 fadvise64=223
fallocate=47 fchdir=50 fchmod=52 fchmodat=53 fcntl=25 fdatasync=83 flock=32 fstat=80 fstatfs=44 fsync=82
ftruncate=46 futex=98 get_robust_list=100 getcpu=168 getcwd=17 getdents64=61 getegid=177 geteuid=175 getgid=176
getgroups=158 getitimer=102 getpeername=205 getpgid=155 getpid=172 getppid=173 getpriority=141 getrandom=278
getresgid=150 getresuid=148 getrlimit=163 getrusage=165 getsid=156 getsockname=204 getsockopt=209 gettid=178
gettimeofday=169 getuid=174 inotify_init1=26 ioctl=29 kill=129 linkat=37 lseek=62 madvise=233 membarrier=283
mincore=232 mkdirat=34 mlock=228 mmap=222 mprotect=226 mremap=216 msync=227 munlock=229 munmap=215 nanosleep=101
newfstatat=79 openat=56 openat2=437 pipe2=59 ppoll=73 prctl=167 pread64=67 preadv=69 preadv2=286 prlimit64=261
pselect6=72 pwrite64=68 pwritev=70 pwritev2=287 read=63 readahead=213 readlinkat=78 readv=65 recvfrom=207
recvmmsg=243 recvmsg=212 renameat=38 renameat2=276 restart_syscall=128 rseq=293 rt_sigaction=134 rt_sigpending=136
rt_sigprocmask=135 rt_sigqueueinfo=138 rt_sigreturn=139 rt_sigsuspend=133 rt_sigtimedwait=137
sched_get_priority_max=125 sched_get_priority_min=126 sched_getaffinity=123 sched_getparam=121
sched_getscheduler=120 sched_rr_get_interval=127 sched_setaffinity=122 sched_yield=124 sendfile=71 sendmmsg=269
sendmsg=211 sendto=206 set_robust_list=99 set_tid_address=96 setitimer=103 setpgid=154 setpriority=140 setrlimit=164
setsid=157 setsockopt=208 shutdown=210 sigaltstack=132 signalfd4=74 socketpair=199 splice=76 statfs=43 statx=291
symlinkat=36 sync_file_range=84 sysinfo=179 tee=77 tgkill=131 timer_create=107 timer_delete=111 timer_getoverrun=109
timer_gettime=108 timer_settime=110 timerfd_create=85 timerfd_gettime=87 timerfd_settime=86 times=153 tkill=130
truncate=45 umask=166 uname=160 unlinkat=35 utimensat=88 wait4=260 waitid=95 write=64 writev=66
"""
# What the Python interpreter, threads, processes and files need. Left out: sockets other than pairs, tracing, other
# processes' memory, mounts, namespaces, keys, bpf, io_uring, memory files, System V objects, clocks that can be set.

_ARCHITECTURES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_FORBIDDEN_BITS = {"clone": 0x7E020000, "prlimit64": 0xFFFFFFFF}
"""Bits that must be zero in a call's first argument: clone makes no new namespace (all CLONE_NEW* flags), and
prlimit64 names no process but the caller (0)."""

_LOAD, _AND, _JEQ, _JGT, _JGE, _RETURN = 0x20, 0x54, 0x15, 0x25, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in `struct seccomp_data`; the low half of the first argument on a little-endian machine."""


class FilterUnavailable(RuntimeError):
    """The filter is not known for this processor."""


def program(machine: str | None = None) -> bytes:
    """The filter as an array of `struct sock_filter`: listed calls are allowed, others fail with EPERM.

    `clone3` does not exist, so that the C library falls back to `clone`.
    Raises `FilterUnavailable` on a processor other than x86-64 and arm64.
    """
    machine = machine or platform.machine()
    if machine not in _ARCHITECTURES:
        raise FilterUnavailable(f"no system-call filter for {machine}")
    architecture, table = _ARCHITECTURES[machine]
    numbers = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", table)}
    clone3 = numbers.pop("clone3")
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JEQ, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JEQ, 0, 1, clone3),
        (_RETURN, 0, 0, _ERRNO | _ENOSYS),
    ]
    for name, forbidden in _FORBIDDEN_BITS.items():
        code += [
            (_JEQ, 0, 5, numbers.pop(name)),
            (_LOAD, 0, 0, _FIRST_ARGUMENT),
            (_AND, 0, 0, forbidden),
            (_JEQ, 0, 1, 0),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _ERRNO | _EPERM),
        ]
    for first, last in _ranges(sorted(numbers.values())):
        code += [(_JGE, 0, 2, first), (_JGT, 1, 0, last), (_RETURN, 0, 0, _ALLOW)]
    code.append((_RETURN, 0, 0, _ERRNO | _EPERM))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
