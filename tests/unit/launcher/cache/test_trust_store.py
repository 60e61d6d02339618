"""Java itself reads the store: by its keytool."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from launcher.cache.trust_store import trust_options, trust_store
from launcher.java import packaged_java


def listed(store: Path) -> str:
    java = packaged_java()
    assert java is not None
    options = ("-list", "-keystore", str(store), "-storepass", "changeit")
    return subprocess.run(
        [java.parent / "keytool", *options], capture_output=True, text=True, check=True
    ).stdout


def test_java_reads_every_authority_that_python_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = ssl.create_default_context().get_ca_certs(binary_form=True)[:3]
    assert len(trusted) == 3
    pem = tmp_path / "house.pem"
    pem.write_text("".join(map(ssl.DER_cert_to_PEM_cert, trusted)))
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    store = tmp_path / "a store"
    options = trust_options(store)
    assert options[0] == f"-Djavax.net.ssl.trustStore={store}"
    assert store.read_bytes() == trust_store(trusted)
    assert listed(store).count("trustedCertEntry") == 3


def test_where_python_trusts_nobody_java_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert trust_options(tmp_path / "store") == []
    assert not (tmp_path / "store").exists()
