"""What a relay keeps, for tests that change it behind the relay's back.

Thread: one. Lifetime: opened() while no relay runs on it.
"""

import contextlib
import sqlite3

BLOCK = 4096  # bytes
SIZE_BITS = 16
BLOCKS_PER_FILE = (1 << 30) // BLOCK


@contextlib.contextmanager
def opened(directory):
    (file,) = directory.glob("*.db")
    with contextlib.closing(sqlite3.connect(file)) as database:
        yield RelayStore(database, f"{file}-values")
        database.commit()


class RelayStore:
    """The blobs of one identity, by key; a large value is in a file, at its place."""

    def __init__(self, database, values):
        self.database, self.values = database, values

    def sizes(self, prefix=b""):
        rows = self.database.execute("SELECT key, length(value), place FROM blob")
        sizes = {bytes(key): place & ((1 << SIZE_BITS) - 1) if place else size for key, size, place in rows}
        return {key: size for key, size in sizes.items() if key.startswith(prefix)}

    def keys(self, prefix=b""):
        return set(self.sizes(prefix))

    def larger(self, size, prefix=b""):
        return {key for key, found in self.sizes(prefix).items() if found > size}

    def get(self, key):
        value, place = self.database.execute("SELECT value, place FROM blob WHERE key = ?", (key,)).fetchone()
        if not place:
            return bytes(value)
        file, block = divmod(place >> SIZE_BITS, BLOCKS_PER_FILE)
        with open(f"{self.values}-{file:08}", "rb") as stored:
            stored.seek(block * BLOCK)
            return stored.read(place & ((1 << SIZE_BITS) - 1))

    def put(self, key, value):
        changed = self.database.execute("UPDATE blob SET value = ?, place = NULL WHERE key = ?", (value, key))
        assert changed.rowcount == 1, key

    def add(self, key, value):
        (owner,) = self.database.execute("SELECT owner FROM blob LIMIT 1").fetchone()
        self.database.execute("INSERT INTO blob (owner, key, value) VALUES (?, ?, ?)", (owner, key, value))

    def drop(self, key):
        dropped = self.database.execute("DELETE FROM blob WHERE key = ?", (key,))
        assert dropped.rowcount == 1, key

    def swap(self, one, other):
        first, second = self.get(one), self.get(other)
        self.put(one, second)
        self.put(other, first)
