"""The words of the house: what the values promise beyond holding their fields."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from typing import Any

import pytest

from flashback import model
from flashback.model import (
    EDITION_LANGUAGES,
    TRANSITIONS,
    Account,
    Address,
    Article,
    Block,
    Break,
    Code,
    DeliveryState,
    Direction,
    Edition,
    Emphasis,
    Finding,
    Hyperlink,
    Inline,
    InlineImage,
    Issue,
    Items,
    Link,
    Paragraph,
    Picture,
    Preformatted,
    Quotation,
    Reply,
    Section,
    Severity,
    Slot,
    Strong,
    Subheading,
    Subscriber,
    SubscriberStatus,
    SuppressionReason,
    Text,
    direction_of,
    plain,
)
from flashback.model.edition import SLOT_PATTERN
from flashback.sentences import tr

from samples import edition

S = DeliveryState


def paragraph(text: str) -> Paragraph:
    return Paragraph((Text(text),))


class TestEveryValue:
    """What holds for all of them."""

    @pytest.mark.parametrize(
        "name", [name for name in model.__all__ if is_dataclass(getattr(model, name))]
    )
    def test_values_are_frozen(self, name: str) -> None:
        """Nobody changes a value behind another's back."""
        # __dataclass_params__ is how the standard library itself remembers it.
        assert vars(getattr(model, name))["__dataclass_params__"].frozen

    def test_a_frozen_value_says_so(self) -> None:
        """Assigning to a field raises."""
        with pytest.raises(FrozenInstanceError):
            Address("anna@example.org", "anna@example.org").key = ""  # type: ignore[misc]


class TestLanguage:
    """Which way a language runs."""

    @pytest.mark.parametrize(
        ("tag", "direction"),
        [
            ("ar", "rtl"), ("ar-MA", "rtl"), ("AR", "rtl"), ("he", "rtl"), ("fa-IR", "rtl"),
            ("fr", "ltr"), ("en-GB", "ltr"), ("arn", "ltr"), ("", "ltr"),
        ],
    )  # fmt: skip
    def test_the_primary_subtag_decides(self, tag: str, direction: Direction) -> None:
        """Region and case do not matter; a tag that only begins alike does not count."""
        assert direction_of(tag) == direction

    def test_an_edition_runs_as_its_language(self) -> None:
        """An Arabic edition is typeset from right to left."""
        assert {lang: edition(lang).direction for lang in EDITION_LANGUAGES} == {
            "fr": "ltr", "ar": "rtl", "en": "ltr",
        }  # fmt: skip


class TestEdition:
    """Typeset once, named by its content."""

    @pytest.mark.parametrize("slot", Slot)
    def test_a_slot_is_found_where_it_stands(self, slot: Slot) -> None:
        """In HTML or in text, between any letters."""
        plainly = replace(edition("fr"), html="<p></p>", text="")
        assert plainly.slots == frozenset()
        assert replace(plainly, html=f'<a href="{slot.mark}">').slots == {slot}
        assert replace(plainly, text=f"({slot.mark})").slots == {slot}
        assert SLOT_PATTERN.fullmatch(slot.mark)

    def test_two_slots_side_by_side(self) -> None:
        """Marks that touch are still two."""
        found = replace(edition("fr"), html=Slot.READER_NAME.mark + Slot.READER_ADDRESS.mark)
        assert found.slots >= {Slot.READER_NAME, Slot.READER_ADDRESS}

    def test_a_slot_nobody_knows(self) -> None:
        """A misspelt mark in a template is not sent to a thousand readers."""
        with pytest.raises(ValueError, match="UNSUBSCRIBE"):
            _ = replace(edition("fr"), html="__FB_UNSUBSCRIBE__").slots

    def test_the_digest_names_the_content(self) -> None:
        """The same content has the same name, today and in another process."""
        assert edition("fr").digest == edition("fr").digest
        # Kept in the store beside each mailing: a new value here orphans the old rows.
        assert edition("fr").digest == (
            "52b688a65ab49b1f2399229e5fae98f0098b1b1470d00b572798ddacdb12b7f9"
        )

    @pytest.mark.parametrize("name", [f.name for f in fields(Edition)])
    def test_every_field_is_in_the_digest(self, name: str) -> None:
        """Nothing a reader could see changes without a new name."""
        picture = InlineImage(
            content_id="a@example.org", media_type="image/png", filename="a.png", content=b"a"
        )
        others: dict[str, Any] = {"issue_date": dt.date(2011, 9, 3), "images": (picture,)}
        changed = replace(edition("fr"), **{name: others.get(name, "other")})
        assert changed.digest != edition("fr").digest

    @pytest.mark.parametrize("name", [f.name for f in fields(InlineImage)])
    def test_every_field_of_a_picture_is_in_the_digest(self, name: str) -> None:
        """A picture with other octets makes another edition."""
        picture = InlineImage(
            content_id="a@example.org", media_type="image/png", filename="a.png", content=b"a"
        )
        changes: dict[str, Any] = {name: b"b" if name == "content" else "b"}
        other = replace(picture, **changes)
        one, two = (replace(edition("fr"), images=(each,)) for each in (picture, other))
        assert one.digest != two.digest

    def test_fields_do_not_run_together(self) -> None:
        """Words that move from one field to the next make another edition."""
        one = replace(edition("fr"), subject="Flash", preheader="back")
        two = replace(edition("fr"), subject="Flashback", preheader="")
        assert one.digest != two.digest


