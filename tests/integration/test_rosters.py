"""Files of people as other programs and spreadsheets write them, read into entries."""

import csv
import datetime as dt
import io
import json
import zipfile

import openpyxl
import pytest

from flashback.errors import ImportFileError
from flashback.model import Circumstances, Consent, ConsentKind, FieldKind, SubscriberStatus
from flashback.rosters import tabular, weighing

from fixtures.rosters import AGREEING, FILE, read
from fixtures.stores import NOW

U = SubscriberStatus


class TestOwnLists:
    """Files as people really have them."""

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_headers_and_delimiters(self, delimiter: str, mark: str) -> None:
        """French headers, accents, capitals, a byte-order mark; other columns become fields."""
        header = ["Adresse", " NOM ", "Langue", "organisation", "Statut", "Consentement", "Ville"]
        row = ["a@example.org", "Amal, Bennis; A", "arabe", "Amana", "Confirmé", "Oui", "Fès"]
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=delimiter).writerows([header, row, [], ["", ""]])
        entry = read(mark + buffer.getvalue()).entry
        assert entry.row == 2
        assert entry.address.key == "a@example.org"
        assert (entry.name, entry.language) == ("Amal, Bennis; A", "ar")
        assert entry.fields == {"Ville": "Fès"}
        assert entry.status is U.CONFIRMED
        assert entry.consents == (
            Consent(
                kind=ConsentKind.GRANTED,
                at=NOW,
                source="import:acteurs.csv",
                wording="Oui",
                evidence=entry.consents[0].evidence,
            ),
        )
        assert entry.consents[0].evidence.startswith("sha256:")

    @pytest.mark.parametrize(
        ("status", "wording", "for_all", "expected"),
        [
            ("مؤكد", "نعم", "", U.CONFIRMED),
            ("confirmed", "", "Oui", U.CONFIRMED),
            ("confirmed", "", "", U.UNCONFIRMED),
            ("confirmed", "   ", "", U.UNCONFIRMED),
            ("", "Oui", "Oui", U.UNCONFIRMED),
            ("désabonnée", "Oui", "Oui", U.UNSUBSCRIBED),
        ],
    )
    def test_a_positive_sign(
        self, status: str, wording: str, for_all: str, expected: SubscriberStatus
    ) -> None:
        """Confirmed needs both: the row says so, and there are words that were agreed to."""
        circumstances = Circumstances(source="import", now=NOW, consent=for_all)
        content = f"address,status,consent\na@example.org,{status},{wording}\n"
        entry = read(content, circumstances).entry
        assert entry.status is expected

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("no address,,", "not an e-mail address"),
            ("a@example.org,inactive,", "“inactive” is no status"),
            ("a@example.org,,klingon?", "is no language"),
            ("a@example.org,,,,,,,,more", "more cells"),
            ('a@example.org,,,"a\nb"', "line break"),
            ("a@example.org,,,,whim", "“whim” is no reason"),
            ("a@example.org,,,,,[1]", "not as an export writes it"),
            ("a@example.org,,,,,,yesterday", "“yesterday” is no time"),
            (",,,,erased,,", "erased person's row is not as an export writes it"),
            ("a@example.org,,,,erased,,", "“erased” is no reason"),
        ],
    )
    def test_bad_rows_are_told(self, row: str, reason: str) -> None:
        """A row that cannot be taken is refused with its number and reason; the others go in."""
        header = "address,status,language,name,suppressed,consents,created_at\n"
        reading = read(f"{header}b@example.org\n{row}\nc@example.org\n")
        assert [entry.address.key for entry in reading.entries] == [
            "b@example.org",
            "c@example.org",
        ]
        (refusal,) = reading.refused
        assert refusal.row == 3
        assert reason.casefold() in str(refusal.reason).casefold()

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("", "file is empty"),
            ("\n \n", "file is empty"),
            ("name,language\nAmal,fr\n", "column “address” once"),
            ("email,adresse\na@example.org,b@example.org\n", "column “address” once"),
            ("address,ville,ville\na@example.org,1,2\n", "column “ville” once"),
        ],
    )
    def test_no_list_at_all(self, content: str, told: str) -> None:
        """A file that is no list is refused whole."""
        with pytest.raises(ImportFileError, match=told):
            read(content)

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("{", "not JSON"),
            ("[]", "no JSON object"),
            ('{"address": 1}', "must be a text"),
            ('{"address": "a@example.org", "fields": {"a": 1}}', "must be a text"),
            ('{"address": "a@example.org", "consents": 1}', "not as an export writes it"),
            ('{"address": "a@example.org", "name": "\\ud800"}', "control character"),
        ],
    )
    def test_bad_json_lines_are_told(self, line: str, reason: str) -> None:
        """JSON lines are judged as CSV is."""
        good = '{"address": "b@example.org"}'
        reading = read(f"\n{good}\n{line}\n{good}\n")
        assert [entry.row for entry in reading.entries] == [2, 4]
        (refusal,) = reading.refused
        assert refusal.row == 3
        assert reason in str(refusal.reason)

    def test_fields_of_a_kind(self) -> None:
        """A column that holds numbers is written as one; a row with anything else is refused."""
        told = Circumstances(source="import", now=NOW, kinds={"agences": FieldKind.NUMBER})
        found = read("address;agences\na@example.org;1 200,5\nb@example.org;beaucoup\n", told)
        assert found.entry.fields == {"agences": "1200.5"}
        assert "agences: “beaucoup” is not written like 1200.5" in str(found.refused[0].reason)

    def test_fields_that_are_none(self) -> None:
        """Fields that are no object are no fields."""
        line = '{"address": "b@example.org", "fields": "x"}'
        assert read(line).entry.fields == {}


