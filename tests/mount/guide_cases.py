"""The guide in the README: each of its examples is run as it stands there, by bash, on a mount at /mnt/spot.

What an example says to print, behind "# → ", has to be a line of its output, in this order.
"""

import os
import pathlib
import re
import subprocess
import unittest

from bed import run, shell, wait_until

BED = None  # set by run.py
README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
PLACE = pathlib.Path("/mnt/spot")
MARK = "# → "


def examples():
    """By the line of text before each."""
    guide = re.search(r"^## A guide in examples\n(.*?)^## ", README.read_text(), re.S | re.M)[1]
    found = {}
    for title, block in re.findall(r"^(\S.*)\n\n((?:    .*\n|\n(?=    ))+)", guide, re.M):
        found[title] = "".join(line.removeprefix("    ") for line in block.splitlines(keepends=True))
    return found


class Guide(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A place of that name in this namespace alone.
        subprocess.run(["mount", "-t", "tmpfs", "none", PLACE.parent], check=True)
        PLACE.mkdir()
        cls.mount = BED.mount(start=False)
        cls.mount.directory = PLACE
        cls.mount.start()
        programs = BED.programs["spotfs"].parent
        cls.environment = BED.environment | {"PATH": f"{programs}:{programs}/ctl:{os.environ['PATH']}", "HOME": str(cls.mount.home)}

    @classmethod
    def tearDownClass(cls):
        cls.mount.kill()
        subprocess.run(["umount", "--lazy", PLACE.parent], check=True)

    def test_every_example_does_what_it_says(self):
        tried = examples()
        self.assertGreaterEqual(len(tried), 8)
        for title, script in tried.items():
            with self.subTest(title):
                home = BED.new_directory("example")
                result = shell(f"set -euo pipefail\n{script}", env=self.environment, cwd=home)
                self.assertEqual(result.returncode, 0, result)
                printed = iter(result.stdout.splitlines())
                for line in script.splitlines():
                    if MARK in line:
                        self.assertIn(line.split(MARK)[1], printed, result)
        # Nothing goes on serving, and the mount still ends as it should.
        self.assertEqual(os.listdir(PLACE / "listen"), [])
        self.assertEqual(run("umount", PLACE).returncode, 0)
        wait_until(lambda: not self.mount.is_running(), "the end of the mount's process")

    def test_it_is_at_most_two_screens_long(self):
        guide = re.search(r"^## A guide in examples\n(.*?)^## ", README.read_text(), re.S | re.M)[1]
        self.assertLessEqual(len(guide.splitlines()), 100)
