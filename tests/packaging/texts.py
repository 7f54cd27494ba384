#!/usr/bin/env python3
"""Man pages, completions, units and maintainer scripts say what the programs do.

texts.py --spotfs PROGRAM --spotfsctl PROGRAM --relay PROGRAM --units DIR [Class.test]
A tool that is missing skips its test; with CI=true that is a failure.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = TOP / "packaging"
MAN = sorted((PACKAGING / "man").iterdir())
SHELLS = {"bash": "{}.bash", "zsh": "_{}", "fish": "{}.fish"}
GIVEN = None


def run(*command, **options):
    """Standard output and error of a command."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          check=False, **options)
    return done.returncode, done.stdout


def help_of(program, *commands):
    code, text = run(program, *commands, "--help")
    if code != 0:
        raise AssertionError(f"{program} {' '.join(commands)} --help: {text}")
    return text


def completion(shell, program):
    return (PACKAGING / "completions" / SHELLS[shell].format(program)).read_text()


def has_word(text, word):
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def plain(line):
    """A line of a man page without its macros and fonts."""
    line = re.sub(r"^\.[A-Z]+ ", "", line)
    line = re.sub(r"\\f.|\"", "", line)
    return line.replace("\\-", "-").replace("\\~", " ")


def tags(page):
    """What a man page defines: the lines behind .TP."""
    text = re.sub(r"\\\n", "", (PACKAGING / "man" / page).read_text())
    return [plain(line) for line in re.findall(r"^\.TP\n(.*)$", text, re.M)]


def page_options():
    """Names of options as spotfs(5) has them, as often as it has them."""
    names = []
    for tag in tags("spotfs.5"):
        names += re.findall(r"\b([a-z_]+)(?= ?=)", tag) if "=" in tag else re.findall(r"[a-z_]+", tag)
    return names


def table_options():
    """Names of options as the program has them, and those that it knows only to refuse them."""
    rows = re.findall(r'Row\{"(\w+)", (\w+)', (TOP / "mount/options.cpp").read_text())
    return {name for name, kind in rows if kind != "Refused"}, {name for name, kind in rows if kind == "Refused"}


def subcommands(*words):
    """Commands of spotfsctl, each with the words before it."""
    text = help_of(GIVEN.spotfsctl, *words)
    found = []
    section = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.M)
    for name in re.findall(r"^  (\S+)", section.group(1), re.M) if section else []:
        found += [(*words, name), *subcommands(*words, name)]
    return found


class Case(unittest.TestCase):
    def need(self, tool):
        if shutil.which(tool):
            return
        if os.environ.get("CI") == "true":
            self.fail(f"{tool} is missing")
        self.skipTest(f"{tool} is missing")

    def silent(self, *command, **options):
        code, text = run(*command, **options)
        self.assertEqual((code, text.strip()), (0, ""), " ".join(map(str, command)))


class ManPages(Case):
    def test_render_without_warnings(self):
        self.need("groff")
        for page in MAN:
            self.silent("groff", "-man", "-ww", "-z", "-Tutf8", "-Kutf8", str(page))

    def test_have_no_mistakes_that_mandoc_finds(self):
        self.need("mandoc")
        for page in MAN:
            self.silent("mandoc", "-T", "lint", "-W", "warning", str(page))

    def test_have_each_option_of_a_mount_once(self):
        known, _ = table_options()
        self.assertGreater(len(known), 50)
        self.assertEqual(sorted(page_options()), sorted(known))

    def test_have_each_option_that_the_help_lists(self):
        text = help_of(GIVEN.spotfs)
        listed = set(re.findall(r"(?:^ {2}| {3,})([a-z_]+)=", text.split("Options of spotfs")[1], re.M))
        listed |= set(re.findall(r"^  ([a-z_]+)  ", text, re.M))
        self.assertGreater(len(listed), 25)
        self.assertEqual(listed - set(page_options()), set())

    def test_have_no_option_of_spotfs_that_the_help_does_not_list(self):
        text = help_of(GIVEN.spotfs)
        _, _, end = (PACKAGING / "man/spotfs.5").read_text().partition(".SS Accepted")
        ignored = set(re.findall(r"[a-z_]+", plain(end)))
        kernels = {"fscontext", "defcontext", "rootcontext", "rw"}  # the help has context=… and ro for them
        for name in set(page_options()) - ignored - kernels:
            self.assertTrue(has_word(text, name), f"{name} is not in spotfs --help")

    def test_have_each_command_of_spotfsctl(self):
        commands = subcommands()
        self.assertIn(("blob", "put"), commands)
        # A command that only has others below it is there with them.
        starts = [tuple(tag.split()) for tag in tags("spotfsctl.1")]
        for words in commands:
            self.assertTrue(any(start[: len(words)] == words for start in starts), " ".join(words))

    def test_have_each_option_of_the_programs(self):
        for program, page in ((GIVEN.relay, "spot-relay.8"), (GIVEN.spotfsctl, "spotfsctl.1")):
            options = set(re.findall(r"--[a-z-]+", help_of(program)))
            if program == GIVEN.spotfsctl:
                for words in subcommands():
                    options |= set(re.findall(r"^ +.*?(--[a-z-]+)", help_of(program, *words), re.M))
            text = plain((PACKAGING / "man" / page).read_text())
            for option in options:
                self.assertTrue(has_word(text, option), f"{option} is not in {page}")


