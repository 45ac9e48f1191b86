"""The publisher's side: settings to sender, tags, and what cannot be."""

from pathlib import Path

import pytest

from flashback import config, tokens
from flashback.errors import AddressError, ConfigError
from flashback.mime import Sender

from fixtures import letters

SETTINGS = """
[newsletter]
name = "Flash-back"
sender = "letter@EXAMPLE.org"
list_id = "flash-back.example.org"
reply_to = "{reply_to}"
[links]
unsubscribe = "https://example.org/leave/{{token}}"
unsubscribe_mail = "leave+x@example.org"
archive = "{archive}"
[relay]
bounce_address = "bounce@example.org"
"""


def sender_of(folder: Path, *, reply_to: str = "", archive: str = "") -> Sender:
    """A sender by way of a settings file."""
    file = folder / config.FILENAME
    file.write_text(SETTINGS.format(reply_to=reply_to, archive=archive), encoding="utf-8")
    return Sender.of(config.load(file), key=letters.KEY, date=letters.OPENED_AT)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("", ""),
        ("https://example.org/issues/", "https://example.org/issues/"),
        ("https://example.org/issues/{number}-{language}.html", "https://example.org/issues/"),
    ],
)
def test_settings_become_a_sender(tmp_path: Path, setting: str, expected: str) -> None:
    """The list of all issues stands above the single ones; addresses get their normal form."""
    sender = sender_of(tmp_path, archive=setting)
    assert sender.address == "letter@example.org"
    assert sender.archive == expected
    assert sender.reply_to == ""
    assert sender.domain == "example.org"


def test_a_mailing_keeps_its_sender() -> None:
    """What is kept as texts makes the same sender again, and holds no key."""
    sender = letters.sender()
    assert Sender.frozen(sender.public, key=letters.KEY, date=letters.OPENED_AT) == sender
    assert all(isinstance(text, str) for text in sender.public.values())
    assert "secret" not in str(sender.public)


def test_our_own_addresses_are_plain(tmp_path: Path) -> None:
    """A mailbox of ours that half the servers refuse is refused here."""
    with pytest.raises(ConfigError, match="Not every server"):
        sender_of(tmp_path, reply_to="é@example.org")
    with pytest.raises(AddressError):
        sender_of(tmp_path, reply_to="nobody")


def test_a_bounce_finds_its_delivery() -> None:
    """The envelope sender carries a tag that only we can have made."""
    reverse_path = letters.sender().envelope_sender(delivery_id=1742)
    local, _, domain = reverse_path.partition("@")
    box, _, tag = local.rpartition("+")
    assert (box, domain) == ("bounce", "example.org")
    assert tokens.delivery_of(letters.KEY, tag) == 1742


def test_bounces_come_to_from_when_nothing_else_is_set() -> None:
    """The sender's own mailbox is the last resort."""
    assert letters.sender(bounce_address="").envelope_sender(delivery_id=1).startswith("letter+1-")


def test_a_bounce_address_leaves_room_for_its_tag() -> None:
    """A local part has 64 octets at most (RFC 5321 section 4.5.3.1.1)."""
    sender = letters.sender(bounce_address="b" * 34 + "@example.org")
    assert len(sender.envelope_sender(delivery_id=10**18 - 1).partition("@")[0]) <= 64
    with pytest.raises(ConfigError, match="no room"):
        letters.sender(bounce_address="b" * 35 + "@example.org")


@pytest.mark.parametrize(
    "list_id", ["", "flash back", "flashback", "a.b>\r\nBcc: c", "é.example.org"]
)
def test_a_list_identifier_is_like_a_domain(list_id: str) -> None:
    """RFC 2919 section 2."""
    with pytest.raises(ConfigError, match="list identifier"):
        letters.sender(list_id=list_id)


def test_ways_out() -> None:
    """The token leads to the subscriber; without a mailbox there is only the URL."""
    url, mailto = letters.sender(unsubscribe_mail="leave+é@example.org").ways_out(subscriber_id=7)
    token = url.rpartition("/")[2]
    assert tokens.subscriber_of(letters.KEY, token) == 7
    assert mailto == f"mailto:leave+%C3%A9@example.org?subject=unsubscribe-{token}"
    assert letters.sender(unsubscribe_mail="").ways_out(subscriber_id=7)[1] == ""
