"""The exporter's side of TLS: its files, and what is in them now."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from stream_telemetry.errors import TelemetryError
from stream_telemetry.logs.rate_limit import News

_REPEAT_SECONDS = 600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tls:
    """Files for TLS; with `client_ca`, clients must show a certificate that it has signed."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """What the server needs, of the files as they are now.

        Raises:
            TelemetryError: a file is missing or is not what it should be.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key, self._refuse_password)
            if self.client_ca:
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except OSError as error:  # ssl.SSLError is one
            raise TelemetryError(
                f"TLS files {self.certificate}, {self.key}, {self.client_ca or 'no client CA'}: "
                f"{error}; name PEM files that belong together"
            ) from error
        return context

    def stamp(self) -> tuple[object, ...]:
        """Something else when one of the files was replaced."""
        try:
            states = [path.stat() for path in (self.certificate, self.key, self.client_ca) if path]
            return tuple((state.st_mtime_ns, state.st_size, state.st_ino) for state in states)
        except OSError:
            # Such as between the removal of one and its successor.
            return ()

    def _refuse_password(self) -> NoReturn:
        # OpenSSL itself would ask for it on the terminal, and wait.
        raise TelemetryError(
            f"TLS key {self.key} is encrypted, and nobody is there to give its password; write it "
            "without one, for its owner alone: openssl pkey -in OLD -out NEW"
        )


class RenewedTls:
    """TLS by the files as they are, for a server that runs longer than a certificate is valid.

    A replacement that cannot be used is told in the log, and what was there before is kept.
    """

    def __init__(self, files: Tls) -> None:
        """Reads the files; raises TelemetryError like `Tls.context`."""
        self._files = files
        self._news = News(_REPEAT_SECONDS)
        self._seen = files.stamp()
        self._context = files.context()

    def current(self) -> ssl.SSLContext:
        """What the next connection needs; looks whether a file was replaced."""
        if (stamp := self._files.stamp()) and stamp != self._seen:
            try:
                self._context = self._files.context()
            except TelemetryError as error:
                # Tried again each time: certificate and key are seldom replaced in one step.
                if self._news.is_news("renewal"):
                    log.warning("%s; what they held before is kept", error)
            else:
                self._seen = stamp
                log.info("TLS files of the exporter were replaced, and are used from now on")
        return self._context
