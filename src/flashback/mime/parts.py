"""MIME parts: texts, pictures and the multiparts round them (RFC 2045, RFC 2046, RFC 2387).

Every part is 7-bit: the message passes any relay unchanged, which a signature needs.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from flashback.mime.encoding import CRLF, Encoding, base64_lines
from flashback.mime.wire_check import UnfitMessageError
from flashback.model import Edition, InlineImage
from flashback.sentences import tr

_MEDIA_TYPE: Final = re.compile(r"image/[a-z0-9.+-]+")
_CONTENT_ID: Final = re.compile(r"[A-Za-z0-9._@+-]+")
_NOT_IN_FILENAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


def text_part(media_type: str, encoding: Encoding, body: bytes) -> bytes:
    """A text in UTF-8 whose body is encoded already."""
    head = (
        f'Content-Type: {media_type}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + body


def tree(edition: Edition, *, plain: bytes, rich: bytes) -> tuple[bytes, bytes]:
    """The Content-Type field of a message and its body, round two text parts.

    Plain text stands first: RFC 2046 section 5.1.4 puts the richest form last. The boundaries are
    the edition's: the same for all its readers.
    """
    if edition.images:
        pictures = [image_part(image) for image in edition.images]
        rich = multipart('related; type="text/html"', [rich, *pictures], seed=edition.digest)
    whole = multipart("alternative", [plain, rich], seed=edition.digest)
    content_type, _, body = whole.partition(b"\r\n\r\n")
    return content_type + CRLF, body


def image_part(image: InlineImage) -> bytes:
    """A picture that the HTML shows by ``cid:``."""
    if not _MEDIA_TYPE.fullmatch(image.media_type) or not _CONTENT_ID.fullmatch(image.content_id):
        raise UnfitMessageError(
            tr("The picture {name} cannot travel with a message.", name=image.filename),
            hint=tr("Use a PNG, JPEG or GIF picture."),
        )
    # A name is a courtesy; a foreign letter in it is not worth RFC 2231.
    filename = _NOT_IN_FILENAME.sub("-", image.filename)[-40:]
    head = (
        f"Content-Type: {image.media_type}\r\n"
        f"Content-Transfer-Encoding: base64\r\n"
        f"Content-ID: <{image.content_id}>\r\n"
        f'Content-Disposition: inline; filename="{filename}"\r\n\r\n'
    )
    return head.encode() + base64_lines(image.content)


def multipart(subtype: str, parts: Sequence[bytes], *, seed: str) -> bytes:
    """Parts under a boundary derived from ``seed``, so that a message has one form only.

    The boundary holds "=_", which neither quoted-printable nor base64 can contain (RFC 2045
    section 6.7), so it never occurs in a part.
    """
    name = subtype.partition(";")[0]
    boundary = f"=_{hashlib.sha256(f'{name} {seed}'.encode()).hexdigest()[:24]}_{name}"
    opening = f"--{boundary}\r\n".encode()
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'
    body = CRLF.join(opening + part for part in parts)
    return head.encode() + body + f"\r\n--{boundary}--\r\n".encode()
