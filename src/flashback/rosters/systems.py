"""The exports of other programs: how each is recognised, and what its rows say.

Each system is a value: the headers that give it away, and a pure function from the cells of a row
to the columns that ``tabular`` knows. Who stands in none of its own words for "wants this mail" is
never taken as confirmed. Headers are compared by their letters and digits alone.

The shapes come from the programs' own sources and documentation; no file of theirs is here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flashback.rosters import dialects, tabular
from flashback.rosters.sayings import Cells, Record
from flashback.sentences import Sentence, tr


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A program whose exports are understood."""

    name: str  #: as --format takes it
    title: str
    needs: frozenset[str]  #: the squeezed headers that give it away
    says: Callable[[Cells, str], Record]  #: the cells of a row, and the file's name
    uses: frozenset[str]  #: the headers whose meaning is in the record already
    dropped: frozenset[str] = frozenset()  #: of no use elsewhere, or nobody's business
    #: Takes away what was put before a cell to keep spreadsheets from running it.
    undone: Callable[[str], str] = tabular.armed
    #: Asked when nothing else is known: the file has no word for "wants this mail".
    question: Sentence | None = None

    def is_it(self, headers: frozenset[str], file: str) -> bool:
        """Whether a file with these headers comes from there."""
        return self.needs <= headers or bool(_OWN_FILES.get(self.name, _NEVER).match(file))


_NEVER: Final = re.compile(r"(?!)")
#: File names that say enough where the headers are in anybody's language.
_OWN_FILES: Final = {"phplist": re.compile(r"phplist export ", re.IGNORECASE)}


def _names(*headers: str) -> frozenset[str]:
    return frozenset(map(tabular.squeezed, headers))


SYSTEMS: Final = (
    System(
        name="mailchimp",
        title="Mailchimp",
        needs=_names("LEID", "EUID"),
        says=dialects.mailchimp,
        uses=_names("OPTIN_TIME", "OPTIN_IP", "CONFIRM_TIME", "CONFIRM_IP", "TAGS"),
        dropped=_names(
            *("MEMBER_RATING", "LATITUDE", "LONGITUDE", "GMTOFF", "DSTOFF", "TIMEZONE", "CC"),
            *("REGION", "LAST_CHANGED", "LEID", "EUID", "UNSUB_TIME", "UNSUB_CAMPAIGN_TITLE"),
            *("UNSUB_CAMPAIGN_ID", "CLEAN_TIME", "CLEAN_CAMPAIGN_TITLE", "CLEAN_CAMPAIGN_ID"),
            *("UNSUB_REASON", "UNSUB_REASON_OTHER"),
        ),
        question=tr(
            "Mailchimp says only in the file's name who is subscribed: keep the name it gave, "
            "subscribed_…, unsubscribed_…, cleaned_… or nonsubscribed_…, or import its ZIP whole."
        ),
    ),
    System(
        name="listmonk",
        title="listmonk",
        needs=_names("uuid", "email", "name", "attributes", "status"),
        says=dialects.listmonk,
        uses=_names("email", "name", "attributes", "status", "created_at", "updated_at"),
        dropped=_names("uuid"),
        question=tr(
            "listmonk's export does not say who left a list: they stand there as “enabled”. Export "
            "the confirmed subscribers of one list by themselves. What did they agree to?"
        ),
    ),
    System(
        name="substack",
        title="Substack",
        needs=_names("email", "email_disabled", "expiry"),
        says=dialects.substack,
        uses=_names("email", "email_disabled", "created_at"),
        dropped=_names(
            *("expiry", "prefer_digests", "stripe_connected_customer_id", "first_payment_at"),
            "active_subscription",
        ),
        question=tr(
            "Substack's export says who wants no mail and who pays, not who asked for mail. What "
            "did these people agree to?"
        ),
    ),
    System(
        name="brevo",
        title="Brevo",
        needs=_names("EMAIL", "ADDED_TIME", "MODIFIED_TIME"),
        says=dialects.brevo,
        uses=_names("EMAIL", "PRENOM", "NOM", "FIRSTNAME", "LASTNAME", "ADDED_TIME"),
        dropped=_names(
            *("MODIFIED_TIME", "EXT_ID", "BLOCKLISTED", "BLACKLISTED"),
            *("EMAIL_BLOCKLISTED", "EMAIL_BLACKLISTED"),
        ),
        question=tr(
            "Brevo's export does not say who asked for mail. Export only a list whose people did. "
            "What did they agree to?"
        ),
    ),
    System(
        name="phplist",
        title="phpList",
        needs=_names(
            "Email", "Is this subscriber confirmed", "Is this subscriber blacklisted", "Entered"
        ),
        says=dialects.phplist,
        undone=dialects.unguarded,
        uses=_names("Email", "Entered", "List Membership", "IP"),
        dropped=_names(
            *("id", "Is this subscriber confirmed", "Is this subscriber blacklisted"),
            *("Did this subscriber manually confirm", "Number of bounces", "Last Modified"),
            *("Unique ID", "Send this subscriber HTML emails", "RSS Frequency", "Foreign Key"),
            *("Is this account disabled?", "Change Summary", "Change Detail"),
        ),
    ),
    System(
        name="mailtrain",
        title="Mailtrain",
        needs=_names("cid", "status", "HASH_EMAIL", "EMAIL"),
        says=dialects.mailtrain,
        uses=_names(
            *("EMAIL", "status", "MERGE_FIRST_NAME", "MERGE_LAST_NAME"),
            *("FIRST_NAME", "LAST_NAME"),
        ),
        dropped=_names("cid", "HASH_EMAIL"),
    ),
    System(
        name="ghost",
        title="Ghost",
        needs=_names("email", "name", "subscribed_to_emails"),
        says=dialects.ghost,
        uses=_names("email", "name", "subscribed_to_emails", "created_at", "deleted_at", "labels"),
        dropped=_names("id", "complimentary_plan", "stripe_customer_id", "gift_id"),
    ),
    System(
        name="beehiiv",
        title="beehiiv",
        needs=_names("email", "status", "tier", "created_at"),
        says=dialects.beehiiv,
        uses=_names("email", "First Name", "Last Name", "status", "created_at", "unsubscribed_at"),
        dropped=_names("stripe_customer_id"),
    ),
    System(
        name="keila",
        title="Keila",
        needs=_names("Email", "First name", "Last name", "Data", "Status", "External ID"),
        says=dialects.keila,
        uses=_names("Email", "First name", "Last name", "Data", "Status"),
    ),
    System(
        name="buttondown",
        title="Buttondown",
        needs=_names("metadata", "tags", "creation_date"),
        says=dialects.buttondown,
        uses=_names(
            *("email", "email_address", "metadata", "tags", "type", "subscriber_type"),
            *("creation_date", "ip_address"),
        ),
        dropped=_names("id", "secondary_id"),
    ),
    System(
        name="curated",
        title="Curated",
        needs=_names("Email Address", "Subscribed at", "UTM Source"),
        says=dialects.curated,
        uses=_names("Email Address", "Subscribed at"),
        dropped=_names(
            *("UTM Source", "UTM Medium", "UTM Term", "UTM Content", "UTM Campaign"),
            *("UTM Last Path", "UTM Referrer"),
        ),
        question=tr("Some rows do not say when they subscribed. What did these people agree to?"),
    ),
)
BY_NAME: Final = {system.name: system for system in SYSTEMS}
