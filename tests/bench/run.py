#!/usr/bin/env python3
"""Prints what the client and the relay do in a second, as ratios: seals and opens beside what `openssl speed` gives for
their parts, queries beside the Python and the Rust client on the same relay, blobs through it, and memory.

Run it on a machine that does nothing else. As root: the clients get a network of their own, as in tests/interop.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
import prepare
from run import UNSHARE, check_namespaces
from testbed import Testbed

SIZE = 45_056
IN_FLIGHT = (1, 64)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where tests/interop keeps its clients")
    for name in ("relay", "load", "seal"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=5, help="for each figure")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        return through_the_relay(arguments)
    sealing(arguments)
    try:
        check_namespaces()
        prepare.python_client((arguments.build / "python").resolve())
        prepare.rust_client((arguments.build / "rust").resolve(), "release")
    except prepare.Unavailable as missing:
        print(f"skipped: {missing}")
        return 1
    return subprocess.run([*UNSHARE, sys.executable, *sys.argv, "--inside"]).returncode


def sealing(arguments):
    parts = openssl_speed()
    # The parts that have to be there: a key to agree with (its making costs about a signature), the agreement, a
    # signature over the hash of it all, and the encryption.
    sums = {
        "seal": 2 * parts["sign"] + parts["agree"] + parts["sha256"] + parts["aes"],
        "open": parts["verify"] + parts["agree"] + parts["sha256"] + parts["aes"],
    }
    command = [arguments.seal, "--benchmark_format=json", "--benchmark_min_time=2"]
    benchmarks = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)["benchmarks"]
    print(f"{'':22}{'a second':>10}{'per core':>10}{'of openssl speed':>18}")
    for entry in benchmarks:
        name, threads = entry["name"].split("/")[0], entry["threads"]
        per_core = 1e9 / entry["cpu_time"]  # of processor time, as openssl speed counts
        label = f"{name}, {threads} thread{'s' if threads > 1 else ''}"
        print(f"{label:22}{entry['items_per_second']:10.0f}{per_core:10.0f}{per_core * sums[name]:18.2f}")
    print(flush=True)


def openssl_speed():
    """Seconds that each part takes on one core."""

    def speed(*arguments):
        command = ["openssl", "speed", "-mr", "-seconds", "2", *arguments]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        return {line.split(":")[0]: line.split(":") for line in lines if line.startswith("+F")}

    # +F:index:name:bytes a second, +F4:index:bits:signatures:verifications a second, +F5:index:bits:agreements a second
    curve = speed("ecdsap256", "ecdhp256")
    return {
        "sign": 1 / float(curve["+F4"][3]),
        "verify": 1 / float(curve["+F4"][4]),
        "agree": 1 / float(curve["+F5"][3]),
        "sha256": SIZE / float(speed("-bytes", str(SIZE), "-evp", "sha256")["+F"][3]),
        "aes": SIZE / float(speed("-bytes", str(SIZE), "-evp", "aes-256-gcm")["+F"][3]),
    }


def through_the_relay(arguments):
    python = prepare.python_client((arguments.build / "python").resolve())
    rust = prepare.rust_client((arguments.build / "rust").resolve(), "release")
    programs = {"relay": arguments.relay.resolve(), "python": python, "rust": rust}
    with tempfile.TemporaryDirectory(prefix="spot-bench-") as work:
        bed = Testbed(pathlib.Path(work), programs)
        bed.start_relay()
        idle_relay = resident(bed.relay.pid)
        command = [arguments.load.resolve(), bed.key_directory("our-keys"), str(arguments.seconds)]
        out = subprocess.run(command, env=bed.environment, stdout=subprocess.PIPE, text=True, check=True).stdout
        ours = {name: float(number) for name, number in map(str.split, out.splitlines())}
        others = {kind: public_client(bed, kind, arguments.seconds) for kind in ("rust", "python")}
        busy_relay = resident(bed.relay.pid)
        bed.stop_relay()

    print(f"{'@/time a second':22}{'ours':>10}{'Rust':>10}{'Python':>10}{'ours/Rust':>12}{'ours/Python':>12}")
    ahead = True
    for count in IN_FLIGHT:
        rates = [ours[f"time_{count}"], others["rust"][count], others["python"][count]]
        costs = [ours[f"time_{count}_us"], others["rust"][f"{count}_us"], others["python"][f"{count}_us"]]
        ahead &= rates[0] > max(rates[1:])
        print_row(f"{count:>3} in flight", rates, [rates[0] / rate for rate in rates[1:]])
        print_row("    its client's µs", costs, [cost / costs[0] for cost in costs[1:]])
    print(f"\n{'blobs a second':22}{'stores':>10}{'fetches':>10}")
    print_row(" 64 in flight", [ours["store_64"], ours["fetch_64"]])
    print_row("    its client's µs", [ours["store_64_us"], ours["fetch_64_us"]])
    print(f"\n{'memory, MB':22}{'idle':>10}{'busy':>10}")
    print(f"{'our client':22}{ours['idle_kb'] / 1024:10.1f}{ours['busy_kb'] / 1024:10.1f}")
    print(f"{'relay':22}{idle_relay / 1024:10.1f}{busy_relay / 1024:10.1f}")
    for kind, rates in others.items():
        print(f"{kind + ' client':22}{rates['idle_kb'] / 1024:10.1f}")
    if not ahead:
        print("\nOur client is not ahead of both.")
    return 0 if ahead else 1


def print_row(name, numbers, ratios=()):
    print(f"{name:22}" + "".join(f"{n:10.0f}" for n in numbers) + "".join(f"{r:12.2f}" for r in ratios))


def public_client(bed, kind, seconds):
    peer = bed.peer(kind, f"{kind}-keys")
    try:
        rates = {"idle_kb": resident(peer.pid)}
        for count in IN_FLIGHT:
            used = processor_seconds(peer.pid)
            rates[count] = peer.call("load", in_flight=count, seconds=seconds)
            rates[f"{count}_us"] = (processor_seconds(peer.pid) - used) / (rates[count] * seconds) * 1e6
        return rates
    finally:
        peer.close()


def processor_seconds(pid):
    """Processor time that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    """Memory of a process in kB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError(f"process {pid} is gone")


if __name__ == "__main__":
    sys.exit(main())
