"""Signatures as others see them: dkimpy and OpenDKIM pass what we sign, and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dkim  # type: ignore[import-untyped]
import pytest

from flashback.mime import build, builder
from flashback.model import Edition

from fixtures import letters, signing

ARABIC = "السلام عليكم ورحمة الله " * 40
EDITIONS = {
    "short": letters.edition(),
    "awkward": letters.edition(
        subject="Numéro 35 : l’été à  Fès, et la rentrée qui s’annonce dans les écoles du pays",
        html="<p>.Été  à\tFès </p>\n.\nFrom me __FB_READER_NAME____FB_UNSUBSCRIBE_URL__ x\n\n\n",
        text="x " * 200 + "__FB_READER_NAME__ __FB_UNSUBSCRIBE_URL__\n\n\n",
    ),
    "pictures": letters.edition(
        html=f'<p>{ARABIC}</p>__FB_READER_NAME__<img alt="__FB_READER_ADDRESS__" src="cid:pixel.1">'
        f"{ARABIC}__FB_UNSUBSCRIBE_URL__",
        images=(letters.PIXEL,),
    ),
}
READERS = {
    "nobody": letters.claim(1),
    "named": letters.claim(2, name="نادية  بنت محمد العلوي من مدينة فاس العتيقة في المغرب"),
    "quoted": letters.claim(3, name='Dupré, "É." <x@example.org>'),
    "beyond ASCII": letters.claim(4, mailbox="نادية@example.org", name="Nadia"),
}


def signed(edition: Edition, reader: str = "named") -> bytes:
    """A message by the way that mailings take, with both signatures."""
    claim = replace(READERS[reader], edition_digest=edition.digest)
    make = builder({edition.digest: edition}, letters.sender(), signing.signers())
    return make(claim).content


def dkimpy(content: bytes) -> list[bool]:
    """What dkimpy thinks of the first and the second signature."""

    def ask(name: bytes, timeout: int = 5) -> bytes:
        return signing.records()[name.decode().rstrip(".")].encode()

    verifier = dkim.DKIM(content)
    found = []
    for number in (0, 1):
        try:
            found.append(bool(verifier.verify(number, dnsfunc=ask)))
        except dkim.ValidationError:
            found.append(False)
    return found


@pytest.mark.parametrize("edition", EDITIONS.values(), ids=EDITIONS)
@pytest.mark.parametrize("reader", READERS)
def test_both_signatures_pass(edition: Edition, reader: str, tmp_path: Path) -> None:
    """In two programs that know nothing of ours, for any reader of any edition."""
    content = signed(edition, reader)
    assert dkimpy(content) == [True, True]
    assert signing.verdicts(tmp_path, content) == {"one": "pass", "two": "pass"}


def test_a_single_message_passes_as_well(tmp_path: Path) -> None:
    """Trial messages are built one by one, and signed as mailings are."""
    message = build(
        letters.edition(), letters.claim(), sending=letters.sender(), signers=signing.signers()
    )
    assert dkimpy(message.content) == [True, True]
    assert signing.verdicts(tmp_path, message.content) == {"one": "pass", "two": "pass"}


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """A forger who changes these octets."""

    def changed(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return changed


@pytest.mark.parametrize(
    "forged",
    [
        swap(b"\r\nList-Unsubscribe: <https://example.org/", b"\r\nList-Unsubscribe: <https://a.b/"),
        swap(b"\r\nList-Unsubscribe-Post: ", b"\r\nList-Unsubscribe-Post: x"),
        swap(b"\r\nFrom: ", b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFrom: "),
        swap(b"\r\nFrom: ", b"\r\nList-Unsubscribe: <https://a.b/>\r\nFrom: "),
        swap(b"\r\nFrom: ", b"\r\nSubject: Another\r\nFrom: "),
        swap(b"\r\nFrom: ", b"\r\nReply-To: a@b.org\r\nFrom: "),
        swap(b"\r\nTo: ", b"\r\nTo: x "),
        swap(b"<p>", b"<q>"),
        lambda content: content + b"more\r\n",
    ],
    ids=[
        "another way out", "no one-click", "second one-click", "second way out", "second subject",
        "second reply-to", "another reader", "another body", "longer body",
    ],
)  # fmt: skip
def test_what_was_changed_fails(forged: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Neither signature covers for a change, nor for a field that was added."""
    content = forged(signed(EDITIONS["short"]))
    assert dkimpy(content) == [False, False]
    assert "pass" not in signing.verdicts(tmp_path, content).values()


@pytest.mark.parametrize("relay", [lambda c: c.replace(b" <mailto", b"\t  <mailto"),
                                   lambda c: c + b"\r\n\r\n"],
                         ids=["folds anew", "adds empty lines"])  # fmt: skip
def test_what_relays_do_is_forgiven(relay: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """White space between the words of a field, and empty lines at the end."""
    content = relay(signed(EDITIONS["short"]))
    assert dkimpy(content) == [True, True]
    assert signing.verdicts(tmp_path, content) == {"one": "pass", "two": "pass"}


def test_a_missing_reply_to_cannot_be_added() -> None:
    """A newsletter without Reply-To signs that there is none."""
    make = builder(
        {letters.edition().digest: letters.edition()},
        letters.sender(reply_to=""),
        signing.signers(),
    )
    content = make(letters.claim()).content
    assert dkimpy(content) == [True, True]
    assert dkimpy(b"Reply-To: thief@example.com\r\n" + content) == [False, False]
