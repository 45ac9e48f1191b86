"""The rows of each program, one pure function a program: its cells go in, a record comes out.

Statuses are compared word for word, and one that is not known here is told, never guessed.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final

from flashback.model import SuppressionReason
from flashback.rosters import tabular
from flashback.rosters.sayings import (
    UNSAID,
    Cells,
    Record,
    agreed,
    barred,
    fields_of,
    full_name,
    is_true,
    left,
    unconfirmed,
    unknown,
    when,
)

#: Columns that some systems head in the language of the account; ``reading`` finds them.
ADDRESS: Final = "(address)"
FIRST: Final = "(first name)"
LAST: Final = "(last name)"
_PERSONAL: Final = {"address": ADDRESS, "first_name": FIRST, "last_name": LAST}


def personal(headers: Sequence[str]) -> Mapping[int, str]:
    """Which columns hold address and names, however they are headed; by position.

    Where no header is known for the address, it is the first that speaks of mail, or the first.
    """
    found = {
        position: _PERSONAL[column]
        for position, header in enumerate(headers)
        if (column := tabular.column_of(header)) in _PERSONAL
    }
    if ADDRESS not in found.values():
        mail = (n for n, header in enumerate(headers) if "mail" in tabular.squeezed(header))
        found[next(mail, 0)] = ADDRESS
    return found


def listmonk(row: Cells, _file: str) -> Record:
    """Who left a list is “enabled” all the same: the word is said of the person."""
    states = {
        "enabled": {"status": UNSAID},
        "disabled": left(row.get("updatedat", "")),
        "blocklisted": barred(
            SuppressionReason.MANUAL, "listmonk: blocklisted", row.get("updatedat", "")
        ),
    }
    word = row.get("status", "").strip()
    return {
        "address": row.get("email", ""),
        "name": row.get("name", ""),
        "created_at": when(row.get("createdat", "")),
        **fields_of(row.get("attributes", "")),
        **states.get(word, unknown(word)),
    }


def mailchimp(row: Cells, file: str) -> Record:
    """The file's name tells the group; the group's own columns do too, where it has some."""
    times = {name: row.get(name, "") for name in ("confirmtime", "optintime")}
    known_by, at = next(((n, t) for n, t in times.items() if t.strip()), ("", ""))
    stem = re.match(r"[a-z]+", PurePath(file).name.lower())
    group = stem[0] if stem else ""
    if "unsubtime" in row or group == "unsubscribed":
        state = left(row.get("unsubtime", ""))
    elif "cleantime" in row or group == "cleaned":
        state = barred(
            SuppressionReason.HARD_BOUNCE, "Mailchimp: cleaned", row.get("cleantime", "")
        )
    elif group == "nonsubscribed":
        state = unconfirmed()
    elif group == "subscribed":
        header = {"confirmtime": "CONFIRM_TIME", "optintime": "OPTIN_TIME"}.get(known_by, "")
        how = f"Mailchimp: subscribed{', ' if at else ''}{header}{' ' if at else ''}{at}"
        state = agreed(at, how, row.get(known_by.replace("time", "ip"), ""))
    else:
        state = {"status": UNSAID}
    return {
        "address": row.get(ADDRESS, ""),
        "name": full_name(row.get(FIRST, ""), row.get(LAST, "")),
        "created_at": when(row.get("optintime", "")),
        "tags": row.get("tags", ""),
        **state,
    }


def substack(row: Cells, _file: str) -> Record:
    """``active_subscription`` means that they pay; ``email_disabled`` that they want no mail."""
    if row.get("email", "").strip().endswith("@deletion-request.substack.com"):
        return {"address": "", "skip": "1"}
    silent = is_true(row.get("emaildisabled", ""))
    return {
        "address": row.get("email", ""),
        "created_at": when(row.get("createdat", "")),
        **(left() if silent else {"status": UNSAID}),
    }


def brevo(row: Cells, _file: str) -> Record:
    """Columns go by name: their order and their language differ from account to account."""
    refused = any(
        is_true(value) or value.strip().casefold() in {"blocklisted", "blacklisted"}
        for name, value in row.items()
        if "blocklist" in name or "blacklist" in name
    )
    gone = any(
        value.strip().casefold() in {"unsubscribed", "désabonné", "désinscrit"}
        for value in row.values()
    )
    note = "Brevo: blocklisted"
    state = {"status": UNSAID}
    if refused:
        state = barred(SuppressionReason.MANUAL, note, row.get("modifiedtime", ""))
    elif gone:
        state = left(row.get("modifiedtime", ""))
    return {
        "address": row.get("email", ""),
        "name": full_name(
            row.get("prenom", "") or row.get("firstname", ""),
            row.get("nom", "") or row.get("lastname", ""),
        ),
        "created_at": when(row.get("addedtime", "")),
        **state,
    }


def phplist(row: Cells, _file: str) -> Record:
    """Three flags decide: blacklisted, disabled, confirmed."""
    state = unconfirmed()
    if is_true(row.get("isthissubscriberblacklisted", "")):
        state = barred(
            SuppressionReason.MANUAL, "phpList: blacklisted", row.get("lastmodified", "")
        )
    elif is_true(row.get("isthisaccountdisabled", "")):
        state = left(row.get("lastmodified", ""))
    elif is_true(row.get("isthissubscriberconfirmed", "")):
        state = agreed(row.get("entered", ""), "phpList: confirmed", row.get("ip", ""))
    lists = row.get("listmembership", "")
    return {
        "address": row.get("email", ""),
        "created_at": when(row.get("entered", "")),
        "tags": "" if lists.strip() == "No Lists" else tabular.compact(lists.split(";")),
        **state,
    }


def unguarded(cell: str) -> str:
    """A cell without the apostrophe and space that phpList puts before a formula."""
    return cell[2:] if cell.startswith("' ") and cell[2:3] in set("=+-@") else cell


def keila(row: Cells, _file: str) -> Record:
    """Word for word: “inactive” holds “active”."""
    word = row.get("status", "").strip().casefold()
    states = {
        "active": agreed("", "Keila: active"),
        "unsubscribed": left(),
        "unreachable": barred(SuppressionReason.HARD_BOUNCE, "Keila: unreachable"),
    }
    return {
        "address": row.get("email", ""),
        "name": full_name(row.get("firstname", ""), row.get("lastname", "")),
        **fields_of(row.get("data", "")),
        **states.get(word, unknown(word)),
    }


def mailtrain(row: Cells, _file: str) -> Record:
    """The address is in EMAIL; HASH_EMAIL is none."""
    word = row.get("status", "").strip().casefold()
    states = {
        "subscribed": agreed("", "Mailtrain: subscribed"),
        "unsubscribed": left(),
        "bounced": barred(SuppressionReason.HARD_BOUNCE, "Mailtrain: bounced"),
        "complained": barred(SuppressionReason.COMPLAINT, "Mailtrain: complained"),
    }
    return {
        "address": row.get("email", ""),
        "name": full_name(
            row.get("mergefirstname", "") or row.get("firstname", ""),
            row.get("mergelastname", "") or row.get("lastname", ""),
        ),
        **states.get(word, unknown(word)),
    }


def ghost(row: Cells, _file: str) -> Record:
    """``subscribed_to_emails`` is the reader's own switch."""
    at = row.get("createdat", "")
    wants = is_true(row.get("subscribedtoemails", "")) and not row.get("deletedat", "").strip()
    return {
        "address": row.get("email", ""),
        "name": row.get("name", ""),
        "created_at": when(at),
        "tags": row.get("labels", ""),
        **(agreed(at, "Ghost: subscribed_to_emails") if wants else left(row.get("deletedat", ""))),
    }


