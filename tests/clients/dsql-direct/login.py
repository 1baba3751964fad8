"""A login on a bare socket: libpq keeps the SQLSTATE and HINT of a refused login to itself."""

import socket
import ssl
import struct

_TLS_REQUEST = struct.pack("!ii", 8, 80877103)


class Refused(Exception):
    """The server's ErrorResponse: fields by their letter, as in the PostgreSQL manual, 55.8."""

    def __init__(self, fields):
        super().__init__(fields)
        self.sqlstate = fields.get("C")
        self.severity = fields.get("S")
        self.message = fields.get("M", "")
        self.hint = fields.get("H", "")


def _receive(sock, length):
    data = b""
    while len(data) < length:
        chunk = sock.recv(length - len(data))
        if not chunk:
            raise ConnectionError("the server closed the connection")
        data += chunk
    return data


def _message(sock):
    kind, length = struct.unpack("!ci", _receive(sock, 5))
    body = _receive(sock, length - 4)
    if kind == b"E":
        fields = [f.decode() for f in body.split(b"\0") if f]
        raise Refused({f[0]: f[1:] for f in fields})
    return kind, body


def login(address, ca_file, endpoint, user, password, *, sni=True, tls=True, direct=True, database="postgres", **startup):
    """Logs in and out; returns the parameters that the server reports. Raises Refused."""
    with socket.create_connection(address, timeout=30) as sock:
        if tls:
            if not direct:
                sock.sendall(_TLS_REQUEST)
                assert _receive(sock, 1) == b"S"
            context = ssl.create_default_context(cafile=ca_file)
            if direct:
                context.set_alpn_protocols(["postgresql"])
            if not sni:
                context.check_hostname = False
            sock = context.wrap_socket(sock, server_hostname=endpoint if sni else None)
            if direct:
                assert sock.selected_alpn_protocol() == "postgresql", sock.selected_alpn_protocol()
        with sock:
            settings = {"user": user, "database": database, **startup}
            body = struct.pack("!i", 196608)
            body += b"".join(f"{k}\0{v}\0".encode() for k, v in settings.items()) + b"\0"
            sock.sendall(struct.pack("!i", len(body) + 4) + body)
            parameters = {}
            while True:
                kind, body = _message(sock)
                if kind == b"R":
                    (method,) = struct.unpack("!i", body[:4])
                    assert method in (0, 3), f"authentication method {method}"
                    if method == 3:
                        secret = password.encode() + b"\0"
                        sock.sendall(b"p" + struct.pack("!i", len(secret) + 4) + secret)
                elif kind == b"S":
                    name, value, _ = body.split(b"\0")
                    parameters[name.decode()] = value.decode()
                elif kind == b"Z":
                    sock.sendall(b"X" + struct.pack("!i", 4))
                    return parameters
