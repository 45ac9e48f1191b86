"""Who gets which edition."""

import pytest

from flashback.dispatch import plan
from flashback.errors import IssueError

from samples import edition


def test_each_reader_gets_the_edition_in_their_language() -> None:
    """Language decides, by its primary subtag; others get the newsletter's own edition."""
    readers = [(1, "fr"), (2, "ar-MA"), (3, "EN"), (4, "de"), (5, "")]
    found = plan([edition("ar"), edition("fr"), edition("en")], readers, fallback="fr")
    assert [(d.subscriber_id, d.language) for d in found.deliveries] == [
        (1, "fr"), (2, "ar"), (3, "en"), (4, "fr"), (5, "fr"),
    ]  # fmt: skip


def test_without_the_fallback_edition_the_first_one_serves() -> None:
    """Nobody is left out because an edition is missing."""
    found = plan([edition("en")], [(1, "fr")], fallback="fr")
    assert found.deliveries[0].language == "en"


def test_nothing_to_send_is_an_error() -> None:
    """A mailing without an edition cannot be planned."""
    with pytest.raises(IssueError, match="no edition"):
        plan([], [(1, "fr")], fallback="fr")
