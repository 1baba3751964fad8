"""A client on a raw socket: as much of the protocol as reading to ReadyForQuery needs."""

import socket
import ssl
import struct

from .upstream import DATABASE, HOST, USER

_PROTOCOL_3_0 = 196608
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
_TIMEOUT = 60


class Client:
    def __init__(self, port, ca_file=None):
        """Logs in, over TLS if there is an authority to verify the server with."""
        self._socket = socket.create_connection(("127.0.0.1", port), _TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ca_file is not None:
            self._socket.sendall(_SSL_REQUEST)
            if self._socket.recv(1) != b"S":
                raise RuntimeError("the server offers no TLS")
            context = ssl.create_default_context(cafile=str(ca_file))
            self._socket = context.wrap_socket(self._socket, server_hostname=HOST)
        parameters = b"user\0%s\0database\0%s\0\0" % (USER.encode(), DATABASE.encode())
        self._exchange(struct.pack("!II", len(parameters) + 8, _PROTOCOL_3_0) + parameters)

    def query(self, sql):
        self._exchange(self.message(sql))

    @staticmethod
    def message(sql):
        """A Query message."""
        text = sql.encode() + b"\0"
        return b"Q" + struct.pack("!I", len(text) + 4) + text

    def _exchange(self, message):
        self._socket.sendall(message)
        received = b""
        while True:
            more = self._socket.recv(65536)
            if not more:
                raise RuntimeError(f"the connection ended: {received!r}")
            received += more
            while len(received) >= 5:
                (length,) = struct.unpack_from("!I", received, 1)
                if len(received) <= length:
                    break
                kind, body = received[:1], received[5 : length + 1]
                received = received[length + 1 :]
                if kind == b"E":
                    raise RuntimeError(body.replace(b"\0", b" ").decode(errors="replace"))
                if kind == b"Z":
                    return

    def round_trip(self, message):
        """The quick form: the reply is one small result, and it ends with ReadyForQuery, idle."""
        self._socket.sendall(message)
        received = self._socket.recv(65536)
        while not received.endswith(b"Z\0\0\0\5I"):
            more = self._socket.recv(65536)
            if not more:
                raise RuntimeError(f"the connection ended: {received!r}")
            received += more

    def close(self):
        self._socket.close()