def entries(content: str | bytes, told: Circumstances = FILE, **options: str) -> dict[str, object]:
    """What a file says of each person: the status, or the reason of the suppression."""
    found = read(content, told, **options)
    assert not found.refused
    return {
        entry.address.mailbox.partition("@")[0]: entry.status
        if entry.suppression is None
        else entry.suppression.reason.value
        for entry in found.entries
    }


def zipped(files: dict[str, str | bytes]) -> bytes:
    """An archive of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


class TestOtherPrograms:
    """The exports of the programs that teams come from, quirks and all; everybody is invented."""

    LISTMONK = (
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        '0-1,amal@example.org,Amal Bennis,"{""city"": ""Fès"", ""age"": 40}",enabled,'
        "2024-01-02 03:04:05.123456 +0000 UTC,2024-01-02 03:04:05.1 +0000 +0000\n"
        "0-2,left@example.org,,{},disabled,2024-01-02 03:04:05 +0000 UTC,\n"
        "0-3,barred@example.org,,,blocklisted,2024-01-02 03:04:05 +0000 UTC,\n"
    )

    def test_listmonk_enabled_is_not_subscribed(self) -> None:
        """``enabled`` says nothing of a list: it is asked for, or they stay unconfirmed."""
        (sheet,) = read(self.LISTMONK).sheets
        assert str(sheet.title) == "listmonk"
        assert "who left a list" in str(sheet.question)
        assert entries(self.LISTMONK, AGREEING) == {
            "amal": U.CONFIRMED,
            "left": U.UNSUBSCRIBED,
            "barred": "manual",
        }
        unsaid = Circumstances(source="x", now=NOW, status=U.UNCONFIRMED)
        amal = read(self.LISTMONK, unsaid).entries[0]
        assert amal.status is U.UNCONFIRMED
        assert amal.fields == {"age": "40", "city": "Fès"}
        assert amal.created_at.isoformat() == "2024-01-02T03:04:05.123456+00:00"

    MAILCHIMP = (
        "Deine E-Mail Adresse,Vorname,Nachname,Stadt,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,"
        "CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,"
        "LAST_CHANGED,LEID,EUID,NOTES,TAGS\n"
        "amal@example.org,Amal,Bennis,Fès,2,2021-02-04 07:55:20,,2021-02-04 08:00:00,192.0.2.7,"
        '34.0,-5.0,0,0,,ma,,2021-02-05 00:00:00,1,a,"Called,\ntwice","""Editors"",""Board"""\n'
        "b@example.org,,,,2,2021-02-04 07:55:20,192.0.2.8,,,,,,,,,,,2,b,,\n"
    )
    UNSUBSCRIBED = (
        "Email Address,First Name,Last Name,OPTIN_TIME,UNSUB_TIME,UNSUB_REASON,LEID,EUID,TAGS\n"
        "left@example.org,,,2021-02-04 07:55:20,2022-01-01 10:00:00,NORMAL,3,c,\n"
    )
    CLEANED = (
        "Email Address,First Name,Last Name,OPTIN_TIME,CLEAN_TIME,LEID,EUID,TAGS\n"
        "dead@example.org,,,2021-02-04 07:55:20,2022-01-01 10:00:00,4,d,\n"
        "b@example.org,,,2021-02-04 07:55:20,2022-01-01 10:00:00,5,e,\n"
    )
    NONSUBSCRIBED = (
        "Email Address,First Name,Last Name,OPTIN_TIME,LEID,EUID,TAGS\nshop@example.org,,,,6,f,\n"
    )

    def test_mailchimp_by_the_files_name(self) -> None:
        """Only the name says who is subscribed; labels may be German; tags are quoted twice."""
        found = read(self.MAILCHIMP, name="subscribed_members_export_1.csv")
        amal, other = found.entries
        assert found.sheets[0].question is None
        assert (amal.name, amal.tags) == ("Amal Bennis", ("board", "editors"))
        assert amal.fields == {"NOTES": "Called, twice", "Stadt": "Fès"}
        (agreed,) = amal.consents
        assert agreed.at.isoformat() == "2021-02-04T08:00:00+00:00"
        assert agreed.network_address == "192.0.2.7"
        assert "CONFIRM_TIME 2021-02-04 08:00:00; sha256:" in agreed.evidence
        assert "OPTIN_TIME" in other.consents[0].evidence
        assert other.consents[0].network_address == "192.0.2.8"
        nameless = read(self.MAILCHIMP, name="list.csv")
        assert "file's name" in str(nameless.sheets[0].question)
        assert {entry.status for entry in nameless.entries} == {U.UNCONFIRMED}

    def test_mailchimp_groups(self) -> None:
        """Unsubscribed and cleaned are known by their own columns, under any name."""
        assert entries(self.UNSUBSCRIBED, name="x.csv") == {"left": U.UNSUBSCRIBED}
        assert entries(self.CLEANED, name="x.csv") == {"dead": "hard_bounce", "b": "hard_bounce"}
        assert entries(self.NONSUBSCRIBED, name="nonsubscribed_x.csv") == {"shop": U.UNCONFIRMED}

    def test_mailchimps_archive(self) -> None:
        """The ZIP is taken whole; each row tells its file."""
        content = zipped(
            {
                "subscribed_x.csv": self.MAILCHIMP,
                "unsubscribed_x.csv": self.UNSUBSCRIBED,
                "cleaned_x.csv": self.CLEANED,
                "nonsubscribed_x.csv": self.NONSUBSCRIBED,
                "__MACOSX/._subscribed_x.csv": b"\0",
                "readme.md": "not a list",
            }
        )
        found = read(content, name="audience.zip")
        assert len(found.sheets) == 4
        assert not found.refused
        assert {entry.sheet: entry.row for entry in found.entries} == {
            "cleaned_x.csv": 3,
            "nonsubscribed_x.csv": 2,
            "subscribed_x.csv": 4,
            "unsubscribed_x.csv": 2,
        }

    SUBSTACK = (
        "email,active_subscription,expiry,plan,email_disabled,created_at\n"
        "free@example.org,false,,other,false,2021-02-04T07:55:20.000Z\n"
        "pays@example.org,true,,other,true,2021-02-04T07:55:20.000Z\n"
        "gone@deletion-request.substack.com,false,,other,false,2021-02-04T07:55:20.000Z\n"
    )

    def test_substack_flags_are_inverted(self) -> None:
        """``email_disabled`` is no mail; paying is no consent; deletion requests are nobody."""
        assert "who pays" in str(read(self.SUBSTACK).sheets[0].question)
        assert entries(self.SUBSTACK, AGREEING) == {"free": U.CONFIRMED, "pays": U.UNSUBSCRIBED}
        archive = zipped({"email_list.x.csv": self.SUBSTACK, "posts.csv": "post_id,title\n1,A\n"})
        assert entries(archive, AGREEING, name="x.zip") == entries(self.SUBSTACK, AGREEING)

    def test_brevo_in_french(self) -> None:
        """Semicolons, Windows-1252, French columns in any order; blocklisted is a suppression."""
        content = (
            "PRENOM;NOM;EMAIL;VILLE;BLOCKLISTED;ADDED_TIME;MODIFIED_TIME\n"
            "Zoé;Élan;zoe@example.org;Fès;0;2021-02-04 07:55:20;2021-02-04 07:55:20\n"
            ";;no@example.org;;1;2021-02-04 07:55:20;2021-02-04 07:55:20\n"
        ).encode("windows-1252")
        assert "Brevo" in str(read(content).sheets[0].question)
        assert entries(content, AGREEING) == {"zoe": U.CONFIRMED, "no": "manual"}
        zoe = read(content, AGREEING).entries[0]
        assert (zoe.name, zoe.fields) == ("Zoé Élan", {"VILLE": "Fès"})

    @pytest.mark.parametrize("system", ["", "mailman"])
    def test_mailman(self, system: str) -> None:
        """A member a line, with or without a name, quoted or encoded."""
        content = (
            "# made by hand\n\namal@example.org\n"
            '"Bennis, Amal" <b@example.org>\n'
            "=?utf-8?q?Zo=C3=A9?= <zoe@example.org>\n"
            "أمل <d@example.org>\n"
        )
        found = read(content, AGREEING, system=system)
        assert [(entry.row, entry.name) for entry in found.entries] == [
            (3, ""),
            (4, "Bennis, Amal"),
            (5, "Zoé"),
            (6, "أمل"),
        ]
        assert read(content, system=system).sheets[0].question is not None
        assert read("flash@lists.example.org has no members\n", system=system).rows == ()

    PHPLIST = (
        "id\tEmail\tIs this subscriber confirmed\tIs this subscriber blacklisted\t"
        "Number of bounces\tEntered\tLast Modified\tUnique ID\tIs this account disabled?\tVille\t"
        "List Membership\n"
        "1\tamal@example.org\t1\t0\t0\t2021-02-04 07:55:20\t\tx\t0\t' =Fès\tPresse; Banque; \n"
        "2\tnew@example.org\t0\t0\t0\t2021-02-04 07:55:20\t\tx\t0\tO'Rabat\tNo Lists\n"
        "3\tbarred@example.org\t1\t1\t0\t2021-02-04 07:55:20\t\tx\t0\t\t\n"
        '4\toff@example.org\t1\t0\t0\t2021-02-04 07:55:20\t\tx\t1\tthe 5" one\t\n'
    )

    def test_phplist(self) -> None:
        """TABs in a .csv, an apostrophe and a space before formulas, flags of 0 and 1."""
        assert entries(self.PHPLIST) == {
            "amal": U.CONFIRMED,
            "new": U.UNCONFIRMED,
            "barred": "manual",
            "off": U.UNSUBSCRIBED,
        }
        amal, new, _, off = read(self.PHPLIST).entries
        assert amal.fields == {"Ville": "=Fès"}
        assert amal.tags == ("banque", "presse")
        assert (new.fields, new.tags) == ({"Ville": "O'Rabat"}, ())
        assert off.fields == {"Ville": 'the 5" one'}

    def test_phplist_in_another_language(self) -> None:
        """Flags whose names nobody knows are not guessed: the file is refused with the way out."""
        content = "id\tE-mail\tConfirmé ?\tListe noire ?\n1\ta@example.org\t1\t1\n"
        with pytest.raises(ImportFileError, match="columns of an export of phpList") as refused:
            read(content, name="phpList Export on Flash-back from 2021 to 2022.csv")
        assert "English" in str(refused.value.hint)

    def test_keilas_inactive_is_not_active(self) -> None:
        """A status is a whole word; one that nobody knows refuses its own row only."""
        head = "Email,First name,Last name,Data,Status,External ID\n"
        content = (
            f"{head}"
            'amal@example.org,Amal,Bennis,"{""city"": ""Fès"", ""a"": [1]}",active,x-1\n'
            "left@example.org,,,,unsubscribed,\nd@example.org,,,not json,unreachable,\n"
        )
        assert entries(content) == {
            "amal": U.CONFIRMED,
            "left": U.UNSUBSCRIBED,
            "d": "hard_bounce",
        }
        assert read(content).entries[0].fields == {
            "External ID": "x-1",
            "a": "[1]",
            "city": "Fès",
        }
        (refusal,) = read(f"{head}no@example.org,,,,inactive,\n").refused
        assert "“inactive” is no status" in str(refusal.reason)

    def test_mailtrain(self) -> None:
        """The address is in EMAIL, never in HASH_EMAIL; four statuses."""
        content = (
            "cid,status,HASH_EMAIL,EMAIL,MERGE_FIRST_NAME,MERGE_LAST_NAME,MERGE_CITY\n"
            "1,subscribed,aa,amal@example.org,Amal,Bennis,Fès\n"
            "2,unsubscribed,bb,left@example.org,,,\n3,bounced,cc,dead@example.org,,,\n"
            "4,complained,dd,cross@example.org,,,\n"
        )
        assert entries(content) == {
            "amal": U.CONFIRMED,
            "left": U.UNSUBSCRIBED,
            "dead": "hard_bounce",
            "cross": "complaint",
        }
        assert read(content).entries[0].name == "Amal Bennis"

    def test_ghost(self) -> None:
        """The reader's switch decides; labels become tags."""
        content = (
            "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,"
            "created_at,deleted_at,labels,tiers\n"
            '1,amal@example.org,Amal,,true,,,2021-02-04T07:55:20.000Z,,"Banque,Presse",\n'
            "2,left@example.org,,,false,,,2021-02-04T07:55:20.000Z,,,\n"
            "3,gone@example.org,,,true,,,2021-02-04T07:55:20.000Z,2022-02-04T07:55:20.000Z,,\n"
        )
        assert entries(content) == {
            "amal": U.CONFIRMED,
            "left": U.UNSUBSCRIBED,
            "gone": U.UNSUBSCRIBED,
        }
        assert read(content).entries[0].tags == ("banque", "presse")

    def test_beehiiv(self) -> None:
        """“inactive” holds “active”; a time of leaving counts more than any status."""
        content = (
            "email,First Name,Last Name,status,tier,created_at,stripe_customer_id,unsubscribed_at\n"
            "amal@example.org,Amal,Bennis,active,free,2021-02-04T07:55:20Z,,\n"
            "off@example.org,,,inactive,free,2021-02-04T07:55:20Z,,\n"
            "left@example.org,,,active,free,2021-02-04T07:55:20Z,,2022-02-04T07:55:20Z\n"
            "wait@example.org,,,pending,free,2021-02-04T07:55:20Z,,\n"
            "bad@example.org,,,invalid,free,2021-02-04T07:55:20Z,,\n"
        )
        assert entries(content) == {
            "amal": U.CONFIRMED,
            "off": U.UNSUBSCRIBED,
            "left": U.UNSUBSCRIBED,
            "wait": U.UNCONFIRMED,
            "bad": "hard_bounce",
        }

    def test_buttondown(self) -> None:
        """The type says it; metadata become fields; an address is evidence."""
        content = (
            "email,notes,metadata,tags,type,source,creation_date,ip_address\n"
            'amal@example.org,,"{""city"": ""Fès""}",press,regular,,2021-02-04T07:55:20Z,'
            "192.0.2.7\n"
            "pays@example.org,,,,premium,,2021-02-04T07:55:20Z,\n"
            "new@example.org,,,,unactivated,,2021-02-04T07:55:20Z,\n"
            "left@example.org,,,,unsubscribed,,2021-02-04T07:55:20Z,\n"
            "off@example.org,,,,removed,,2021-02-04T07:55:20Z,\n"
            "dead@example.org,,,,undeliverable,,2021-02-04T07:55:20Z,\n"
        )
        assert entries(content) == {
            "amal": U.CONFIRMED,
            "pays": U.CONFIRMED,
            "new": U.UNCONFIRMED,
            "left": U.UNSUBSCRIBED,
            "off": U.UNSUBSCRIBED,
            "dead": "hard_bounce",
        }
        assert read(content).entries[0].consents[0].network_address == "192.0.2.7"

    def test_curated(self) -> None:
        """Whoever has a time of subscription subscribed then."""
        content = (
            "Email Address,Subscribed at,UTM Source\namal@example.org,2021-02-04 07:55:20 +0100,x\n"
        )
        entry = read(content, AGREEING).entry
        assert entry.consents[0].at.isoformat() == "2021-02-04T06:55:20+00:00"


