"""What the tests need from outside, kept in the build directory: the Python client in a virtual environment, and the
Rust client built with another trust root."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import trust_root

HERE = pathlib.Path(__file__).resolve().parent
RUST = (1, 88)


class Unavailable(Exception):
    """A registry or toolchain is out of reach. The text is one line for the user."""


def python_client(build):
    """The interpreter of a virtual environment that has pyspotlib."""
    requirements = HERE / "requirements.txt"
    environment = build / "venv"
    interpreter = environment / "bin" / "python"
    stamp = environment / "complete"
    wanted = _digest(requirements)
    if _read(stamp) != wanted:
        shutil.rmtree(environment, ignore_errors=True)
        _run([sys.executable, "-m", "venv", environment], "make a virtual environment (package python3-venv)")
        _run(
            [interpreter, "-m", "pip", "install", "--quiet", "--no-deps", "-r", requirements],
            "install pyspotlib from the Python package index",
        )
        stamp.write_text(wanted)
    return interpreter


def rust_client(build, profile="dev"):
    """The program rust_peer, built on a copy of the crate spotlib that trusts SSL_CERT_FILE."""
    check_rust()
    sources = HERE / "rust_peer"
    workspace = build / "rust"
    peer = workspace / "peer"
    target = workspace / "target"
    program = target / {"dev": "debug"}.get(profile, profile) / "rust_peer"
    stamp = workspace / f"complete.{profile}"
    inputs = [sources / "Cargo.toml", sources / "Cargo.lock", sources / "src" / "main.rs", HERE / "trust_root.py"]
    wanted = _digest(*inputs)
    if _read(stamp) == wanted and program.exists():
        return program

    stamp.unlink(missing_ok=True)
    shutil.rmtree(peer, ignore_errors=True)
    shutil.copytree(sources, peer)
    manifest = ["--manifest-path", peer / "Cargo.toml"]
    # The lock file has the checksum of every crate, the original spotlib's too.
    _run(["cargo", "fetch", "--locked", *manifest], "fetch the crate spotlib")
    metadata = _output("cargo", "metadata", "--locked", "--offline", "--format-version=1", *manifest)
    packages = json.loads(metadata)["packages"]
    crate = next(pathlib.Path(p["manifest_path"]).parent for p in packages if p["name"] == "spotlib")

    copy = workspace / "spotlib"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(crate, copy)
    trust_root.change(copy)
    patch = f"patch.crates-io.spotlib.path={json.dumps(str(copy))}"
    _output("cargo", "build", "--offline", *manifest, "--target-dir", target, "--profile", profile, "--config", patch)
    stamp.write_text(wanted)
    return program


def cargo_program(build, crate, version):
    """A program of the crates registry, installed in the build directory."""
    if shutil.which("cargo") is None:
        raise Unavailable(f"cargo is not installed: {crate} is a Rust program")
    root = build / f"{crate}-{version}"
    program = root / "bin" / crate
    if not program.exists():
        install = ["cargo", "install", "--quiet", "--locked", "--root", root, "--version", version, crate]
        _run(install, f"install the crate {crate} {version}")
    return program


def check_rust():
    wanted = f"the crate spotlib needs Rust {RUST[0]}.{RUST[1]} or later"
    if shutil.which("cargo") is None:
        raise Unavailable(f"cargo is not installed: {wanted}")
    version = _run(["cargo", "--version"], "run cargo").split()[1]
    if tuple(map(int, version.split(".")[:2])) < RUST:
        raise Unavailable(f"cargo is of version {version}: {wanted}")


def _run(command, purpose):
    """The output of a command that may fail because of what is not ours."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.stderr.write(result.stdout + result.stderr)
        raise Unavailable(f"cannot {purpose}: exit code {result.returncode} of {os.path.basename(str(command[0]))}")
    return result.stdout


def _output(*command):
    """The output of a command that has all that it needs: if it fails, something is wrong here."""
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True).stdout


def _digest(*files):
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _read(file):
    return file.read_text() if file.exists() else None
