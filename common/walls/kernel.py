"""The kernel's interfaces for shutting a process in: no_new_privs, seccomp and Landlock. Nothing else knows them.

Light to import: `common.launcher` loads it on the way to every walled program.
"""

import ctypes
import errno
import os
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all the rest
    from collections.abc import Iterable, Mapping

PR_SET_NO_NEW_PRIVS = 38
PR_GET_SECCOMP, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 21, 22, 2
SECCOMP, SET_FILTER, AS_FAST = (317, 277), 1, 4
# Before Linux 5.16 a filtered process was slowed down by what keeps a script from reading the memory of its own
# process, unless it asked for `AS_FAST`. All that is in this memory is the stranger's own file.

# seccomp: a program of classic BPF that sees the number and the arguments of every system call

LOAD, EQUAL, AT_LEAST, HAS_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, MACHINE, ARGUMENT = 0, 4, 16
"Where they stand in what the filter sees; the first argument, its lower half."
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
X32 = 0x40000000
"Numbers from here on are those of another set of calls of x86-64, which nobody uses."
CLONE_THREAD = 0x10000

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"Kinds of processors there is a filter for, as the kernel numbers them."
REFUSED: "Mapping[str, tuple[int | None, int | None]]" = {
    # the network, and other processes by it
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "bind": (49, 200),
    "listen": (50, 201),
    "socketpair": (53, 199),
    "accept4": (288, 242),
    "sendmmsg": (307, 269),
    # it makes calls that no filter sees
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # processes of its own
    "fork": (57, None),
    "vfork": (58, None),
    # other processes of the same user
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    # Files under other names: what a step has written is read again by whoever runs it. Rights, owners and
    # attributes are what Landlock does not guard.
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "link": (86, None),
    "linkat": (265, 37),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "open_by_handle_at": (304, 265),
    # the machine, where the process is root
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    # parts of the kernel in which holes are found most often
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
"Calls that are refused as not permitted: their numbers on x86-64 and aarch64, None where there is no such call."
CLONE, CLONE3, KILLS, PRLIMIT = (56, 220), (435, 435), ((62, 129), (234, 131)), (302, 261)
"Calls that are refused in part: `clone3` is said not to exist, after which C libraries use `clone`."

# Landlock: which files, by the folders they lie in

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_DIR, MAKE_REG = 1 << 7, 1 << 8
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"Rights that may be given for a single file."
LIST = READ_DIR
READ = READ_FILE | READ_DIR | EXECUTE
WRITE = READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | MAKE_DIR | MAKE_REG | REMOVE_DIR | REMOVE_FILE
USE = READ_FILE | READ_DIR | WRITE_FILE | IOCTL_DEV
"Of the files of a device."
RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"Rights to files that a version of Landlock knows: so many bits, from this version on."
NETWORK, SCOPES = (4, 0b11), (6, 0b11)
"The version that came with it, and all of it: binding and connecting; abstract sockets and signals."
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"System calls; the same numbers everywhere."
VERSION, PATH_BENEATH = 1, 1

_libc = ctypes.CDLL(None, use_errno=True)


class WallMissing(OSError):
    """The kernel has not a wall that must be there."""


def enclose(rights: "Mapping[str, int]") -> None:
    """Shuts in this process and what it becomes, for good. `rights` has those to files, by path.

    Raises `WallMissing` if there is no filter of system calls. Without Landlock it goes on without rules for files.
    """
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise WallMissing(ctypes.get_errno(), "no_new_privs cannot be set")
    version = landlock_version()
    if version:
        _restrict_files(rights, version)
    _restrict_calls(refusals(os.uname().machine, os.getpid()))


def landlock_version() -> int:
    """The version of Landlock that the kernel has for us; 0: none."""
    return max(0, int(_libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION))))


def has_filter() -> bool:
    """True if the kernel has filters of system calls, and we one for this kind of processor."""
    return os.uname().machine in MACHINES and sys.maxsize > 2**32 and _libc.prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0


