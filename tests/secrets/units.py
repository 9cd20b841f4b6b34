# SPDX-License-Identifier: Apache-2.0
"""Known unique texts, and how to find them again in any bytes and in several spellings.

A text is a row of 8-byte units `Qz......` (30 random bits each), so that a fragment of 15 bytes
holds a whole unit, and a copy of any 8 aligned bytes is found. Each unit belongs to one text.
"""
import base64
import binascii
import re
import secrets

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_RAW = re.compile(rb"qz[a-z2-7]{6}", re.I)
_REVERSED = re.compile(rb"[a-z2-7]{6}zq", re.I)
_WIDE = re.compile(rb"q\0z\0(?:[a-z2-7]\0){6}", re.I)
_PERCENT = re.compile(rb"(?:%[0-9a-f]{2}){8,}", re.I)
_HEX_RUN = re.compile(rb"[0-9a-f]{16,}", re.I)
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{11,}")
_URLSAFE = bytes.maketrans(b"-_", b"+/")


class Registry:
    """Who owns which unit."""

    def __init__(self):
        self._owner = {}

    def new(self, owner, units=6):
        """A new text of so many units that belongs to owner."""
        text = ""
        while units:
            # A digit in front: no unit is a word of letters only, as a method is.
            unit = "Qz" + secrets.choice("234567") + "".join(
                secrets.choice(_ALPHABET) for _ in range(5))
            if unit.lower() not in self._owner:
                self._owner[unit.lower()] = owner
                text += unit
                units -= 1
        return text

    def find(self, data):
        """Every (owner, spelling, unit) whose unit is in data."""
        found = set()

        def collect(spelling, candidates):
            for candidate in candidates:
                unit = candidate.decode("ascii", "replace").lower()
                if unit in self._owner:
                    found.add((self._owner[unit], spelling, unit))

        collect("raw", _RAW.findall(data))
        collect("reversed", (m[::-1] for m in _REVERSED.findall(data)))
        collect("UTF-16", (m[::2] for m in _WIDE.findall(data)))
        for run in _PERCENT.findall(data):
            collect("percent", _RAW.findall(binascii.unhexlify(run.replace(b"%", b""))))
        for run in _HEX_RUN.findall(data):
            for start in range(2):
                part = run[start:]
                collect("hex", _RAW.findall(binascii.unhexlify(part[:len(part) // 2 * 2])))
        for run in _BASE64_RUN.findall(data):
            run = run.translate(_URLSAFE)
            for start in range(4):
                part = run[start:]
                collect("base64", _RAW.findall(base64.b64decode(part[:len(part) // 4 * 4])))
        return found
