# SPDX-License-Identifier: Apache-2.0
"""A request as a server's role gets it, and what it answers."""
import dataclasses


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: bytes
    peer: tuple
    local: tuple


@dataclasses.dataclass
class Response:
    """headers in the order they go out; Date, Content-Length and framing are added as told."""
    status: int
    body: bytes
    headers: list
    chunked: bool = False
    close: bool = False
    ttl: int = 0  # IP TTL of the answer, 0 = the system's
    upstream: float = 0.0  # seconds spent asking somebody else
    credential_bytes: int = 0  # length of the token that the request carried
    action: str = ""  # what was asked for, in the end-point's own words: the truth under TLS