def beehiiv(row: Cells, _file: str) -> Record:
    """A time in ``unsubscribed_at`` counts more than any status."""
    at, word = row.get("createdat", ""), row.get("status", "").strip().casefold()
    states = {
        "active": agreed(at, "beehiiv: active"),
        "pending": unconfirmed(),
        "validating": unconfirmed(),
        "inactive": left(row.get("unsubscribedat", "")),
        "unsubscribed": left(row.get("unsubscribedat", "")),
        "invalid": barred(SuppressionReason.HARD_BOUNCE, "beehiiv: invalid"),
    }
    state = states.get(word, unknown(word))
    if row.get("unsubscribedat", "").strip() and word != "invalid":
        state = left(row["unsubscribedat"])
    return {
        "address": row.get("email", ""),
        "name": full_name(row.get("firstname", ""), row.get("lastname", "")),
        "created_at": when(at),
        **state,
    }


def buttondown(row: Cells, _file: str) -> Record:
    """``type`` says it, whatever the person pays."""
    at = row.get("creationdate", "")
    word = (row.get("type", "") or row.get("subscribertype", "")).strip().casefold()
    states = {
        "unactivated": unconfirmed(),
        "unsubscribed": left(),
        "removed": left(),
        "undeliverable": barred(SuppressionReason.HARD_BOUNCE, "Buttondown: undeliverable"),
        "complained": barred(SuppressionReason.COMPLAINT, "Buttondown: complained"),
        "blocked": barred(SuppressionReason.MANUAL, "Buttondown: blocked"),
    } | {
        paying: agreed(at, f"Buttondown: {paying}", row.get("ipaddress", ""))
        for paying in ("regular", "premium", "gifted", "trialed")
    }
    return {
        "address": row.get("email", "") or row.get("emailaddress", ""),
        "created_at": when(at),
        "tags": row.get("tags", ""),
        **fields_of(row.get("metadata", "")),
        **states.get(word, unknown(word)),
    }


def curated(row: Cells, _file: str) -> Record:
    """Whoever has a time of subscription subscribed then."""
    at = row.get("subscribedat", "")
    return {
        "address": row.get("emailaddress", ""),
        "created_at": when(at),
        **(agreed(at, f"Curated: subscribed at {at}") if when(at) else {"status": UNSAID}),
    }
