"""Starts a program that ends when we end: ``python -I leash.py PARENT SIGNAL USER PROGRAM [ARGUMENT…]``.

Run as a script, before anything of ours is imported: it asks the kernel to send SIGNAL to this process
when the thread that started it dies (PR_SET_PDEATHSIG, prctl(2)), and becomes PROGRAM.

USER is ``-``, or the name of the account to run as when we are root (PostgreSQL refuses to be root). It keeps
one capability, to pass over file permissions, because the installation may lie in root's home.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def become(user: str) -> None:
    """Give up being root, except for passing over file permissions where the kernel lets us keep that."""
    entry = pwd.getpwnam(user)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    bit = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable; then the high words
    if libc.capset(header, sets) == 0:
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)
    os.environ["HOME"] = "/"


def die_with_parent(parent: int, number: int) -> None:
    """Receive the signal ``number`` when the parent dies, also when it died before we asked."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    """Become the program named on the command line."""
    parent, number, user, *command = sys.argv[1:]
    if user != "-":
        become(user)
    if sys.platform == "linux":
        die_with_parent(int(parent), int(number))  # after ``become``: changing the account clears it
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(command[0], command)  # noqa: S606 - the command is ours, there is no shell


if __name__ == "__main__":
    main()
