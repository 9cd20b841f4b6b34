# SPDX-License-Identifier: Apache-2.0
"""The table of places: a function each, which says known secrets there and texts that may be seen."""
import collections

Place = collections.namedtuple("Place", "name act facts watched")
PLACES = []


def place(name, facts=(), watched=True):
    """Register what follows as a row. facts: those that the row's connections must have given
    beside `connect`, so that a row whose traffic nobody looked at does not pass. watched=False:
    there must be none at all."""
    def register(act):
        PLACES.append(Place(name, act, tuple(facts), watched))
        return act
    return register


class Row:
    """What one row has said: passed to its function."""

    def __init__(self, network, registry, name, directory):
        self.network, self.name, self.directory = network, name, directory
        self._registry = registry
        self.ports = set()
        self.visible = set()
        self.stored = set()

    def secret(self, units=6):
        return self._registry.new(("secret", self.name), units)

    def seen(self, units=2):
        """A text that may be seen, and has to be in the facts."""
        return self._visible(units, self.visible)

    def held(self, units=2):
        """A text that may be seen, and has to be in the storage of the open socket: the head that
        it belongs to stays unfinished."""
        return self._visible(units, self.stored)

    def _visible(self, units, into):
        text = self._registry.new(("visible", self.name), units)
        into |= {text[i:i + 8].lower() for i in range(0, len(text), 8)}
        return text

    def neutral(self, units=6):
        """A text that may be seen or not: no rule says."""
        return self._registry.new(("neutral", self.name), units)

    def open(self, name="agent", first=None):
        connection = self.network.open(name, first)
        self.ports.add(connection.port)
        return connection

    def opened(self, connection):
        self.ports.add(connection.port)
        return connection

    def get(self, extra="", target="/v1/credentials", method="GET", before="", agent=True):
        """A request whose User-Agent must be seen; extra lines end in CR LF."""
        line = f"User-Agent: {self.seen()}\r\n" if agent else ""
        return f"{method} {target} HTTP/1.1\r\n{before}Host: x\r\n{line}{extra}\r\n"

    def ok(self, body="", extra=""):
        """A response whose Server must be seen."""
        return (f"HTTP/1.1 200 OK\r\nServer: {self.seen()}\r\nContent-Length: {len(body)}\r\n"
                f"{extra}\r\n{body}")