class TestDelivery:
    """The one table of lawful transitions, and the account."""

    def test_every_state_has_its_row(self) -> None:
        """No state is forgotten."""
        assert set(TRANSITIONS) == set(S)

    def test_every_state_can_be_reached(self) -> None:
        """From planned, one lawful step after another."""
        reached, open_ends = {S.PLANNED}, [S.PLANNED]
        while open_ends:
            new = TRANSITIONS[open_ends.pop()] - reached
            reached |= new
            open_ends += new
        assert reached == set(S)

    def test_only_a_claim_leads_to_the_relay(self) -> None:
        """What the relay accepted was claimed, or somebody said so after a doubt."""
        before = {state for state, after in TRANSITIONS.items() if S.ACCEPTED in after}
        assert before == {S.CLAIMED, S.IN_DOUBT}
        assert {state for state, after in TRANSITIONS.items() if S.CLAIMED in after} == {S.PLANNED}

    def test_what_was_accepted_is_never_sent_again(self) -> None:
        """From accepted, only a bounce leads on; skipped and bounced are ends."""
        assert TRANSITIONS[S.ACCEPTED] == {S.BOUNCED}
        assert all(not TRANSITIONS[end] for end in (S.SKIPPED, S.BOUNCED))

    def test_what_was_refused_goes_again_only_when_asked(self) -> None:
        """It waits for its turn like any other; nothing else leads out of refused."""
        assert TRANSITIONS[S.REFUSED] == {S.PLANNED}

    def test_nothing_leads_to_itself(self) -> None:
        """A transition changes something."""
        assert all(state not in after for state, after in TRANSITIONS.items())

    def test_an_account_adds_up(self) -> None:
        """The counts are the audience; a state nobody is in counts zero."""
        account = Account({state: number for number, state in enumerate(S, start=1)})
        assert account.audience == sum(range(1, len(S) + 1))
        assert account.open == account[S.PLANNED] + account[S.CLAIMED] + account[S.DEFERRED]
        assert Account().audience == Account().open == Account()[S.IN_DOUBT] == 0

    @pytest.mark.parametrize(
        ("reply", "shown"),
        [
            (Reply(code=250), "250"),
            (
                Reply(code=550, enhanced="5.1.1", lines=("No such", "user")),
                "550 5.1.1 No such user",
            ),
            (Reply(code=421, lines=("Later",)), "421 Later"),
        ],
    )
    def test_a_reply_is_shown_on_one_line(self, reply: Reply, shown: str) -> None:
        """Code, enhanced code where there is one, and all lines."""
        assert str(reply) == shown