def refusals(machine: str, process: int) -> bytes:
    """The filter of system calls of a process, for one kind of processor. Raises `WallMissing` if we have none.

    It takes as long as one comparison: the kernel remembers which calls are always allowed.
    """
    if machine not in MACHINES:
        raise WallMissing(errno.ENOSYS, f"there is no filter of system calls for {machine}")
    column = list(MACHINES).index(machine)
    refuse, ends = _return(REFUSE | errno.EPERM), _return(ALLOW)
    program = [_load(MACHINE), _if(EQUAL, MACHINES[machine], 1, 0), _return(KILL), _load(NUMBER)]
    program += [_if(AT_LEAST, X32, 0, 1), refuse]
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            program += [_if(EQUAL, number, 0, 1), refuse]
    program += [_if(EQUAL, CLONE3[column], 0, 1), _return(REFUSE | errno.ENOSYS)]
    # Threads, but no processes.
    program += [_if(EQUAL, CLONE[column], 0, 4), _load(ARGUMENT), _if(HAS_BIT, CLONE_THREAD, 1, 0), refuse, ends]
    for kill in KILLS:  # signals to nobody else
        program += [_if(EQUAL, kill[column], 0, 4), _load(ARGUMENT), _if(EQUAL, process, 1, 0), refuse, ends]
    # Nor limits of anybody else; 0 is the process itself.
    program += [_if(EQUAL, PRLIMIT[column], 0, 5), _load(ARGUMENT), _if(EQUAL, 0, 2, 0)]
    program += [_if(EQUAL, process, 1, 0), refuse, ends]
    return b"".join([*program, ends])


def _load(offset: int) -> bytes:
    return struct.pack("=HBBI", LOAD, 0, 0, offset)


def _if(test: int, value: int, then: int, otherwise: int) -> bytes:
    """Leaves out so many instructions."""
    return struct.pack("=HBBI", test, then, otherwise, value)


def _return(what: int) -> bytes:
    return struct.pack("=HBBI", RETURN, 0, 0, what)


def _restrict_calls(program: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    given = Program(len(program) // 8, program)
    number = SECCOMP[list(MACHINES).index(os.uname().machine)]
    if not _libc.syscall(number, ctypes.c_uint(SET_FILTER), ctypes.c_uint(AS_FAST), ctypes.byref(given)):
        return
    # Kernels before 4.17 do not know the flag.
    if _libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(given), 0, 0):
        raise WallMissing(ctypes.get_errno(), "the kernel takes no filter of system calls")


def _restrict_files(rights: "Mapping[str, int]", version: int) -> None:
    """Takes away every right to files but these, and what else this version of Landlock guards."""
    known = (1 << max(bits for since, bits in RIGHTS.items() if since <= version)) - 1
    guarded = [known]
    for since, everything in (NETWORK, SCOPES):
        if version >= since:
            guarded.append(everything)
    attributes = struct.pack(f"={len(guarded)}Q", *guarded)
    rules = _landlock(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    for path, wanted in rights.items():
        _allow(rules, path, wanted & known)
    _landlock(RESTRICT_SELF, rules, ctypes.c_uint32(0))
    os.close(rules)


def _allow(rules: int, path: str, wanted: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        single = not os.path.isdir(path)
        rule = struct.pack("=Qi", wanted & OF_FILES if single else wanted, place)
        _landlock(ADD_RULE, rules, ctypes.c_int(PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(place)


def _landlock(call: int, *arguments: object) -> int:
    done = int(_libc.syscall(call, *arguments))
    if done < 0:
        raise WallMissing(ctypes.get_errno(), f"Landlock refuses: {os.strerror(ctypes.get_errno())}")
    return done


def call(name: str, *arguments: object) -> int:
    """Makes one of the calls that are refused; below 0, `last_error` says why it failed."""
    number = REFUSED[name][list(MACHINES).index(os.uname().machine)]
    return int(_libc.syscall(number, *arguments))


def last_error() -> int:
    return ctypes.get_errno()


def words_of(rights: "Mapping[str, int]") -> "list[str]":
    """The rights as words of a command line."""
    return [f"{path}={right}" for path, right in rights.items()]


def rights_of(words: "Iterable[str]") -> "dict[str, int]":
    """The opposite of `words_of`."""
    return {path: int(right) for path, _, right in (word.rpartition("=") for word in words)}
