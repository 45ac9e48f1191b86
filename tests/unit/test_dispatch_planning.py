"""Who gets which edition."""

import pytest

from flashback.dispatch.planning import fallback_of, language_for
from flashback.errors import IssueError

from samples import edition


@pytest.mark.parametrize(
    ("reader", "gets"), [("fr", "fr"), ("ar-MA", "ar"), ("EN", "en"), ("de", "fr"), ("", "fr")]
)
def test_each_reader_gets_the_edition_in_their_language(reader: str, gets: str) -> None:
    """Language decides, by its primary subtag; others get the newsletter's own edition."""
    assert language_for(reader, {"ar", "fr", "en"}, fallback="fr") == gets


def test_the_preferred_language_is_the_fallback() -> None:
    """Readers without an edition of their own get the preferred one, wherever it stands."""
    assert fallback_of([edition("ar"), edition("fr")], preferred="fr") == "fr"


def test_without_the_preferred_edition_the_first_one_serves() -> None:
    """Nobody is left out because an edition is missing."""
    assert fallback_of([edition("en"), edition("ar")], preferred="fr") == "en"


def test_nothing_to_send_is_an_error() -> None:
    """A mailing without an edition cannot be planned."""
    with pytest.raises(IssueError, match="no edition"):
        fallback_of([], preferred="fr")
