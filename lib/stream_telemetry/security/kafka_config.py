"""A file of Kafka's settings in the names of its Java client, for both of its clients.

The file is read again each time that a client is made, so that passwords and certificates that were
replaced are those of the next client.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stream_telemetry.errors import KafkaConfigError
from stream_telemetry.security import jaas, names
from stream_telemetry.security.demands import (
    check_login,
    check_mechanism,
    check_protocol,
    check_readers,
    check_shown,
    check_stores,
)
from stream_telemetry.security.java_properties import properties_in
from stream_telemetry.security.pem_files import in_lines
from stream_telemetry.security.references import (
    files_in,
    followed,
    has_references,
    providers,
    reference_to,
)

_HANDLER = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
_OIDC = {"clientId": "client.id", "clientSecret": "client.secret", "scope": "scope"}


@dataclass(frozen=True)
class KafkaConfig:
    """What a file says, as it is now.

    Attributes:
        path: of the file.
        written: its properties as they are written.
        found: the same, with what references lead to.
    """

    path: Path
    # What stands in them is not for logs and messages.
    written: Mapping[str, str] = field(repr=False)
    found: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> KafkaConfig:
        """Reads and checks the file, and what it refers to.

        Raises:
            KafkaConfigError: it cannot be used by one of the clients; one line, without secrets.
        """
        try:
            return cls._read(path.absolute())
        except KafkaConfigError as error:
            raise KafkaConfigError(f"Kafka config {path}: {error}") from error

    @classmethod
    def _read(cls, path: Path) -> KafkaConfig:
        try:
            written = properties_in(path.read_text("utf-8"))
        except OSError as error:
            raise KafkaConfigError(f"cannot be read ({error.strerror}); name another") from error
        except UnicodeDecodeError as error:
            raise KafkaConfigError("is not UTF-8; write it anew") from error
        names.check_names(written)
        # A login is taken apart before its references are followed.
        found = {k: v if k == names.LOGIN else followed(k, v) for k, v in written.items()}
        config = cls(path, written, found)
        check_protocol(found)
        check_shown(found)
        if config.uses_tls:
            check_stores(found)
        if config.uses_login:
            check_mechanism(found, _HANDLER)
            check_login(found, config._login())
        check_readers(config._secret_files())
        # What cannot be translated is to be told now.
        config.for_jvm()
        config.for_librdkafka()
        return config

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self._protocol.endswith("SSL")

    @property
    def uses_login(self) -> bool:
        """Whether there is a login, other than by certificate."""
        return self._protocol.startswith("SASL")

    @property
    def token_endpoint(self) -> str | None:
        """Where tokens come from; Java asks there only if a system property allows it."""
        return self.found.get("sasl.oauthbearer.token.endpoint.url")

    def for_jvm(self) -> dict[str, str]:
        """Settings of the Java client, which finds the secrets where they are kept.

        Raises:
            KafkaConfigError: a secret cannot be referred to.
        """
        parts = {**names.USER, **names.CLIENT}
        settings = {k: self._shown(k) for k in self.written if k not in parts}
        if self.uses_login:
            settings[names.LOGIN] = settings.get(names.LOGIN) or self._composed()
        if self.token_endpoint and self.uses_login:
            settings[names.HANDLER] = _HANDLER
        # The stamp makes a client with new secrets another one to Spark, which keeps clients.
        stamp = {"config.providers.file.param.read": self.stamp()}
        return settings | providers(tuple(self._files())) | stamp

    def for_librdkafka(self) -> dict[str, str]:
        """Settings of librdkafka, secrets among them.

        Raises:
            KafkaConfigError: the login cannot be read.
        """
        settings = {name: self.found[name] for name in names.ALIKE if name in self.found}
        for name, theirs in names.RENAMED.items():
            if name in self.found:
                value = self.found[name]
                is_pem = theirs[0].endswith(".pem")
                settings |= dict.fromkeys(theirs, in_lines(value) if is_pem else value)
        if self.uses_tls:
            settings[names.HOST_CHECK] = self.found.get(names.HOST_CHECK, "https").lower() or "none"
            if not {"ssl.ca.location", "ssl.ca.pem"} & settings.keys():
                # Else it looks where its own maker has put the authorities, not this machine's.
                settings["ssl.ca.location"] = "probe"
        return settings | (self._login_for_librdkafka() if self.uses_login else {})

    def stamp(self) -> str:
        """Another text when one of the files was replaced."""
        seen = hashlib.sha256()
        for path in sorted({self.path, *self._files(), *self._stores()}):
            try:
                state = path.stat()
            except OSError:
                continue
            seen.update(f"{path} {state.st_mtime_ns} {state.st_size} {state.st_ino};".encode())
        return seen.hexdigest()[:16]

    @property
    def _protocol(self) -> str:
        return self.found.get("security.protocol", "PLAINTEXT")

    @property
    def _mechanism(self) -> str:
        return self.found.get("sasl.mechanism", "")

    def _composed(self) -> str:
        parts = names.CLIENT if self._mechanism == "OAUTHBEARER" else names.USER
        given = {to: self._shown(name) for name, to in parts.items() if name in self.written}
        return jaas.written(self._mechanism, given)

    def _login(self) -> jaas.Login:
        return jaas.read(self.written.get(names.LOGIN) or self._composed())

    def _login_for_librdkafka(self) -> dict[str, str]:
        options = self._login().options
        if self._mechanism != "OAUTHBEARER":
            return {f"sasl.{name}": options[name] for name in ("username", "password")}
        given = {f"sasl.oauthbearer.{to}": options[k] for k, to in _OIDC.items() if k in options}
        if authority := options.get("ssl.truststore.location"):
            given["https.ca.location"] = authority
        return given | {"sasl.oauthbearer.method": "oidc"}

    def _shown(self, name: str) -> str:
        """A value as anybody may see it."""
        value = self.written[name]
        if name not in names.SECRETS or has_references(value):
            return value
        return reference_to(self.path, name)

    def _files(self) -> Iterator[Path]:
        """The files that the Java client follows references to."""
        yield self.path
        for value in self.written.values():
            yield from files_in(value)

    def _secret_files(self) -> Iterator[Path]:
        for name, value in self.written.items():
            yield from files_in(value)
            is_secret = name in names.SECRETS and "certificate" not in name
            if is_secret and not has_references(value):
                yield self.path
        if own := self.found.get("ssl.keystore.location"):
            yield Path(own)

    def _stores(self) -> Iterator[Path]:
        for name in ("ssl.truststore.location", "ssl.keystore.location"):
            if name in self.found:
                yield Path(self.found[name])
