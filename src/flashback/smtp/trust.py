"""Whom we hand readers' addresses to: certificates are always verified, and the name with them.

There is no setting that turns this off. A relay with its own certificate authority is trusted by
naming that authority's file.
"""

import ssl
from pathlib import Path
from typing import Final

from flashback.errors import TransportError
from flashback.sentences import Sentence, tr

#: OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_HOSTNAME_MISMATCH and
#: X509_V_ERR_IP_ADDRESS_MISMATCH.
_EXPIRED: Final = 10
_WRONG_NAME: Final = frozenset({62, 64})


def context(ca_file: Path | None) -> ssl.SSLContext:
    """A context that trusts the system's authorities, or only those of a file."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise TransportError(
            tr("{file} holds no certificates that can be read.", file=ca_file),
            hint=tr("Name a file of PEM certificates: ca_file under [relay]."),
        ) from error


def refused_certificate(host: str, error: ssl.SSLCertVerificationError) -> TransportError:
    """What to tell staff about a certificate that cannot be trusted."""
    return TransportError(
        tr(
            "The certificate of {host} cannot be trusted: {reason}.",
            host=host,
            reason=error.verify_message.rstrip("."),
        ),
        hint=_way_out(error.verify_code),
    )


def _way_out(code: int) -> Sentence:
    if code in _WRONG_NAME:
        return tr("Write the name that stands in the certificate: host under [relay].")
    if code == _EXPIRED:
        return tr("Look at this machine's clock; then ask the relay's operator to renew it.")
    return tr(
        "If the relay has its own certificate authority, get its file from the operator and "
        "name it: ca_file under [relay]."
    )
