# SPDX-License-Identifier: Apache-2.0
"""A TUN device and a TCP peer behind it that sends what segments it likes, in what order."""
import fcntl
import os
import socket
import struct
import subprocess

_TUNSETIFF, _IFF_TUN_NO_PI = 0x400454CA, 0x1001
_FIN, _SYN, _RST, _PSH, _ACK = 1, 2, 4, 8, 16
_ISN = 1000


def open_tun(address, peer):
    """A device whose only route leads to peer, and from there nowhere."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", b"secrets0", _IFF_TUN_NO_PI))
    batch = f"addr add {address} peer {peer} dev secrets0\nlink set secrets0 up\n"
    subprocess.run(["/usr/sbin/ip", "-batch", "-"], input=batch, text=True, check=True)
    return fd


def _checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Peer:
    """The other end of one connection; `client` is the kernel's own socket."""

    def __init__(self, tun, address):
        self._tun, self._address = tun, address
        self.client = None
        self._ports = self._addresses = None
        self._next = 0  # of the client's bytes

    def connect(self, client):
        self.client = client
        client.settimeout(5)
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connect_ex((self._address, 80))
        self.drain()
        if not self._ports:
            raise ConnectionError("no SYN on the TUN device")
        self._transmit(_ISN, _SYN | _ACK, b"")
        self.drain()
        client.settimeout(5)

    def drain(self):
        """Take and acknowledge what the client has sent."""
        while True:
            try:
                packet = os.read(self._tun, 65536)
            except BlockingIOError:
                return
            if packet[0] >> 4 != 4 or packet[9] != 6:
                continue
            tcp = packet[(packet[0] & 15) * 4:]
            source, to, seq = struct.unpack_from("!HHI", tcp)
            length = len(tcp) - (tcp[12] >> 4) * 4
            if tcp[13] & _SYN and self._ports is None:
                self._ports, self._next = (to, source), seq + 1
                self._addresses = packet[16:20], packet[12:16]
            elif (to, source) == self._ports and length and seq == self._next:
                self._next = (seq + length) & 0xffffffff
                self._transmit(_ISN + 1, _ACK, b"")

    def _transmit(self, seq, flags, data, damaged=False):
        tcp = struct.pack("!HHIIBBHHH", *self._ports, seq & 0xffffffff, self._next, 5 << 4, flags,
                          65535, 0, 0) + data
        source, to = self._addresses
        total = _checksum(source + to + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)
        if damaged:
            total ^= 0x5555
        tcp = tcp[:16] + struct.pack("!H", total) + tcp[18:]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + source + to
        head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
        os.write(self._tun, head + tcp)

    def send(self, offset, data, damaged=False):
        """One segment with data at offset of the peer's stream."""
        self._transmit(_ISN + 1 + offset, _ACK | _PSH, data, damaged)
        self.drain()

    def close(self):
        self.client.close()
        self.drain()
        self._transmit(_ISN + 1, _RST | _ACK, b"")
