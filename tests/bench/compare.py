#!/usr/bin/env python3
"""Measures spotfs beside what one would take instead of it, in one run, and prints the table for the README.

Each round measures every filesystem once, in another order each time, so that what else the machine does falls on all
of them; what is told is the median. "After a mount" is with nothing in memory, ours or the kernel's.

As root, on a machine that does nothing else: compare.py --spotfs build/mount/spotfs --relay build/mount/relay/spot-relay
"""

import argparse
import contextlib
import io
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from peers import Bench
from plot import plot

MIB = 1 << 20
SMALL = 4_096  # bytes
TREE_FILES, TREE_BYTES = 3_000, 50_000_000
# A row's name, its unit, and whether more of it is better.
ROWS = {
    "write": ("sequential write and fsync", "MiB/s", True),
    "read": ("read after a mount", "MiB/s", True),
    "create": ("creates of 4 KiB", "files/s", True),
    "stat": ("stat after a mount", "/s", True),
    "read4k": ("reads of 4 KiB after a mount", "files/s", True),
    "untar": ("untar, 3,000 files", "s", False),
    "clone": ("git clone", "s", False),
    "remove": ("rm -rf, 3,000 files", "s", False),
    "random1": ("random 4 KiB reads, 1 job", "/s", True),
    "random8": ("random 4 KiB reads, 8 jobs", "/s", True),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spotfs", type=pathlib.Path, required=True)
    parser.add_argument("--relay", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=256, help="of the large file")
    parser.add_argument("--files", type=int, default=1_000, help="small ones")
    parser.add_argument("--only", help="filesystems, by the beginning of their names, with commas")
    parser.add_argument("--directory", type=pathlib.Path, help="where all of it is kept; none: a temporary one")
    parser.add_argument("--json", type=pathlib.Path, help="all samples")
    parser.add_argument("--plot", type=pathlib.Path, help="ratios to gocryptfs and sshfs tuned, as SVG")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        root = arguments.directory or stack.enter_context(tempfile.TemporaryDirectory(prefix="spotfs-compare-"))
        bench = Bench(pathlib.Path(root).resolve(), arguments.spotfs.resolve(), arguments.relay.resolve())
        stack.callback(bench.close)
        samples, memory = measure(bench, arguments)
    medians = {row: {name: statistics.median(values) for name, values in of.items()} for row, of in samples.items()}
    if arguments.json:
        arguments.json.write_text(json.dumps({"samples": samples, "memory": memory}, indent=1))
    print(table(medians, memory))
    if arguments.plot:
        arguments.plot.write_text(plot(medians, ROWS))


def measure(bench, arguments):
    inputs = Inputs(bench.path("inputs"), arguments)
    peers = bench.peers()
    if arguments.only:
        wanted = tuple(arguments.only.split(","))
        peers = [peer for peer in peers if peer.name.startswith(wanted)]
    samples = {row: {} for row in ROWS}
    memory = {}
    for number in range(arguments.rounds):
        for peer in peers[number % len(peers) :] + peers[: number % len(peers)]:
            load = os.getloadavg()[0]
            print(f"round {number + 1} of {arguments.rounds}: {peer.name} (load {load:.1f})", file=sys.stderr, flush=True)
            for row, value in Round(peer, inputs, number).run():
                samples[row].setdefault(peer.name, []).append(value)
            if peer.peak:
                memory[peer.name] = max(memory.get(peer.name, 0), peer.peak / 1024)
    return samples, memory


class Inputs:
    """The same on every machine."""

    def __init__(self, directory, arguments):
        some = random.Random(1)
        self.large = b"".join(some.randbytes(MIB) for _ in range(arguments.mib))
        self.names = [f"f{number:05}" for number in range(arguments.files)]
        self.tar, self.repository = directory / "tree.tar", directory / "repository.git"
        if not (directory / "made").exists():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            self.make(directory)
            (directory / "made").touch()

    def make(self, directory):
        """A source tree as sizes go: many small files, few large ones; and a third of it with a history."""
        some = random.Random(2)
        words = ["".join(some.choices("etaoinshrdlu_(){};=", k=some.randint(2, 9))) for _ in range(4_000)]
        sizes = [some.lognormvariate(8.6, 1.3) for _ in range(TREE_FILES)]
        scale = TREE_BYTES / sum(sizes)
        tree = {}
        for number, size in enumerate(sizes):
            text = " ".join(some.choices(words, k=int(size * scale) // 6 + 2))
            tree[f"d{some.randrange(25):02}/s{some.randrange(8)}/f{number:04}.c"] = text.encode()
        with tarfile.open(self.tar, "w") as tar:
            for path, content in tree.items():
                entry = tarfile.TarInfo(path)
                entry.size, entry.mtime = len(content), 1_700_000_000
                tar.addfile(entry, io.BytesIO(content))
        work = directory / "work"
        git = ["git", "-C", work, "-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "init", "-q", "-b", "main", work], check=True)
        paths = list(tree)
        for commit in range(5):
            for path in paths[commit * 200 : commit * 200 + 200]:
                (work / path).parent.mkdir(parents=True, exist_ok=True)
                (work / path).write_bytes(tree[path])
            subprocess.run([*git, "add", "-A"], check=True)
            subprocess.run([*git, "commit", "-q", "-m", f"{commit}"], check=True)
        subprocess.run(["git", "clone", "-q", "--bare", "--no-local", work, self.repository], check=True)
        shutil.rmtree(work)

    def block(self, number):
        return self.large[number * SMALL : (number + 1) * SMALL]


class Round:
    """One filesystem, measured once: yields (row, value)."""

    def __init__(self, peer, inputs, number):
        self.peer, self.inputs = peer, inputs
        self.order = list(range(len(inputs.names)))
        random.Random(number).shuffle(self.order)

    def run(self):
        self.peer.mount()
        try:
            self.top = self.peer.directory / "bench"
            shutil.rmtree(self.top, ignore_errors=True)
            self.large, self.small = self.top / "large", self.top / "small"
            self.small.mkdir(parents=True)
            # A writer that is new to a store waits once before its first close is answered.
            (self.top / "first").write_text("first")
            for row in ROWS:
                yield row, getattr(self, row)()
            shutil.rmtree(self.top)
        finally:
            self.peer.umount()

    @staticmethod
    def time(work, *arguments):
        os.sync()
        begin = time.perf_counter()
        work(*arguments)
        return time.perf_counter() - begin

    def write(self):
        return len(self.inputs.large) / MIB / self.time(self.write_large)

    def write_large(self):
        content = memoryview(self.inputs.large)
        with open(self.large, "xb", buffering=0) as file:
            for offset in range(0, len(content), MIB):
                part = content[offset : offset + MIB]
                while part:
                    part = part[file.write(part) :]
            os.fsync(file.fileno())

    def read(self):
        self.peer.remount()
        return len(self.inputs.large) / MIB / self.time(self.read_large)

    def read_large(self):
        buffer, offset = bytearray(MIB), 0
        with open(self.large, "rb", buffering=0) as file:
            while size := file.readinto(buffer):
                if buffer[:64] != self.inputs.large[offset : offset + 64]:
                    raise RuntimeError(f"{self.peer.name}: the large file differs at {offset}")
                offset += size
        if offset != len(self.inputs.large):
            raise RuntimeError(f"{self.peer.name}: the large file has {offset} bytes")

    def create(self):
        return len(self.inputs.names) / self.time(self.create_small)

    def create_small(self):
        for number, name in enumerate(self.inputs.names):
            with open(self.small / name, "xb", buffering=0) as file:
                file.write(self.inputs.block(number))

    def stat(self):
        self.peer.remount()
        return len(self.order) / self.time(self.stat_small)

    def stat_small(self):
        for number in self.order:
            if os.stat(self.small / self.inputs.names[number]).st_size != SMALL:
                raise RuntimeError(f"{self.peer.name}: a small file has another size")

    def read4k(self):
        self.peer.remount()
        return len(self.order) / self.time(self.read_small)

    def read_small(self):
        for number in self.order:
            with open(self.small / self.inputs.names[number], "rb", buffering=0) as file:
                if file.read(2 * SMALL) != self.inputs.block(number):
                    raise RuntimeError(f"{self.peer.name}: a small file differs")

    def program(self, *command):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def untar(self):
        (self.top / "tree").mkdir()
        self.inputs.tar.read_bytes()  # from the page cache for everyone
        seconds = self.time(self.program, "tar", "xf", self.inputs.tar, "--no-same-owner", "-C", self.top / "tree")
        if sum(len(files) for _, _, files in os.walk(self.top / "tree")) != TREE_FILES:
            raise RuntimeError(f"{self.peer.name}: files of the tree are missing")
        return seconds

    def clone(self):
        copy = self.top / "clone"
        seconds = self.time(self.program, "git", "clone", "-q", "--no-local", self.inputs.repository, copy)
        state = subprocess.run(["git", "-C", copy, "status", "--porcelain"], capture_output=True, text=True, check=True)
        if state.stdout:
            raise RuntimeError(f"{self.peer.name}: the clone is not clean: {state.stdout[:200]}")
        return seconds

    def remove(self):
        return self.time(self.program, "rm", "-rf", self.top / "tree")

    def random1(self):
        return self.random(1, "16m")

    def random8(self):
        return self.random(8, "4m")

    def random(self, jobs, each):
        self.peer.remount()
        command = ["fio", "--name=random", f"--filename={self.large}", "--rw=randread", "--bs=4k", "--ioengine=psync"]
        command += [f"--size={len(self.inputs.large)}", f"--io_size={each}", f"--numjobs={jobs}", "--thread"]
        command += ["--group_reporting", "--readonly", "--allow_file_create=0", "--runtime=15", "--output-format=json"]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        read = json.loads(out[out.index("{") :])["jobs"][0]["read"]
        return read["total_ios"] / (read["runtime"] / 1000)


def table(medians, memory):
    names = list(dict.fromkeys(name for of in medians.values() for name in of))
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]

    def shown(value):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

    for row, (title, unit, _) in ROWS.items():
        if medians[row]:
            cells = [shown(medians[row][name]) if name in medians[row] else "" for name in names]
            lines.append(f"| {title}, {unit} | " + " | ".join(cells) + " |")
    cells = [shown(memory[name]) if name in memory else "" for name in names]
    lines.append("| memory at most, MiB | " + " | ".join(cells) + " |")
    for ours, theirs in (("spotfs embedded", "gocryptfs"), ("spotfs TLS", "sshfs tuned")):
        if ours in names and theirs in names:
            ratios = [f"{title} {better(medians[row], ours, theirs, more):.2f}" for row, (title, _, more) in ROWS.items()]
            lines.append(f"\n{ours}, as fast as {theirs} times: " + ", ".join(ratios))
    return "\n".join(lines)


def better(of, ours, theirs, more):
    return of[ours] / of[theirs] if more else of[theirs] / of[ours]


if __name__ == "__main__":
    sys.exit(main())
