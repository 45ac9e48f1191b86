"""Header fields as they stand on the wire (RFC 5322, RFC 2047).

The standard library's serialiser is not used: it turns a ``List-Unsubscribe`` with a long URL into
an encoded word, which kills the one-click button, and it quotes encoded words in phrases. Here a
value is either a run of tokens that are never broken, or a run of encoded words.

Nothing that goes in can add a header field: control characters never come out.
"""

import base64
import re
import string
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from flashback.mime.wire_check import UnfitMessageError
from flashback.sentences import tr

#: RFC 2047 section 2: a line with encoded words has 76 characters at most; we fold all there.
LINE: Final = 76
_WORD: Final = 75
_OPEN_B: Final = "=?utf-8?b?"
_OPEN_Q: Final = "=?utf-8?q?"
_CLOSE: Final = "?="
_FRAME: Final = len(_OPEN_Q) + len(_CLOSE)
#: RFC 2047 section 5(3): what needs no escape even within a phrase.
_BARE: Final = frozenset((string.ascii_letters + string.digits + "!*+-/").encode())
#: Controls, line and paragraph separators, surrogates; no-break spaces stay, French needs them.
_UNFIT: Final = re.compile("[\\x00-\\x20\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]+")
_CONTROL: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]")
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~ ]+")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]*")


def clean(text: str) -> str:
    """Text on one line: each run of controls and spaces becomes one space, none at the ends."""
    if text.isprintable() and "  " not in text:
        return text.strip(" ")
    return _UNFIT.sub(" ", text).strip(" ")


def field(name: str, tokens: Iterable[str]) -> str:
    """A field of tokens that are never broken, folded between them, with its line end.

    The first token stays beside the name: a first line without content confuses old parsers.
    Raises UnfitMessageError on a token with a control character, which could end the field.
    """
    lines = [f"{name}:"]
    for position, token in enumerate(tokens):
        if _CONTROL.search(token):
            raise UnfitMessageError(
                tr("A header field {name} would hold a control character.", name=name),
                hint=tr("It would read: {text}", text=clean(token)),
            )
        if position and len(lines[-1]) + 1 + len(token) > LINE:
            lines.append("")
        lines[-1] += f" {token}"
    return "\r\n".join(lines) + "\r\n"


def text_field(name: str, text: str) -> str:
    """A field of free text, such as Subject."""
    return field(name, _free(clean(text), first=LINE - len(name) - 2))


def mailbox_field(name: str, display_name: str, address: str) -> str:
    """A field of one mailbox: ``From``, ``To``, ``Reply-To``."""
    phrase = _phrase(clean(display_name), first=LINE - len(name) - 2)
    return field(name, [*phrase, f"<{address}>"] if phrase else [address])


def list_id_field(display_name: str, list_id: str) -> str:
    """List-Id (RFC 2919): a phrase, and an identifier that is never encoded."""
    phrase = _phrase(clean(display_name), first=LINE - len("List-Id: "))
    return field("List-Id", [*phrase, f"<{list_id}>"])


def _free(text: str, *, first: int) -> Sequence[str]:
    words = text.split(" ") if text else []
    if _is_plain(text) and all(len(word) <= first for word in words):
        return words
    return encoded_words(text, first=first)


def _phrase(text: str, *, first: int) -> Sequence[str]:
    """An RFC 5322 phrase: as it is, between quotes, or as encoded words without quotes."""
    if not text:
        return ()
    if _is_plain(text):
        quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if len(quoted) <= first:
            return (text,) if _ATOMS.fullmatch(text) else (quoted,)
    return encoded_words(text, first=first)


def _is_plain(text: str) -> bool:
    """Whether text can stand as it is: ASCII, and nothing a reader would take for encoded."""
    return _PRINTABLE.fullmatch(text) is not None and "=?" not in text


def encoded_words(text: str, *, first: int) -> Sequence[str]:
    """RFC 2047 encoded words of at most 75 characters, no character split between two.

    ``first`` is what is left for the first word on its line. Of the two encodings the whole text
    gets the shorter one; Arabic gets base64.
    """
    octets = text.encode()
    opening, encode, whole = _OPEN_Q, _q, _q(octets)
    # Three octets make four letters, and what is left over makes four more.
    if len(whole) > 4 * -(-len(octets) // 3):
        opening, encode, whole = _OPEN_B, _b, _b(octets)
    if len(whole) <= first - _FRAME:
        return [opening + whole + _CLOSE]
    return _words(text, opening, encode, first)


def _words(text: str, opening: str, encode: Callable[[bytes], str], first: int) -> Sequence[str]:
    words: list[str] = []
    piece, room = b"", first - _FRAME
    for character in text:
        longer = piece + character.encode()
        if piece and len(encode(longer)) > room:
            words.append(opening + encode(piece) + _CLOSE)
            longer, room = character.encode(), _WORD - _FRAME
        piece = longer
    return [*words, opening + encode(piece) + _CLOSE]


def _b(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _q(octets: bytes) -> str:
    return "".join([_Q[octet] for octet in octets])


_Q: Final = tuple(
    chr(octet) if octet in _BARE else "_" if octet == ord(" ") else f"={octet:02X}"
    for octet in range(256)
)
