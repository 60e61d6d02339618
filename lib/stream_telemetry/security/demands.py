"""What must hold of the properties together, so that both clients get in by them."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from stream_telemetry.errors import KafkaConfigError
from stream_telemetry.security import jaas, names
from stream_telemetry.security.pem_files import check_authority, check_own, check_type, read_pem
from stream_telemetry.values import has_login

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_INLINE = {
    "truststore": ("ssl.truststore.certificates",),
    "keystore": ("ssl.keystore.certificate.chain", "ssl.keystore.key"),
}


def check_protocol(found: Mapping[str, str]) -> None:
    """Raises KafkaConfigError for a protocol that there is not."""
    given = found.get("security.protocol", "PLAINTEXT")
    if given not in _PROTOCOLS:
        raise KafkaConfigError(
            f"security.protocol is {given}; use one of {', '.join(_PROTOCOLS)}, in capitals"
        )


def check_mechanism(found: Mapping[str, str], handler: str) -> None:
    """Sees whether both clients have the mechanism of the login, and what it needs.

    Args:
        found: the properties.
        handler: the one class that asks for tokens.

    Raises:
        KafkaConfigError: they have not, or there are two logins.
    """
    mechanism = found.get("sasl.mechanism")
    if mechanism not in jaas.MODULES:
        raise KafkaConfigError(
            f"sasl.mechanism is {mechanism or 'not set'}; use one of {', '.join(jaas.MODULES)}"
        )
    if mechanism == "OAUTHBEARER" and "sasl.oauthbearer.token.endpoint.url" not in found:
        raise KafkaConfigError("OAUTHBEARER needs sasl.oauthbearer.token.endpoint.url; set it")
    if found.get(names.HANDLER, handler) != handler:
        raise KafkaConfigError(f"{names.HANDLER} is not known to librdkafka; leave it out")
    parts = sorted({*names.USER, *names.CLIENT} & found.keys())
    if names.LOGIN in found and parts:
        raise KafkaConfigError(f"{names.LOGIN} and {parts[0]} are both there; leave one out")


def check_login(found: Mapping[str, str], login: jaas.Login) -> None:
    """Raises KafkaConfigError for a login that is of another mechanism, or not complete."""
    mechanism = found["sasl.mechanism"]
    if login.module != jaas.MODULES[mechanism]:
        raise KafkaConfigError(
            f"{names.LOGIN} has {login.module}; {mechanism} needs {jaas.MODULES[mechanism]}"
        )
    parts = names.CLIENT if mechanism == "OAUTHBEARER" else names.USER
    for name, option in list(parts.items())[:2]:
        if not login.options.get(option):
            raise KafkaConfigError(
                f"the login has no {option}; set {name}, or {option} in {names.LOGIN}"
            )


def check_stores(found: Mapping[str, str]) -> None:
    """Sees whether both clients can read authorities and own certificate.

    Raises:
        KafkaConfigError: one of them cannot.
    """
    if found.get(names.HOST_CHECK, "https").lower() not in ("https", ""):
        raise KafkaConfigError(
            f"{names.HOST_CHECK} is {found[names.HOST_CHECK]!r}; use https, or nothing for no "
            "check of the host's name"
        )
    for kind, inline in _INLINE.items():
        location = f"ssl.{kind}.location"
        name = location if location in found else inline[0]
        if not {location, *inline} & found.keys():
            continue
        check_type(kind, found.get(f"ssl.{kind}.type"))
        if name == location:
            pem = read_pem(name, found[name])
        else:
            pem = "".join(found.get(part, "") for part in inline)
        if kind == "truststore":
            check_authority(name, pem)
        else:
            check_own(name, pem, has_password="ssl.key.password" in found)


def check_shown(found: Mapping[str, str]) -> None:
    """Raises KafkaConfigError for a password in a value that Spark's pages and logs show."""
    for name, value in found.items():
        if name not in names.SECRETS and has_login(value):
            raise KafkaConfigError(
                f"{name} holds a login in its URL, which pages and logs would show; leave it out "
                "there, a login has properties of its own"
            )


def check_readers(files: Iterable[Path]) -> None:
    """Raises KafkaConfigError for a file with a secret that everybody on the machine may read."""
    for path in sorted(set(files)):
        if stat.S_IMODE(path.stat().st_mode) & stat.S_IROTH:
            raise KafkaConfigError(
                f"{path} holds a secret, and everybody on this machine may read it; "
                f"chmod o-r {path} (a volume of Kubernetes: defaultMode 0440)"
            )