class TestShapes:
    """Encodings, quoting, delimiters: what people's programs really write."""

    LIST = "adresse;prénom;nom;statut\nzoe@example.org;Zoé;Élan;confirmé\n"
    ARABIC = "البريد,الاسم,الحالة\namal@example.org,أمل بنيس,مؤكد\n"

    @pytest.mark.parametrize(
        ("encoding", "content"),
        [
            ("utf-8", LIST),
            ("utf-8-sig", LIST),
            ("utf-16", LIST),
            ("utf-16-le", "address;name;status\nzoe@example.org;Zoé Élan;confirmé\n"),
            ("utf-16-be", "address;name;status\nzoe@example.org;Zoé Élan;confirmé\n"),
            ("windows-1252", LIST),
            ("windows-1256", ARABIC),
            ("utf-8", ARABIC),
        ],
    )
    def test_encodings(self, encoding: str, content: str) -> None:
        """Seen from the octets, and said; French and Arabic as Windows wrote them."""
        found = read(content.encode(encoding), AGREEING)
        assert found.entry.name == ("أمل بنيس" if content == self.ARABIC else "Zoé Élan")
        assert found.entry.status is U.CONFIRMED
        assert found.sheets[0].encoding == encoding

    def test_an_encoding_that_is_said_wrongly(self) -> None:
        """A name that cannot be read is not kept with a hole in it."""
        content = "address;name\na@example.org;Noël\nb@example.org;Ann\n".encode("windows-1252")
        found = read(content, encoding="utf-8")
        assert found.entry.name == "Ann"
        assert "could not be read" in str(found.refused[0].reason)

    def test_an_old_excel_file(self) -> None:
        """The workbook of before 2007 is named as such."""
        with pytest.raises(ImportFileError, match="of the old kind"):
            read(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, name="old.xls")

    def test_an_encoding_that_is_said(self) -> None:
        """Staff know better; an unknown name is told."""
        found = read(self.LIST.encode("mac-roman"), AGREEING, encoding="mac-roman")
        assert found.entry.name == "Zoé Élan"
        with pytest.raises(ImportFileError, match="is no encoding"):
            read(self.LIST, encoding="klingon")

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_delimiters_and_ends(self, delimiter: str, end: str) -> None:
        """Whatever parts cells and lines; Excel's own first line is no header."""
        rows = [["address", "note", "status"], ["a@example.org", "x, y; z", "confirmed"]]
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=delimiter, lineterminator=end).writerows(rows)
        for before in ("", f"sep={delimiter}{end}"):
            entry = read(before + buffer.getvalue(), AGREEING).entry
            assert entry.fields == {"note": "x, y; z"}

    def test_quoting_gone_wrong(self) -> None:
        """A quote that is never closed costs its row alone; a stray one costs nothing."""
        lines = [
            "address,note,status",
            'a@example.org,the 5" one,confirmed',
            'b@example.org,"over\ntwo lines",confirmed',
            'c@example.org,"never closed,confirmed',
            'd@example.org,"said ""no"" twice",confirmed',
            'e@example.org,"closed" early,confirmed',
            *(f"r{n}@example.org,,confirmed" for n in range(100)),
        ]
        found = read("\n".join(lines), AGREEING)
        assert len(found.entries) == 104
        notes = [entry.fields.get("note") for entry in found.entries[:4]]
        assert notes == ['the 5" one', "over two lines", 'said "no" twice', "closed early"]
        (refusal,) = found.refused
        assert refusal.row == 5
        assert "not closed" in str(refusal.reason)
        assert refusal.cells == ('c@example.org,"never closed,confirmed',)

    def test_several_addresses_a_line(self) -> None:
        """What was copied out of a To: field is a list too."""
        found = read("Amal <a@example.org>, b@example.org; c@example.org\nnope\n", AGREEING)
        assert [entry.address.mailbox[0] for entry in found.entries] == ["a", "b", "c"]
        assert [refusal.row for refusal in found.refused] == [2]

    def test_tags(self) -> None:
        """Lower case, each once; parted by commas or semicolons, quoted, or as JSON."""
        for cell in ("Banque;presse; BANQUE ", '"Banque, presse"', '"[""Banque"",""presse""]"'):
            content = f"address,tags,status\na@example.org,{cell},confirmed\n"
            assert read(content, AGREEING).entry.tags == ("banque", "presse")
        for tags in (("a;b",), ("a,b", "c"), ('["x"]',), ("'=1", "=x")):
            assert tabular.tags_of(tabular.cell_of_tags(tags)) == tags

    def test_an_excel_workbook(self) -> None:
        """Cells of any type are texts; empty rows and columns count for nothing."""
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.append(["Courriel", "Prénom", "Nom", "Statut", "Né", "Tél", "Part"])
        day, moment = dt.date(1980, 2, 3), dt.datetime(1980, 2, 3, 4, 5)  # noqa: DTZ001
        sheet.append(["a@example.org", "Zoé", "Élan", "confirmé", day, 212_600, 0.5])
        sheet.append([None] * 7)
        sheet.append(["b@example.org", None, None, None, moment, True, 3.0])
        out = io.BytesIO()
        book.save(out)
        found = read(out.getvalue(), AGREEING, name="liste.xlsx")
        first, second = found.entries
        assert (first.name, first.status) == ("Zoé Élan", U.CONFIRMED)
        assert first.fields == {"Né": "1980-02-03", "Part": "0.5", "Tél": "212600"}
        assert second.row == 4
        assert second.fields == {"Né": "1980-02-03T04:05:00", "Part": "3", "Tél": "true"}


