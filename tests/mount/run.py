#!/usr/bin/env python3
"""Real mounts, used by real tools: one suite of tests in a network, mount and process namespace of its own, so that all
that it starts and mounts ends with it, whatever happens.

Exit code 77: something is missing on this machine (a failure if CI=true).
"""

import argparse
import importlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))
import bed
import prepare

SKIPPED = 77
SUITES = {"pjdfstest": "0.2.2", "fsx": "0.3.2"}
SUITES_OF_TESTS = ("tools", "files", "suites", "writers", "crashes", "load", "life", "relay", "lies", "cache", "writeback", "ctl", "blob", "control", "talk", "endpoints", "queries", "groups", "guide", "listen", "doctor", "mount8", "python", "rust")
TOOLS = ("unshare", "ip", "openssl", "setpriv", "tar", "rsync", "dd", "fusermount3", "findmnt")
TOOLS_OF = {
    "doctor": ("script",),
    "load": ("dbench", "fio", "stress-ng", "vim"),
    "endpoints": ("dash", "busybox", "zsh", "mksh", "ksh93", "perl", "curl", "wget", "socat"),
    "queries": ("ps",),
}
UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--suite", choices=SUITES_OF_TESTS, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="directory for what is downloaded and built")
    parser.add_argument("--spotfs", type=pathlib.Path, required=True)
    parser.add_argument("--relay", type=pathlib.Path, required=True)
    parser.add_argument("--cpp", type=pathlib.Path, help="the C++ peer of tests/interop")
    for name in ("python", "rust", *SUITES):
        parser.add_argument(f"--{name}", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help="tests to run, such as Tools.test_tar; none: all")
    arguments = parser.parse_args()
    if arguments.inside:
        return run_suite(arguments)

    more = []
    try:
        if arguments.suite in ("endpoints", "queries") and not arguments.cpp:
            raise prepare.Unavailable("the suite needs --cpp")
        check_machine(TOOLS + TOOLS_OF.get(arguments.suite, ()))
        if arguments.suite == "python":
            arguments.build.mkdir(parents=True, exist_ok=True)
            more = ["--python", prepare.python_client(arguments.build.resolve())]
        if arguments.suite == "rust":
            arguments.build.mkdir(parents=True, exist_ok=True)
            more = ["--rust", prepare.rust_client(arguments.build.resolve())]
        if arguments.suite == "suites":
            arguments.build.mkdir(parents=True, exist_ok=True)
            for crate, version in SUITES.items():
                more += [f"--{crate}", prepare.cargo_program(arguments.build.resolve(), crate, version)]
    except prepare.Unavailable as missing:
        required = os.environ.get("CI") == "true"
        print(f"{'failed' if required else 'skipped'}: {missing}", flush=True)
        return 1 if required else SKIPPED
    command = [*UNSHARE, sys.executable, *sys.argv, "--inside", *map(str, more)]
    os.execvp(command[0], command)


def check_machine(tools):
    for tool in tools:
        if shutil.which(tool) is None:
            raise prepare.Unavailable(f"{tool} is not installed")
    if os.geteuid() != 0:
        raise prepare.Unavailable("not root: only root can make the namespaces that these tests mount in")
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        raise prepare.Unavailable(f"/dev/fuse: {error.strerror}") from None
    if os.spawnvp(os.P_WAIT, UNSHARE[0], [*UNSHARE, "true"]) != 0:
        raise prepare.Unavailable("cannot make a network, mount and process namespace here")


def run_suite(arguments):
    # A shell starts what it runs in the background with SIGINT ignored, and every program that is started here would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    programs = {"relay": arguments.relay.resolve(), "spotfs": arguments.spotfs.resolve()}
    if arguments.cpp:
        programs["cpp"] = arguments.cpp.resolve()
    programs |= {name: getattr(arguments, name) for name in ("python", "rust", *SUITES)}
    with tempfile.TemporaryDirectory(prefix="spotfs-mount-") as work:
        cases = importlib.import_module(f"{arguments.suite}_cases")
        bed.BED = cases.BED = bed.Bed(pathlib.Path(work), programs)
        load = unittest.defaultTestLoader
        suite = load.loadTestsFromNames(arguments.names, cases) if arguments.names else load.loadTestsFromModule(cases)
        result = unittest.TextTestRunner(verbosity=2).run(suite)
        bed.BED.close()
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
