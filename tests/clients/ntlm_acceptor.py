"""An HTTP server that demands NTLM, by the hand of pyspnego: what our client says is judged by somebody else's reading of MS-NLMP.

It prints `READY port`, then a line for each login: `LOGIN user` or `REFUSED reason`. Every request of a logged-in connection is answered with a small
SOAP envelope naming the connection, the request's place on it, and the length of the body received.
"""

import argparse
import base64
import hashlib
import os
import socket
import ssl
import struct
import sys
import tempfile
import threading

import spnego
from cryptography import x509
from spnego.channel_bindings import GssChannelBindings

ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<served connection="{}" turn="{}" received="{}"/></s:Body></s:Envelope>'
)
CHANNEL_BINDINGS = 10


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cert", help="certificate in PEM: serve TLS")
    parser.add_argument("--key", help="its key in PEM")
    parser.add_argument("--user", action="append", required=True, help=r"DOMAIN\user or user@domain; may be repeated")
    parser.add_argument("--password", required=True)
    parser.add_argument("--require-binding", action="store_true", help="refuse logins not bound to the certificate")
    parser.add_argument("--close-every", type=int, default=0, metavar="N", help="close a connection after N served requests")
    return parser.parse_args()


def say(*words):
    print(*words, flush=True)


def end_point(path):
    """The tls-server-end-point value of a certificate (RFC 5929), computed apart from the client's way of doing it."""
    certificate = x509.load_pem_x509_certificate(open(path, "rb").read())
    name = certificate.signature_hash_algorithm.name
    name = "sha256" if name in ("md5", "sha1") else name
    from cryptography.hazmat.primitives.serialization import Encoding

    return b"tls-server-end-point:" + hashlib.new(name, certificate.public_bytes(Encoding.DER)).digest()


def binding_pair(message):
    """The channel bindings in an AUTHENTICATE message; None if it has no such pair."""
    length, _, offset = struct.unpack_from("<HHI", message, 20)
    pairs = message[offset : offset + length][44:]
    while len(pairs) >= 4:
        kind, size = struct.unpack_from("<HH", pairs)
        if kind == 0:
            return None
        if kind == CHANNEL_BINDINGS:
            return pairs[4 : 4 + size]
        pairs = pairs[4 + size :]
    return None


def read_request(stream):
    head = {}
    if not stream.readline():
        return None
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        head[name.decode().lower()] = value.strip().decode()
    return head, stream.read(int(head.get("content-length", 0)))


def answer(stream, status, body, *headers):
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/xml; charset=utf-8", f"Content-Length: {len(body.encode())}", *headers, "", body]
    stream.write("\r\n".join(lines).encode())
    stream.flush()


class Connection:
    """One connection: nobody at first, somebody after a login, for as long as it lasts."""

    def __init__(self, number, chosen, channel):
        self.number, self.chosen, self.channel = number, chosen, channel
        self.context, self.known, self.served = None, False, 0

    def serve(self, stream):
        while (request := read_request(stream)) is not None:
            head, body = request
            scheme, _, token = head.get("authorization", "").partition(" ")
            if token:
                self.known = False
                if not self.step(stream, scheme, base64.b64decode(token)):
                    continue
            if not self.known:
                answer(stream, "401 Unauthorized", "<html>who are you?</html>", "WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM")
                continue
            self.served += 1
            answer(stream, "200 OK", ENVELOPE.format(self.number, self.served, len(body)))
            if self.served == self.chosen.close_every:
                return

    def step(self, stream, scheme, message):
        """Takes a message; true once the login is complete."""
        try:
            if message[8] == 1:
                # The bindings are compared here, byte by byte: the library would let sixteen zero bytes pass.
                self.context = spnego.server(hostname="localhost", service="HTTP", protocol="ntlm", channel_bindings=self.channel)
            elif self.chosen.require_binding:
                expected = hashlib.md5(self.channel.pack()).digest()
                if binding_pair(message) != expected:
                    raise ValueError(f"binding is {binding_pair(message)}, not {expected}")
            reply = self.context.step(message)
        except Exception as error:  # whatever the library raises is a refusal
            say("REFUSED", repr(error))
            answer(stream, "401 Unauthorized", "", "WWW-Authenticate: NTLM")
            return False
        if not self.context.complete:
            answer(stream, "401 Unauthorized", "<html>prove it</html>", f"WWW-Authenticate: {scheme} {base64.b64encode(reply).decode()}")
            return False
        self.known = True
        say("LOGIN", self.context.client_principal or "somebody")
        return True


def handle(raw, number, chosen, tls, channel):
    try:
        with (tls.wrap_socket(raw, server_side=True) if tls else raw) as connection, connection.makefile("rwb") as stream:
            Connection(number, chosen, channel).serve(stream)
    except OSError:
        pass


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    chosen = options()
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".users") as users:
        for user in chosen.user:
            domain, _, name = user.rpartition("\\")
            users.write(f"{domain}:{name}:{chosen.password}\n")
        users.flush()
        os.environ["NTLM_USER_FILE"] = users.name
        tls = channel = None
        if chosen.cert:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(chosen.cert, chosen.key)
            if chosen.require_binding:
                channel = GssChannelBindings(application_data=end_point(chosen.cert))
        listener = socket.create_server(("127.0.0.1", chosen.port))
        say("READY", listener.getsockname()[1])
        number = 0
        while True:
            raw, _ = listener.accept()
            threading.Thread(target=handle, args=(raw, number, chosen, tls, channel), daemon=True).start()
            number += 1


if __name__ == "__main__":
    main()