class TestHostileFiles:
    """A clear refusal, in bounded time and memory."""

    def test_a_line_of_50_megabytes(self) -> None:
        """One line without end is a row that is refused, and the next row is taken."""
        endless = b"x" * 50_000_000
        found = read(b"address,status\n" + endless + b"\nb@example.org,confirmed\n", AGREEING)
        assert found.entry.row == 3
        assert "longer than" in str(found.refused[0].reason)
        assert found.refused[0].cells == ()
        with pytest.raises(ImportFileError, match="first line is longer"):
            read(endless)

    def test_ten_thousand_columns(self) -> None:
        """No list of people has so many."""
        with pytest.raises(ImportFileError, match="10000 columns"):
            read(",".join(f"c{n}" for n in range(10_000)) + "\n")

    def test_nuls(self) -> None:
        """Octets that are no text take nobody in."""
        for content in (b"\0" * 100_000, b"\xff\xfe", b"\xff" * 5_000):
            with pytest.raises(ImportFileError):
                read(content, AGREEING)
        assert len(read(b"address,status\n\0@example.org,\n", AGREEING).refused) == 1

    def test_a_header_in_a_name(self) -> None:
        """A name with a line break would become a header of its own."""
        for name in ('"X\nBcc: all@example.org"', "X\x0bBcc: y", "X\u2028Y"):
            found = read(f"address,name,status\na@example.org,{name},confirmed\n", AGREEING)
            assert found.entries == ()
            assert "line break or a control character" in str(found.refused[0].reason)

    def test_bombs(self) -> None:
        """What unpacks to a thousand times its size is not unpacked."""
        nothing = b"0" * 60_000_000
        for name in ("list.csv", "xl/workbook.xml"):
            with pytest.raises(ImportFileError, match="unpacks to 60 MB"):
                read(zipped({name: nothing}), name="x.zip")

    @pytest.mark.parametrize(
        ("cells", "good"),
        [
            ("<c t='inlineStr'><is><t>1</t></is></c>" * 120_000, False),
            (f"<c t='inlineStr'><is><t>{'x' * 1_100_000}</t></is></c>", False),
            ("</row><row>".join(["<c t='n'><v>1</v></c>" * 60_000] * 4), True),
        ],
    )
    def test_a_workbook_without_end(self, cells: str, good: bool) -> None:  # noqa: FBT001
        """A row or a text that openpyxl would hold whole is not begun; many rows are read."""
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        head = "<row><c t='inlineStr'><is><t>address</t></is></c></row>"
        sheet = f"<worksheet xmlns='{main}'><sheetData>{head}<row>{cells}</row></sheetData>"
        workbook = io.BytesIO()
        openpyxl.Workbook().save(workbook)
        with zipfile.ZipFile(workbook) as archive:
            files: dict[str, str | bytes] = {n: archive.read(n) for n in archive.namelist()}
        files["xl/worksheets/sheet1.xml"] = f"{sheet}</worksheet>"
        content = zipped(files)
        if good:
            assert len(read(content, AGREEING, name="x.xlsx").refused) == 4
        else:
            with pytest.raises(ImportFileError, match="without end"):
                read(content, AGREEING, name="x.xlsx")

    def test_too_many_texts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Excel's table of texts is held whole: one that is too big is not begun."""
        monkeypatch.setattr(weighing, "_MOST_STRINGS", 1_000_000)
        texts = b"".join(b"<si><t>%d</t></si>" % n for n in range(60_000))
        with pytest.raises(ImportFileError, match="unpacks to 1 MB"):
            read(zipped({"xl/workbook.xml": "<x/>", "xl/sharedStrings.xml": texts}), name="x.xlsx")

    @pytest.mark.parametrize(
        "files",
        [{"xl/workbook.xml": "<x"}, {"readme.md": "x"}, {"a.csv": "name\nAmal\n"}],
    )
    def test_archives_that_are_none(self, files: dict[str, str | bytes]) -> None:
        """No list, a broken workbook: told in one sentence."""
        with pytest.raises(ImportFileError):
            read(zipped(files), name="x.zip")

    def test_a_damaged_archive(self) -> None:
        """Cut off in the middle."""
        with pytest.raises(ImportFileError, match="archive cannot be read"):
            read(zipped({"a.csv": "address\na@example.org\n"})[:60], name="x.zip")

    def test_deep_json(self) -> None:
        """Ten thousand brackets are no person."""
        deep = '{"address": "a@example.org", "fields": ' + "[" * 100_000
        assert len(read('{"address": "b@example.org"}\n' + deep + "\n").refused) == 1


def test_an_export_of_our_own_keeps_all_evidence() -> None:
    """What a consent was checked against comes back, and older exports without it are taken."""
    consent = {"kind": "granted", "at": NOW.isoformat(), "source": "link", "wording": "Oui"}
    later = {**consent, "by": "", "version": "2", "network_address": "192.0.2.1", "evidence": "e"}
    for kept in ({**consent, "by": "staff"}, later):
        line = {"address": "a@example.org", "status": "confirmed", "consents": [kept]}
        (found,) = read(json.dumps(line)).entry.consents
        assert found.evidence == kept.get("evidence", "")
        assert found.version == kept.get("version", "")
