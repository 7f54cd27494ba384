"""Random operations on a tree: each is done with a path or two below a root, and a number that makes contents unique.
The same ones give the same answers on every filesystem."""

import ctypes
import errno
import os

NAMES = [b"a", b"b", b"c", b"d" * 255, b"\xff\n", "ü".encode()]
LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2


def rename_with(flags, one, other):
    if LIBC.renameat2(AT_FDCWD, one, AT_FDCWD, other, flags) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def create(one, _, number):
    with open(one, "xb") as file:
        file.write(b"%d " % number * (number % 20_000))


def write(one, _, number):
    descriptor = os.open(one, os.O_WRONLY)
    try:
        return os.pwrite(descriptor, b"%d" % number, number % 100_000)
    finally:
        os.close(descriptor)


def append(one, _, number):
    # Python's own "ab" would make the file.
    descriptor = os.open(one, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        return os.write(descriptor, b"%d" % number)
    finally:
        os.close(descriptor)


def truncate(one, _, number):
    os.truncate(one, number % 100_000)


def mkdir(one, _, number):
    os.mkdir(one, number & 0o777 | 0o700)


def rmdir(one, *_):
    os.rmdir(one)


def unlink(one, *_):
    os.unlink(one)


def link(one, other, _):
    os.link(one, other, follow_symlinks=False)


def symlink(one, other, _):
    os.symlink(os.path.basename(one), other)


def rename(one, other, _):
    os.rename(one, other)


def exchange(one, other, _):
    rename_with(RENAME_EXCHANGE, one, other)


def chmod(one, _, number):
    os.chmod(one, number & 0o777 | (0o700 if os.path.isdir(one) else 0o600))


def read(one, *_):
    with open(one, "rb") as file:
        return file.read()


ALL = [create, create, write, append, truncate, mkdir, mkdir, rmdir, unlink, link, symlink, rename, rename, rename,
       exchange, chmod, read]  # fmt: skip


def choose(chance, operations=ALL, names=NAMES):
    """An operation, two paths and a number."""
    paths = [b"/".join(chance.choice(names) for _ in range(chance.choice((1, 1, 2, 2, 3)))) for _ in range(2)]
    return chance.choice(operations), paths, chance.getrandbits(32)


def do(root, operation, paths, number):
    """What it gives, or the name of its error."""
    try:
        return operation(*(os.path.join(root, path) for path in paths), number)
    except OSError as error:
        return errno.errorcode[error.errno]
