"""The certificate that the public listener shows, read from files of the operator's.

Rule that holds here: what is made of files is whole or not made; TLS 1.2 with authenticated ciphers is the least that
is spoken (RFC 9325), and HTTP/1.1 all that is offered.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from gateway.config.faults import ConfigFaults, Fault

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; every one of TLS 1.3 is as good
CERTIFICATE, KEY = "server.tls_certificate", "server.tls_key"


def read_certificate(certificate: str, key: str) -> ssl.SSLContext:
    """What shows the chain in the file `certificate`, whose private key stands in `key`, both PEM.

    Raises ConfigFaults that speaks of the configuration's key at fault.
    """
    faults = [fault for name, path in ((CERTIFICATE, certificate), (KEY, key)) if (fault := _unreadable(name, path))]
    if faults:
        raise ConfigFaults(faults)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key, password="")  # empty: nobody is there to be asked for one
    except ssl.SSLError as error:  # an OSError, too
        raise ConfigFaults([_wrong(certificate, key, error)]) from error
    return context


def _unreadable(name: str, path: str) -> Fault | None:
    try:
        Path(path).read_bytes()
    except OSError as error:  # absent, a directory, not ours to read
        return Fault(name, f'"{path}"', f"cannot be read: {error.strerror}")
    return None


def _wrong(certificate: str, key: str, error: ssl.SSLError) -> Fault:
    """Which of the two files OpenSSL could make nothing of."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return Fault(KEY, f'"{key}"', f"is not the key of {CERTIFICATE}")
    try:
        ssl.create_default_context(cafile=certificate)
    except ssl.SSLError:
        return Fault(CERTIFICATE, f'"{certificate}"', "holds no certificate in PEM form")
    return Fault(KEY, f'"{key}"', "holds no private key in PEM form without a passphrase")
