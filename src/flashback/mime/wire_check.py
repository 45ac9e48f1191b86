"""The last look at a message before it may leave: at its octets, not at how they were made.

What is checked here has gone wrong in real newsletters without a sign: a one-click header that
became an encoded word, a line end that smuggled a second message, a header field that came twice.
"""

import re
from collections import Counter
from typing import Final

from flashback.errors import FlashbackError
from flashback.mime.canonical import relaxed_body
from flashback.sentences import Sentence, tr

#: RFC 5322 section 2.1.1, without CRLF.
LONGEST_LINE: Final = 998
_EXACTLY_ONCE: Final = frozenset(
    {
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "list-id",
        "list-unsubscribe",
        "list-unsubscribe-post",
    }
)
#: Return-Path is the receiver's to write (RFC 5321 section 4.4); readers never see each other.
_NEVER: Final = frozenset({"bcc", "cc", "return-path", "auto-submitted"})
#: RFC 6376 section 4: one message may bear several signatures.
_MANY: Final = frozenset({"dkim-signature"})
#: RFC 2369 and RFC 8058 want these as they are; an encoded word breaks them silently.
_NEVER_ENCODED: Final = re.compile(r"list-|feedback-id$|message-id$|archived-at$|content-")
_FIELD: Final = re.compile(r"([!-9;-~]+):(.*)", re.DOTALL)


class UnfitMessageError(FlashbackError):
    """A message that must not leave as it is."""


def check_wire(content: bytes, *, list_unsubscribe: str) -> None:
    """Raise UnfitMessageError unless the octets may leave. Expects CRLF line ends.

    ``list_unsubscribe`` is the value that field must have once unfolded.
    """
    rest = content.replace(b"\r\n", b"")
    if b"\r" in rest or b"\n" in rest or b"\0" in rest:
        raise _unfit(tr("it has a line end that is not CRLF, or a NUL"))
    if any(len(line) > LONGEST_LINE for line in content.split(b"\r\n")):
        raise _unfit(tr("it has a line of more than {number} octets", number=LONGEST_LINE))
    head, _, body = content.partition(b"\r\n\r\n")
    if not body.isascii():
        raise _unfit(tr("its body is not 7-bit"))
    if b"\n." in content:
        raise _unfit(tr("a line of it begins with a dot"))
    if relaxed_body(body) != body:
        raise _unfit(tr("its body is not in the form that signatures are made of"))
    _check_fields(_fields(head), list_unsubscribe)


def _fields(head: bytes) -> list[tuple[str, str]]:
    """Names in lower case, and unfolded values."""
    unfolded = head.decode("utf-8", "surrogateescape").replace("\r\n ", " ")
    found = [_FIELD.fullmatch(line) for line in unfolded.split("\r\n")]
    if not all(found):
        raise _unfit(tr("a line of its head is no header field"))
    return [(match[1].lower(), match[2].strip(" ")) for match in found if match]


def _check_fields(fields: list[tuple[str, str]], list_unsubscribe: str) -> None:
    counts = Counter(name for name, _ in fields)
    for name in sorted(_EXACTLY_ONCE):
        if counts[name] != 1:
            raise _unfit(tr("it has {number} fields {name}", number=counts[name], name=name))
    for name, value in fields:
        if (counts[name] > 1 and name not in _MANY) or name in _NEVER:
            raise _unfit(tr("it has a field {name} too many", name=name))
        # RFC 6532: only the reader's own address may have letters beyond ASCII.
        if not value.isascii() and name != "to":
            raise _unfit(tr("its field {name} is not ASCII", name=name))
        identifier = value.rpartition("<")[2] if name == "list-id" else value
        if "=?" in identifier and _NEVER_ENCODED.match(name):
            raise _unfit(tr("its field {name} is encoded", name=name))
    values = dict(fields)
    if values["list-unsubscribe"] != list_unsubscribe:
        raise _unfit(tr("its field {name} is not as it was meant", name="list-unsubscribe"))
    # RFC 8058 section 3.1.
    if values["list-unsubscribe-post"] != "List-Unsubscribe=One-Click":
        raise _unfit(tr("its field {name} is not as it was meant", name="list-unsubscribe-post"))


def _unfit(reason: Sentence) -> UnfitMessageError:
    return UnfitMessageError(
        tr("A message was built that must not leave: {reason}.", reason=reason),
        hint=tr("Nothing of it was sent. Check the links and names in flashback.toml."),
    )
