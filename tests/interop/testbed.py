"""A relay and its clients on a machine of their own: a network where the public names lead to 127.0.0.1, and a test CA
that vouches for them. Runs inside the namespaces that run.py makes."""

import json
import os
import pathlib
import selectors
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent

DISCOVERY = ("www.atonline.com", "ws.atonline.com")
# The second one says its address itself: p4aaaai is base32 of 127.0.0.1.
RELAYS = ("relay.spot.test", "p4aaaai.g-dns.net")
PATIENCE = 30  # seconds that any one step may take

CERTIFICATES = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[relay]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = {names}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


class PeerError(Exception):
    """The peer answered a command with an error."""


class Testbed:
    def __init__(self, work, programs):
        self.work = work
        self.programs = programs  # name to path
        self.authority = work / "ca.pem"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if "proxy" not in name.lower() and name not in ("SSL_CERT_DIR", "PYTHONPATH")
        } | {"SSL_CERT_FILE": str(self.authority), "HOME": str(work), "PYTHONDONTWRITEBYTECODE": "1"}
        self.relay = None
        self._starts = 0
        self._make_network()
        self._make_certificate()

    def start_relay(self, *options):
        log = (self.work / "relay.log").open("ab")
        command = [self.programs["relay"], "--listen", "127.0.0.1:443", "--data", self.work / "relay"]
        command += options
        for name in RELAYS:
            command += ["--host", name]
        command += ["--cert", self.work / "relay.pem", "--key", self.work / "relay.key"]
        self.relay = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, env=self.environment)
        deadline = time.monotonic() + PATIENCE
        while True:
            if self.relay.poll() is not None:
                raise RuntimeError("the relay ended at once:\n" + self.relay_log())
            try:
                socket.create_connection(("127.0.0.1", 443), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    self.relay.kill()
                    raise RuntimeError("the relay does not listen:\n" + self.relay_log()) from None
                time.sleep(0.05)

    def stop_relay(self, kill=False):
        """Ends the relay and gives its exit code."""
        if kill:
            self.relay.kill()
        else:
            self.relay.terminate()
        try:
            return self.relay.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.relay.kill()
            self.relay.wait()
            raise RuntimeError("the relay does not end on SIGTERM:\n" + self.relay_log()) from None

    def relay_log(self):
        return tail(self.work / "relay.log")

    def key_directory(self, name):
        return self.work / "keys" / name

    def peer(self, kind, keys):
        """Starts a client of `kind` (python, rust or cpp) with the keys of that name, and waits until it is online."""
        command = {
            "python": [self.programs.get("python"), HERE / "python_peer.py"],
            "rust": [self.programs.get("rust")],
            "cpp": [self.programs.get("cpp")],
        }[kind]
        self._starts += 1
        peer = Peer(command, self.environment, self.work / f"{kind}-{self._starts}.log")
        try:
            peer.address = peer.call("start", keys=str(self.key_directory(keys)))
        except BaseException:
            peer.close()
            raise
        return peer

    def _make_network(self):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        hosts = self.work / "hosts"
        names = " ".join(("localhost", *DISCOVERY, *RELAYS))
        hosts.write_text(f"127.0.0.1 {names}\n")
        subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)

    def _make_certificate(self):
        config = self.work / "openssl.cnf"
        names = ",".join(f"DNS:{name}" for name in (*DISCOVERY, *RELAYS))
        config.write_text(CERTIFICATES.format(names=names))
        self._openssl("ca", "-subj", "/CN=Test CA", "-extensions", "authority")
        self._openssl(
            "relay", "-subj", "/CN=Test relay", "-extensions", "relay", "-CA", "ca.pem", "-CAkey", "ca.key"
        )

    def _openssl(self, name, *arguments):
        subprocess.run(
            ["openssl", "req", "-x509", "-config", "openssl.cnf", "-newkey", "ec", "-pkeyopt"]
            + ["ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.pem"]
            + list(arguments),
            check=True,
            capture_output=True,
            cwd=self.work,
        )


class Peer:
    """A client as a program that reads one JSON object a line ({"do": "query", …}) and answers each with one,
    {"ok": value} or {"error": text}. Bytes are written as hex."""

    def __init__(self, command, environment, log):
        self.log = log
        self.address = None  # k.<hash>
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
            )
        self.pid = self._process.pid
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        self._received = b""

    def call(self, what, **arguments):
        return self.answer(self.ask(what, **arguments))

    def ask(self, what, **arguments):
        """Sends a command without waiting; answer() takes what it gives. One at a time."""
        for name, value in arguments.items():
            if isinstance(value, bytes):
                arguments[name] = value.hex()
        self._process.stdin.write(json.dumps({"do": what, **arguments}).encode() + b"\n")
        self._process.stdin.flush()
        return what

    def answer(self, what):
        reply = json.loads(self._read_line(what))
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply["ok"]

    def query(self, address, body, **arguments):
        return bytes.fromhex(self.call("query", address=address, body=body, **arguments))

    def fetch(self, key):
        return bytes.fromhex(self.call("fetch", key=key))

    def close(self):
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._selector.close()

    def _read_line(self, what):
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            if left <= 0 or not self._selector.select(left):
                raise RuntimeError(f"{what}: no answer from the peer within {PATIENCE} s:\n{tail(self.log)}")
            chunk = os.read(self._process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise RuntimeError(f"{what}: the peer ended:\n{tail(self.log)}")
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line


def tail(file, lines=30):
    if not file.exists():
        return ""
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:])