class TestSubscriber:
    """Who may be mailed."""

    @pytest.mark.parametrize("status", SubscriberStatus)
    @pytest.mark.parametrize("suppressed", [None, *SuppressionReason])
    def test_only_confirmed_and_not_suppressed(
        self, status: SubscriberStatus, suppressed: SuppressionReason | None
    ) -> None:
        """Consent and suppression are two facts, and both must allow it."""
        reader = Subscriber(
            id=1,
            address=Address("anna@example.org", "anna@example.org"),
            status=status,
            suppressed=suppressed,
        )
        expected = status is SubscriberStatus.CONFIRMED and suppressed is None
        assert reader.mailable is expected

    def test_nobody_begins_as_mailable(self) -> None:
        """A subscriber without a word on consent is unconfirmed."""
        assert not Subscriber(id=1, address=Address("a@example.org", "a@example.org")).mailable


class TestFinding:
    """A remark about a file."""

    @pytest.mark.parametrize(
        ("language", "told_in"), [("fr", "fr"), ("ar", "fr"), ("en", "en"), ("en-GB", "en")]
    )
    def test_the_language_it_is_told_in(self, language: str, told_in: str) -> None:
        """English for an English issue, French for the others."""
        finding = Finding(
            file="35.md",
            line=12,
            severity=Severity.ERROR,
            code="link-missing",
            sentence=tr("The article has no link."),
            language=language,
        )
        assert finding.staff_language == told_in


class TestProse:
    """The editor's text without markup."""

    @pytest.mark.parametrize(
        ("nodes", "characters"),
        [
            ([], ""),
            ([Text("a"), Code("b c"), Text("d")], "ab cd"),
            ([Text("one"), Break(), Text("two")], "one two"),
            ([Text("a "), Emphasis((Text("b"),)), Text(" c")], "a b c"),
            ([Strong((Text("a"), Emphasis((Text("b"),))))], "ab"),
            ([Hyperlink((Text("words"),), "https://example.org/")], "words"),
            ([Text("see "), Picture("a.png", "a dog")], "see a dog"),
            ([Subheading((Text("Head"),)), paragraph("body")], "Head body"),
            ([Quotation((paragraph("a"), paragraph("b"))), paragraph("c")], "a b c"),
            ([Items(((paragraph("a"),), (paragraph("b"), paragraph("c"))), 1)], "a b c"),
            ([Preformatted("x\n  y")], "x\n  y"),
            ([paragraph("نظرات"), paragraph("regards")], "نظرات regards"),
        ],
    )
    def test_the_characters_remain(self, nodes: Sequence[Inline | Block], characters: str) -> None:
        """Words stay in order; blocks are parted by one space, and none hangs at the end."""
        assert plain(nodes) == characters

    def test_words_do_not_run_together(self) -> None:
        """A space inside a link's words still parts them from what follows."""
        link = Hyperlink((Text("read "),), "https://example.org/")
        assert plain([link, Text("this")]) == "read this"


class TestIssue:
    """What the editor wrote."""

    ISSUE = Issue(
        title="Flash-back",
        number="35",
        date=dt.date(2011, 9, 2),
        language="fr",
        subject="Flash-back 35",
        introduction=(paragraph("Welcome"),),
        sections=(
            Section(
                title="Press",
                introduction=(paragraph("From the press"),),
                articles=(
                    Article(
                        headline="First",
                        language="fr",
                        blocks=(paragraph("Ours"), Quotation((paragraph("Theirs"),))),
                        link=Link(words="Read", url="https://example.org/1"),
                        related=(
                            Link(words="See", url="https://example.org/2", note="(an interview)"),
                        ),
                        source="A paper",
                    ),
                ),
            ),
            Section(title="", articles=(Article(headline="Second", language="ar"),)),
        ),
    )

    def test_articles_run_through_all_sections(self) -> None:
        """The contents number them in reading order."""
        assert [article.headline for article in self.ISSUE.articles] == ["First", "Second"]

    def test_excerpts_are_the_quotations(self) -> None:
        """What the editor says is not an excerpt."""
        first, second = self.ISSUE.articles
        assert first.excerpts == (Quotation((paragraph("Theirs"),)),)
        assert second.excerpts == ()

    def test_all_words_are_there(self) -> None:
        """Everything to be read, in order, without empty lines and without addresses of pages."""
        assert self.ISSUE.words.splitlines() == [
            "Welcome", "Press", "From the press", "First", "Ours Theirs", "A paper",
            "See (an interview)", "Read", "Second",
        ]  # fmt: skip