class Completions(Case):
    def test_have_each_command_of_spotfsctl(self):
        for shell in SHELLS:
            text = completion(shell, "spotfsctl")
            for words in subcommands():
                self.assertTrue(has_word(text, words[-1]), f"{' '.join(words)} in {shell}")

    def test_have_each_option_of_a_mount_that_takes_effect(self):
        text = help_of(GIVEN.spotfs)
        listed = set(re.findall(r"(?:^ {2}| {3,})([a-z_]+)=", text.split("Options of spotfs")[1], re.M))
        for shell in SHELLS:
            for name in listed:
                self.assertTrue(has_word(completion(shell, "spotfs"), name), f"{name} in {shell}")

    def test_have_each_option_of_the_relay(self):
        for option in set(re.findall(r"--[a-z-]+", help_of(GIVEN.relay))):
            for shell in SHELLS:
                word = option[2:] if shell == "fish" else option
                self.assertIn(word, completion(shell, "spot-relay"), shell)

    def test_are_read_by_their_shells(self):
        for shell in SHELLS:
            self.need(shell)
            for program in ("spotfs", "spotfsctl", "spot-relay"):
                path = PACKAGING / "completions" / SHELLS[shell].format(program)
                self.silent(shell, "-n", str(path))

    def test_of_bash_complete_a_command(self):
        self.need("bash")
        script = """
            compopt() { :; }
            for file in "$@"; do . "$file" || exit; done
            complete_line() {  # as bash would, which splits at "=" and ":", too
              COMP_LINE=$1 COMP_POINT=${#1}
              read -ra COMP_WORDS <<<"$(sed 's/[=:]/ & /g' <<<"$1")"
              [[ $1 == *[[:space:]] ]] && COMP_WORDS+=("")
              COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
              "_${COMP_WORDS[0]//-/_}"
              echo "${COMPREPLY[*]}"
            }
            complete_line 'spotfsctl fsc'
            complete_line 'spotfsctl --progress auto blob --mount / g'
            complete_line 'spotfsctl doctor emb'
            complete_line 'spotfs -o ro,subt'
            complete_line 'spotfs -o ro,bind=r'
            complete_line 'spotfs -o ro,ca=/etc/host'
            complete_line 'spot-relay --self'
            complete_line 'spot-relay group '
        """
        files = map(str, sorted((PACKAGING / "completions").glob("*.bash")))
        code, text = run("bash", "-uc", script, "bash", *files)
        lines = text.splitlines()
        self.assertIn("/etc/hostname", lines.pop(5).split())
        expected = ["fsck", "get", "embedded:", "ro,subtree=files", "require", "--self-signed", "add key rm"]
        self.assertEqual((code, lines), (0, expected))


class Fstab(Case):
    def test_lines_have_all_that_spotfsctl_would_add(self):
        for path in (TOP / "README.md", PACKAGING / "examples/fstab", PACKAGING / "man/spotfs.8"):
            lines = re.findall(r"(?m)^ *((?:embedded:|wss://|spot:)\S* /\S+ \S+ \S+ 0 0)$", path.read_text())
            self.assertGreater(len(lines), 1, path)
            for line in lines:
                source, directory, _, options, *_ = line.split()
                self.assertEqual(run(GIVEN.spotfsctl, "fstab", "-o", options, source, directory), (0, line + "\n"))


class Units(Case):
    def test_are_valid(self):
        self.need("systemd-analyze")
        with tempfile.TemporaryDirectory() as directory:
            for name, program in (("spotfs@.service", GIVEN.spotfs), ("spot-relay.service", GIVEN.relay)):
                text = (pathlib.Path(GIVEN.units) / name).read_text()
                # systemd-analyze looks for the program.
                text = re.sub(r"(?m)^(ExecStart=)\S+", rf"\g<1>{pathlib.Path(program).resolve()}", text)
                path = pathlib.Path(directory) / name.replace("@", "@test")
                path.write_text(text)
                self.silent("systemd-analyze", "verify", "--man=no", str(path))

    def test_of_a_mount_make_no_mount_namespace(self):
        # They would hide it from everybody else: systemd.exec(5).
        text = (PACKAGING / "systemd/spotfs@.service.in").read_text()
        settings = re.findall(r"(?m)^(\w+)=", text)
        hides = re.compile(r"Private(?!Users)|Protect(?!Clock|Hostname)|\w+Paths$|ProcSubset|MountFlags|Root|Bind|"
                           r"TemporaryFileSystem|DynamicUser|MountAPIVFS")
        self.assertEqual([name for name in settings if hides.match(name)], [])

    def test_of_the_relay_are_hardened(self):
        self.need("systemd-analyze")
        code, text = run("systemd-analyze", "security", "--offline=true", "--threshold=20",
                         str(pathlib.Path(GIVEN.units) / "spot-relay.service"))
        self.assertEqual(code, 0, text)


class Scripts(Case):
    def test_have_no_mistakes_that_shellcheck_finds(self):
        self.need("shellcheck")
        scripts = [path for path in (PACKAGING / "debian").iterdir()
                   if re.search(r"\.(post|pre)(inst|rm)$", path.name)]
        self.assertGreater(len(scripts), 3)
        self.silent("shellcheck", *map(str, scripts))
        self.silent("shellcheck", "-s", "bash", *map(str, (PACKAGING / "completions").glob("*.bash")))


class Packages(Case):
    def test_have_the_version_of_the_programs(self):
        version = re.search(r"VERSION (\S+)", (TOP / "CMakeLists.txt").read_text().split("project(spotfs")[1]).group(1)
        changelog = (PACKAGING / "debian/changelog").read_text()
        self.assertTrue(changelog.startswith(f"spotfs ({version})"), changelog.splitlines()[0])


def main():
    global GIVEN
    parser = argparse.ArgumentParser()
    for name in ("--spotfs", "--spotfsctl", "--relay", "--units"):
        parser.add_argument(name, required=True)
    GIVEN, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
