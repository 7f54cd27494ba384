#!/usr/bin/env python3
"""Interop with the public Spot clients, unmodified, through spot-relay.

Prepares the client, then runs itself again in a network, mount and process namespace of its own: all that the tests
start and mount ends with it, whatever happens. Exit code 77: something from outside is missing (a failure if CI=true).
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import cases
import prepare
from testbed import Testbed

SKIPPED = 77


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--client", choices=("python", "rust"), required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="directory for what is downloaded and built")
    parser.add_argument("--relay", type=pathlib.Path, required=True)
    parser.add_argument("--cpp", type=pathlib.Path, required=True, help="our client, as cpp_peer")
    parser.add_argument("--prepared", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help="tests to run, such as PythonBlobs; none: all")
    arguments = parser.parse_args()
    if arguments.prepared:
        return run_cases(arguments)

    try:
        arguments.build.mkdir(parents=True, exist_ok=True)
        make = {"python": prepare.python_client, "rust": prepare.rust_client}[arguments.client]
        program = make(arguments.build.resolve())
        check_namespaces()
    except prepare.Unavailable as missing:
        required = os.environ.get("CI") == "true"
        print(f"{'failed' if required else 'skipped'}: {missing}", flush=True)
        return 1 if required else SKIPPED
    command = [*UNSHARE, sys.executable, *sys.argv, "--prepared", str(program)]
    os.execvp(command[0], command)


UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
if os.geteuid() != 0:
    UNSHARE.append("--map-root-user")


def check_namespaces():
    for tool in ("unshare", "ip", "openssl"):
        if shutil.which(tool) is None:
            raise prepare.Unavailable(f"{tool} is not installed")
    if os.spawnvp(os.P_WAIT, UNSHARE[0], [*UNSHARE, "true"]) != 0:
        raise prepare.Unavailable("cannot make a network namespace: run as root")


def run_cases(arguments):
    programs = {
        "relay": arguments.relay.resolve(),
        "cpp": arguments.cpp.resolve(),
        arguments.client: arguments.prepared,
    }
    with tempfile.TemporaryDirectory(prefix="spot-interop-") as work:
        bed = cases.BED = Testbed(pathlib.Path(work), programs)
        bed.start_relay()
        load = unittest.defaultTestLoader
        if arguments.names:
            suite = load.loadTestsFromNames(arguments.names, cases)
        else:
            suite = unittest.TestSuite(map(load.loadTestsFromTestCase, cases.CLASSES[arguments.client]))
        result = unittest.TextTestRunner(verbosity=2).run(suite)
        code = bed.stop_relay()
        if code != 0 or not result.wasSuccessful():
            print(f"The relay ended with {code}; the end of its log:\n{bed.relay_log()}", file=sys.stderr)
        return 0 if code == 0 and result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
