"""A TLS front to a server that has none, with a certificate made for it."""

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class TlsLine:
    """Ends TLS and carries the bytes on to ``port`` on the loopback address."""

    def __init__(self, folder: Path, port: int) -> None:
        self._target = port
        self.certificate = folder / "certificate.pem"
        self._key = folder / "key.pem"
        self.port = 0
        self.refused = 0
        """Clients that did not believe the certificate."""
        self._carried: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._make()

    def _make(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
            .not_valid_after(datetime.now(UTC) + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        self._key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["TlsLine"]:
        """Carry while the block runs."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self._key)
        plain = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self._context = context
        self.port = plain.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            plain.close()
            for writer in self._carried.values():
                writer.transport.abort()
            await asyncio.gather(*self._carried)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = cast("asyncio.Task[None]", asyncio.current_task())
        self._carried[here] = writer
        here.add_done_callback(self._carried.pop)
        try:
            await writer.start_tls(self._context)
        except (ssl.SSLError, ConnectionError):
            self.refused += 1
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(copy(reader, back), copy(there, writer))


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way until the end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
