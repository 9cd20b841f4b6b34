# SPDX-License-Identifier: Apache-2.0
"""All that a process can read of its own memory, and the BPF objects it holds (proc(5), bpf(2))."""
import ctypes
import os
import re
import struct

_SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
_MAP_LOOKUP, _MAP_NEXT, _PROG_BY_ID, _MAP_BY_ID, _OBJ_INFO = 1, 4, 13, 14, 15
_PERCPU = {5, 6, 10, 21}  # per-CPU hash, array, LRU hash, cgroup storage (linux/bpf.h)
_RINGBUF, _SK_STORAGE = 27, 24
_NO_MEMORY = ("[vvar", "[vsyscall")  # the kernel's clock pages, not the program's

_libc = ctypes.CDLL(None, use_errno=True)


def mappings(pid):
    """(name, start, end) of every readable mapping."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            span, perms, _, _, _, *name = line.split(maxsplit=5)
            name = name[0].strip() if name else "anonymous"
            if perms[0] == "r" and not name.startswith(_NO_MEMORY):
                start, end = (int(x, 16) for x in span.split("-"))
                yield name, start, end


def read_memory(pid):
    """(name, bytes) of every readable mapping. Raises OSError when one can't be read."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for name, start, end in mappings(pid):
            data = bytearray()
            while start + len(data) < end:
                try:
                    part = os.pread(mem.fileno(), min(end - start - len(data), 1 << 20),
                                    start + len(data))
                except OSError as error:
                    # A file's mapping may reach beyond the file's end.
                    if name.startswith("/"):
                        break
                    raise OSError(error.errno, f"memory of {name}: {error.strerror}") from error
                if not part:
                    break
                data += part
            yield name, bytes(data)


def _bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, max(len(attributes), 128))
    result = _libc.syscall(_SYS_BPF, command, buffer, len(buffer))
    if result < 0:
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))
    return result


def _object_info(fd, size=256):
    info = ctypes.create_string_buffer(size)
    _bpf(_OBJ_INFO, struct.pack("=IIQ", fd, size, ctypes.addressof(info)))
    return info


def _program_maps(prog_id):
    """Ids of a program's maps: struct bpf_prog_info, nr_map_ids at 52, map_ids at 56."""
    fd = _bpf(_PROG_BY_ID, struct.pack("=III", prog_id, 0, 0))
    try:
        count = struct.unpack_from("=I", _object_info(fd), 52)[0]
        ids = (ctypes.c_uint32 * max(count, 1))()
        info = ctypes.create_string_buffer(256)
        struct.pack_into("=I", info, 52, count)
        struct.pack_into("=Q", info, 56, ctypes.addressof(ids))
        _bpf(_OBJ_INFO, struct.pack("=IIQ", fd, 256, ctypes.addressof(info)))
        return set(ids[:count])
    finally:
        os.close(fd)


def bpf_objects(pid):
    """Ids of the (programs, maps) that a process holds itself or through its programs' links."""
    programs, maps = set(), set()
    for entry in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{entry}", encoding="ascii") as f:
                text = f.read()
        except OSError:
            continue
        programs |= {int(x) for x in re.findall(r"^prog_id:\s*(\d+)", text, re.M)}
        maps |= {int(x) for x in re.findall(r"^map_id:\s*(\d+)", text, re.M)}
    for program in programs:
        maps |= _program_maps(program)
    return programs, maps


class Map:
    """One BPF map by id; use as a context."""

    def __init__(self, map_id):
        self.fd = _bpf(_MAP_BY_ID, struct.pack("=III", map_id, 0, 0))
        info = _object_info(self.fd)
        self.type, _, self.key_size, self.value_size, self.max_entries = struct.unpack_from(
            "=IIIII", info)
        self.name = info.raw[24:40].rstrip(b"\0").decode()
        self.value_bytes = self.value_size
        if self.type in _PERCPU:
            with open("/sys/devices/system/cpu/possible", encoding="ascii") as f:
                cpus = int(re.split("[-,]", f.read().strip())[-1]) + 1
            self.value_bytes = (self.value_size + 7) // 8 * 8 * cpus

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def lookup(self, key):
        value = ctypes.create_string_buffer(self.value_bytes)
        held = ctypes.create_string_buffer(key, len(key))
        _bpf(_MAP_LOOKUP, struct.pack("=IIQQQ", self.fd, 0, ctypes.addressof(held),
                                      ctypes.addressof(value), 0))
        return value.raw

    def _keys(self):
        following = ctypes.create_string_buffer(self.key_size)
        held = None
        while True:
            try:
                _bpf(_MAP_NEXT, struct.pack("=IIQQ", self.fd, 0,
                                            ctypes.addressof(held) if held else 0,
                                            ctypes.addressof(following)))
            except OSError:
                return
            held = ctypes.create_string_buffer(following.raw, self.key_size)
            yield following.raw

    def dump(self, sockets=()):
        """All keys and values. Socket storage is asked for by our own sockets; a ring's bytes are
        in its reader's memory."""
        if self.type == _RINGBUF:
            return b""
        keys = ([struct.pack("=i", s.fileno()) for s in sockets] if self.type == _SK_STORAGE
                else self._keys())
        data = bytearray()
        for key in keys:
            try:
                data += key + self.lookup(key)
            except OSError:
                continue  # not there (any more)
        return bytes(data)

    @property
    def is_socket_storage(self):
        return self.type == _SK_STORAGE

    @property
    def is_ring(self):
        return self.type == _RINGBUF
