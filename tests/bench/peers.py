"""The filesystems that compare.py measures: each is mounted by a program that stays in the foreground.

Thread: one. Lifetime: Bench.close() ends what was started, and nothing else. What is not installed is left out.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time

PASSWORD = "benchmark"
MOUNT_TIMEOUT = 30  # seconds


class Peer:
    """A directory to measure; `command` mounts it, none: it is there."""

    def __init__(self, name, directory, command=None, environment=None, stdin=None):
        self.name, self.directory, self.command = name, directory, command
        self.environment, self.stdin = environment or {}, stdin
        self.program = None
        self.peak = 0  # KiB that its processes had at most, together

    def mount(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        if not self.command:
            return
        with open(self.directory.parent / f"{self.directory.name}.log", "ab") as log, contextlib.ExitStack() as stack:
            stdin = stack.enter_context(open(self.stdin)) if self.stdin else subprocess.DEVNULL
            self.program = subprocess.Popen(
                [*self.command, self.directory],
                stdin=stdin,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        end = time.monotonic() + MOUNT_TIMEOUT
        while not self.directory.is_mount():
            if self.program.poll() not in (None, 0) or time.monotonic() > end:
                raise RuntimeError(f"{self.name}: not mounted, see {self.directory}.log")
            time.sleep(0.001)

    def umount(self):
        if not self.program:
            return
        self.peak = max(self.peak, sum(memory_of(process) for process in session_of(self.program.pid)))
        for _ in range(100):
            if subprocess.run(["umount", self.directory], stderr=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.1)
        self.program.wait(60)
        self.program = None

    def remount(self):
        """With nothing in memory, ours or the kernel's, and what it is made of on the disk."""
        self.umount()
        os.sync()
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
        self.mount()


def session_of(leader):
    """Processes of the session that a program began: sshfs has its ssh as a child."""
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader:
                yield int(entry.name)


def memory_of(process):
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    return 0


class Bench:
    def __init__(self, root, spotfs, relay):
        self.root, self.spotfs, self.relay = root, spotfs, relay
        self.servers = []

    def path(self, *parts):
        path = self.root.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def peers(self):
        makers = (self.local, self.embedded, self.over_tls, self.sshfs, self.gocryptfs, self.cryfs, self.rclone)
        return [peer for make in makers for peer in make()]

    def close(self):
        for server in self.servers:
            server.terminate()
            server.wait(10)

    def server(self, *command):
        """Runs it in the foreground, and in a directory of its own."""
        log = open(self.path(f"{pathlib.Path(command[0]).name}.log"), "ab")
        with log:
            self.servers.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def local(self):
        yield Peer("local", self.path("local", "data"))

    def spot(self, name, source, *options):
        home = self.path(name, "mount").parent
        every = [f"identity={home}/identity", f"state={home}/state", "subtree=files", *options]
        return Peer(name, home / "mount", [self.spotfs, "-f", "-o", ",".join(every), source])

    def embedded(self):
        yield self.spot("spotfs embedded", f"embedded:{self.path('embedded')}")

    def over_tls(self):
        port, data = free_port(), self.path("relay")
        self.server(
            self.relay, "--listen", f"127.0.0.1:{port}", "--data", data, "--self-signed", "--host", "localhost"
        )
        wait_for(port)
        [certificate] = data.glob("*cert*.pem")
        yield self.spot("spotfs TLS", f"wss://localhost:{port}", f"ca={certificate}")

    def sshfs(self):
        sshd = shutil.which("sshd", path="/usr/sbin:" + os.environ["PATH"])
        if not sshd or not shutil.which("sshfs"):
            return
        port, keys = free_port(), self.path("ssh")
        keys.mkdir(mode=0o700, exist_ok=True)
        for key in ("host", "user"):
            if not (keys / key).exists():
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / key], check=True)
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        settings = {
            "Port": port,
            "ListenAddress": "127.0.0.1",
            "HostKey": keys / "host",
            "AuthorizedKeysFile": keys / "user.pub",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PermitRootLogin": "prohibit-password",
            "MaxStartups": 100,
            "Subsystem": "sftp internal-sftp",
        }
        (keys / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self.server(sshd, "-D", "-e", "-f", keys / "config")
        wait_for(port)
        login = f"port={port},IdentityFile={keys}/user,UserKnownHostsFile={keys}/known,StrictHostKeyChecking=accept-new"
        tuned = "Ciphers=aes128-gcm@openssh.com,max_conns=4,kernel_cache,entry_timeout=60,attr_timeout=60,dcache_timeout=60"
        for name, options in (("sshfs", login), ("sshfs tuned", f"{login},{tuned}")):
            back = self.path(name, "data")
            back.mkdir(exist_ok=True)
            yield Peer(name, self.path(name, "mount"), ["sshfs", "-f", "-o", options, f"root@127.0.0.1:{back}"])

    def password(self):
        path = self.path("password")
        path.write_text(PASSWORD + "\n")
        return path

    def gocryptfs(self):
        if not shutil.which("gocryptfs"):
            return
        back = self.path("gocryptfs", "data")
        back.mkdir(exist_ok=True)
        if not (back / "gocryptfs.conf").exists():
            subprocess.run(["gocryptfs", "-q", "-init", "-passfile", self.password(), back], check=True)
        command = ["gocryptfs", "-q", "-fg", "-passfile", self.password(), back]
        yield Peer("gocryptfs", self.path("gocryptfs", "mount"), command)

    def cryfs(self):
        if not shutil.which("cryfs"):
            return
        environment = {
            "CRYFS_FRONTEND": "noninteractive",
            "CRYFS_NO_UPDATE_CHECK": "true",
            "CRYFS_LOCAL_STATE_DIR": str(self.path("cryfs", "state")),
        }
        back = self.path("cryfs", "data")
        back.mkdir(exist_ok=True)
        yield Peer("CryFS", self.path("cryfs", "mount"), ["cryfs", "-f", back], environment, self.password())

    def rclone(self):
        if not shutil.which("rclone") or not shutil.which("sshfs"):
            return
        # Its crypt over a plain directory: no network. Without a cache of writes git can't clone into it; they are
        # stored soon after close.
        settings = self.path("rclone", "config")
        obscured = subprocess.run(["rclone", "obscure", PASSWORD], capture_output=True, text=True, check=True).stdout
        settings.write_text(f"[c]\ntype = crypt\nremote = {self.path('rclone', 'data')}\npassword = {obscured}")
        cache = ["--cache-dir", self.path("rclone", "cache"), "--vfs-cache-mode", "writes", "--vfs-write-back", "0s"]
        command = ["rclone", "--config", settings, *cache, "mount", "c:"]
        yield Peer("rclone crypt", self.path("rclone", "mount"), command)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(port):
    end = time.monotonic() + MOUNT_TIMEOUT
    while True:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        if time.monotonic() > end:
            raise RuntimeError(f"nobody listens on port {port}")
        time.sleep(0.01)
