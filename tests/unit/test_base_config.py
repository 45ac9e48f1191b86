"""Settings: what is right is read, and what is wrong is named with its place and the way out."""

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from dataclasses import FrozenInstanceError, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import pytest

from flashback.config import Config, find, load, reading
from flashback.config.bounds import UpTo
from flashback.credentials import relay_password, signing_key
from flashback.errors import ConfigError, Exit

SMALLEST = {
    "newsletter": {
        "name": "Flash-back",
        "sender": "letter@example.org",
        "list_id": "flash-back.example.org",
    },
    "links": {"unsubscribe": "https://example.org/u/{token}"},
}

Value = str | int | float | bool | dt.date | Sequence["Value"] | Mapping[str, "Value"]


#: Every table by its name.
TABLES: Mapping[str, type] = {
    name: kind
    for name, kind in get_type_hints(Config).items()
    if isinstance(kind, type) and is_dataclass(kind)
}


def bounded() -> list[tuple[str, UpTo]]:
    """Every number that can be set, as (place, bounds)."""
    return [
        (f"{table}__{name}", get_args(hint)[1])
        for table, kind in TABLES.items()
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if get_origin(hint) is Annotated
    ]


def toml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') + '"'
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml(key)} = {toml(v)}" for key, v in value.items()) + "}"
    return str(value)


def written(folder: Path, **changes: Value) -> Path:
    """A settings file; ``relay__port=25`` and ``relay={"port": 25}`` are ``port = 25`` there."""
    tables: dict[str, dict[str, Value]] = {k: dict(v) for k, v in SMALLEST.items()}
    for place, value in changes.items():
        table, _, key = place.partition("__")
        if key:
            tables.setdefault(table, {})[key] = value
        else:
            assert isinstance(value, Mapping)
            tables.setdefault(table, {}).update(value)
    lines = []
    for table, values in tables.items():
        lines += [f"[{table}]", *(f"{toml(key)} = {toml(v)}" for key, v in values.items())]
    path = folder / "flashback.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def refusal(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(path) in str(caught.value.sentence)
    assert caught.value.exit_code is Exit.USAGE
    return caught.value


class TestReading:
    """From a file to a Config."""

    def test_the_smallest_file_is_enough(self, tmp_path: Path) -> None:
        """Four lines make a newsletter; everything else has a default."""
        found = load(written(tmp_path))
        assert found.newsletter.name == "Flash-back"
        assert found.relay.port == 587
        assert found.relay.security == "starttls"
        assert found.sending.window == 500
        assert found.segments == {}
        assert found.folder == tmp_path
        assert found.path("issues/35") == tmp_path / "issues" / "35"

    def test_every_kind_of_value_is_read(self, tmp_path: Path) -> None:
        """Texts, numbers, switches, choices and tables; a whole number serves as a number."""
        found = load(
            written(
                tmp_path,
                relay__port=465,
                relay__security="tls",
                relay__connect_seconds=5,
                relay__command_seconds=0.5,
                sending__log_addresses=True,
                newsletter__tagline={"fr": "Regards", "ar": "نظرات"},
                segments__press="organisation = 'press'",
            )
        )
        assert (found.relay.port, found.relay.security) == (465, "tls")
        assert (found.relay.connect_seconds, found.relay.command_seconds) == (5.0, 0.5)
        assert isinstance(found.relay.connect_seconds, float)
        assert found.sending.log_addresses is True
        assert found.newsletter.tagline == {"fr": "Regards", "ar": "نظرات"}
        assert found.segments == {"press": "organisation = 'press'"}

    def test_nothing_can_be_changed_afterwards(self, tmp_path: Path) -> None:
        """A setting is the same from the first delivery to the last, tables included."""
        found = load(written(tmp_path, newsletter__tagline={"fr": "Regards"}))
        with pytest.raises(FrozenInstanceError):
            found.newsletter.name = "Other"  # type: ignore[misc]
        with pytest.raises(TypeError):
            found.newsletter.tagline["fr"] = "Other"  # type: ignore[index]

    @pytest.mark.parametrize("line_end", ["\n", "\r\n"])
    def test_a_file_from_windows_is_read(self, tmp_path: Path, line_end: str) -> None:
        """A byte-order mark and CRLF are no reason to fail."""
        path = written(tmp_path)
        text = path.read_text(encoding="utf-8")
        path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", line_end).encode())
        assert load(path).newsletter.sender == "letter@example.org"

    def test_the_nearest_file_above_counts(self, tmp_path: Path) -> None:
        """A command works in every folder of the workspace."""
        below = tmp_path / "issues" / "35"
        below.mkdir(parents=True)
        path = written(tmp_path)
        assert find(below) == path.resolve()
        assert find(tmp_path) == path.resolve()
        nearer = written(below)
        assert find(below) == nearer.resolve()

    def test_no_file_anywhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever stands in a wrong folder is told how to make a right one."""
        monkeypatch.setattr(reading, "FILENAME", "no-such-file.toml")
        with pytest.raises(ConfigError, match="flashback init") as caught:
            find(tmp_path)
        assert str(tmp_path.resolve()) in str(caught.value)


class TestRefusing:
    """What is wrong is named."""

    def test_a_missing_file(self, tmp_path: Path) -> None:
        """The file and the system's reason are told."""
        assert "No such file" in str(refusal(tmp_path / "flashback.toml"))

    def test_a_folder_in_its_place(self, tmp_path: Path) -> None:
        """A folder by that name is no settings file."""
        assert "cannot be read" in str(refusal(tmp_path))

    def test_another_encoding(self, tmp_path: Path) -> None:
        """A file in Latin-1 is told apart from a broken one."""
        path = tmp_path / "flashback.toml"
        path.write_bytes('[newsletter]\nname = "Économie"\n'.encode("latin-1"))
        error = refusal(path)
        assert "not UTF-8" in str(error.sentence)
        assert "Save it again" in str(error.hint)

    def test_what_is_no_toml(self, tmp_path: Path) -> None:
        """The line is named, and how a text is written."""
        path = tmp_path / "flashback.toml"
        path.write_text("[newsletter]\nname = Flash-back\n", encoding="utf-8")
        error = refusal(path)
        assert "line 2" in str(error.sentence)
        assert "double quotes" in str(error.hint)

    def test_a_misspelt_key(self, tmp_path: Path) -> None:
        """The nearest known key is offered."""
        error = refusal(written(tmp_path, relay__prot=25))
        assert "unknown key relay.prot" in str(error.sentence)
        assert "“port”" in str(error.hint)

    def test_a_key_like_no_other(self, tmp_path: Path) -> None:
        """Where nothing is near, all known keys are listed."""
        error = refusal(written(tmp_path, store__xyzzy=1))
        assert "store.xyzzy" in str(error.sentence)
        assert str(error.hint) == "Known there: url, key_file."

    def test_an_unknown_table(self, tmp_path: Path) -> None:
        """A table is a key like any other."""
        error = refusal(written(tmp_path, relai__port=25))
        assert "unknown key relai." in str(error.sentence)
        assert "“relay”" in str(error.hint)

    def test_what_is_ours_alone_cannot_be_set(self, tmp_path: Path) -> None:
        """The workspace's folder is where the file lies, and not what the file says."""
        path = written(tmp_path)
        path.write_text('folder = "/"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
        error = refusal(path)
        assert "unknown key folder" in str(error.sentence)
        assert "folder" not in str(error.hint)

    def test_a_missing_key(self, tmp_path: Path) -> None:
        """What has no default must be there."""
        path = tmp_path / "flashback.toml"
        path.write_text('[newsletter]\nname = "Flash-back"\n', encoding="utf-8")
        error = refusal(path)
        assert "newsletter.sender is missing" in str(error.sentence)
        assert "docs/configuration.md" in str(error.hint)

    def test_a_missing_table(self, tmp_path: Path) -> None:
        """An empty file lacks its first table."""
        path = tmp_path / "flashback.toml"
        path.write_text("", encoding="utf-8")
        assert "newsletter is missing" in str(refusal(path))

    def test_a_value_instead_of_a_table(self, tmp_path: Path) -> None:
        """The table's own spelling is shown."""
        path = tmp_path / "flashback.toml"
        path.write_text('newsletter = "Flash-back"\n', encoding="utf-8")
        assert "newsletter must be a table, [newsletter]." in str(refusal(path))

    @pytest.mark.parametrize(
        ("place", "value", "wanted"),
        [
            ("newsletter__name", 35, "a text between double quotes"),
            ("newsletter__name", True, "a text between double quotes"),
            ("newsletter__name", ["Flash-back"], "a text between double quotes"),
            ("newsletter__name", {"fr": "Flash-back"}, "a text between double quotes"),
            ("newsletter__name", dt.date(2011, 9, 2), "a text between double quotes"),
            ("relay__port", "587", "a whole number"),
            ("relay__port", 587.0, "a whole number"),
            ("relay__port", True, "a whole number"),
            ("relay__connect_seconds", "30", "a number"),
            ("relay__connect_seconds", True, "a number"),
            ("sending__log_addresses", 1, "true or false"),
            ("sending__log_addresses", "yes", "true or false"),
            ("relay__security", "ssl", "one of tls, starttls, none"),
            ("relay__security", False, "one of tls, starttls, none"),
            ("relay__security", ["tls"], "one of tls, starttls, none"),
            ("newsletter__tagline", "Regards", "a table of texts"),
            ("newsletter__tagline", ["Regards"], "a table of texts"),
            ("segments__press", 1, "a table of texts"),
            ("fields__agencies", "integer", "“text”, “number” or “date”"),
            ("relay__oauth", "x", "a table, [relay.oauth]"),
            ("relays__second", 25, "a table, [relays.NAME]"),
            ("sending__per_domain", 100, "a table of numbers"),
            ("sending__per_domain", {"example.org": "100"}, "a table of numbers"),
            ("sending__warm_up", 500, "a list of whole numbers, each a number above zero"),
            ("sending__warm_up", [500, 0], "a list of whole numbers, each a number above zero"),
            ("sending__warm_up", [500, True], "a list of whole numbers, each a number above zero"),
            ("sending__warm_up", [0.5], "a list of whole numbers, each a number above zero"),
        ],
    )
    def test_a_wrong_kind(self, tmp_path: Path, place: str, value: Value, wanted: str) -> None:
        """Key and wanted kind are told in plain words, without Python's names."""
        sentence = str(refusal(written(tmp_path, **{place: value})).sentence)
        table, _, key = place.partition("__")
        name = table if table in {"segments", "relays"} else f"{table}.{key}"
        assert f": {name} must be {wanted}" in sentence
        assert "str" not in wanted

    @pytest.mark.parametrize(("place", "bounds"), bounded())
    def test_a_number_out_of_range(self, tmp_path: Path, place: str, bounds: UpTo) -> None:
        """Ports, counts and waits are no more than clocks and sockets can bear, and no less."""
        load(written(tmp_path, **{place: bounds.highest}))
        for value in (-1, bounds.highest + 1):
            assert str(bounds.wanted) in str(refusal(written(tmp_path, **{place: value})))
        if bounds.takes_zero:
            load(written(tmp_path, **{place: 0}))
        else:
            assert "above zero" in str(refusal(written(tmp_path, **{place: 0})))

    def test_every_number_has_bounds(self) -> None:
        """A number is never taken as it comes."""
        free = [
            f"{table}.{name}"
            for table, kind in TABLES.items()
            for name, hint in get_type_hints(kind, include_extras=True).items()
            if hint in {int, float}
        ]
        assert free == []
        assert len(bounded()) > 15

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_a_number_that_is_none(self, tmp_path: Path, value: float) -> None:
        """TOML knows nan and inf; a socket does not."""
        assert "above zero" in str(refusal(written(tmp_path, relay__connect_seconds=value)))

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.org/u/{token}",
            "https://example.org?t={token}",
            "http://localhost:8080/u/{token}",
            "http://127.0.0.1/u/{token}",
            "http://[::1]:8080/u?t={token}",
        ],
    )
    def test_a_link_to_leave_by(self, tmp_path: Path, url: str) -> None:
        """The link is https, or this machine's own for a trial."""
        assert load(written(tmp_path, links__unsubscribe=url)).links.unsubscribe == url

    @pytest.mark.parametrize(
        ("url", "wanted"),
        [
            ("https://example.org/u", "{token} in it, once"),
            ("https://example.org/{token}/{token}", "{token} in it, once"),
            ("http://example.org/u/{token}", "an https:// URL"),
            ("http://localhost.example.org/u/{token}", "an https:// URL"),
            ("http://localhost@example.org/u/{token}", "an https:// URL"),
            ("http://127.example.org/u/{token}", "an https:// URL"),
            ("ftp://example.org/{token}", "an https:// URL"),
            ("https:///u/{token}", "an https:// URL"),
            ("example.org/u/{token}", "an https:// URL"),
            ("https://example.org/u/ {token}", "without spaces"),
            ("https://example.org/u/{token}\n", "without spaces"),
            ("https://bücher.example/u/{token}", "of ASCII letters"),
        ],
    )
    def test_a_link_nobody_can_leave_by(self, tmp_path: Path, url: str, wanted: str) -> None:
        """RFC 8058 wants https, a header wants ASCII, and each reader wants their own token."""
        sentence = str(refusal(written(tmp_path, links__unsubscribe=url)).sentence)
        assert "links.unsubscribe must be" in sentence
        assert wanted in sentence

    def test_a_password_in_the_clear(self, tmp_path: Path) -> None:
        """A login without encryption is refused; no encryption without a login is not."""
        assert load(written(tmp_path, relay__security="none")).relay.security == "none"
        error = refusal(written(tmp_path, relay__security="none", relay__username="letter"))
        assert "in the clear" in str(error.sentence)
        assert "starttls" in str(error.hint)
        assert "[relay]" in str(error.hint)


class TestRelays:
    """More than one server, and other ways out of the house."""

    def test_the_one_and_only(self, tmp_path: Path) -> None:
        """Whoever names no others has one relay, called main."""
        found = load(written(tmp_path, relay__host="mail.example.org"))
        assert found.all_relays == {"main": found.relay}

    def test_more_of_them(self, tmp_path: Path) -> None:
        """Each under its name, with its own settings, after the one under [relay]."""
        second: Mapping[str, Value] = {"host": "second.example.org", "weight": 3, "oauth": {}}
        found = load(written(tmp_path, relays__second=second, relays__third={}))
        assert list(found.all_relays) == ["main", "second", "third"]
        assert found.relays["second"].host == "second.example.org"
        assert found.relays["second"].weight == 3
        assert found.relays["third"].port == 587
        with pytest.raises(TypeError):
            found.relays["fourth"] = found.relay  # type: ignore[index]

    @pytest.mark.parametrize(
        ("settings", "place"),
        [
            ({"prot": 25}, "unknown key relays.second.prot"),
            ({"port": 0}, "relays.second.port must be"),
            ({"oauth": {"scop": ""}}, "unknown key relays.second.oauth.scop"),
            ({"security": "none", "username": "letter"}, "in the clear"),
        ],
    )
    def test_what_is_wrong_in_one_of_them(
        self, tmp_path: Path, settings: Mapping[str, Value], place: str
    ) -> None:
        """The whole place is told."""
        assert place in str(refusal(written(tmp_path, relays__second=settings)))

    @pytest.mark.parametrize("name", ["main", "Second", "a b", "a_b", "", "-x", "x" * 33])
    def test_names_that_are_none(self, tmp_path: Path, name: str) -> None:
        """A name stands in the log and in the environment."""
        error = refusal(written(tmp_path, relays={name: {}}))
        assert f"cannot be named “{name}”" in str(error.sentence)
        assert "small letters" in str(error.hint)

    @pytest.mark.parametrize(
        ("kind", "path"),
        [("sendmail", "/usr/sbin/sendmail"), ("maildir", "out/mail"), ("mbox", "out/mail.mbox")],
    )
    def test_what_is_no_server(self, tmp_path: Path, kind: str, path: str) -> None:
        """A program, a folder or a file; each needs to be named."""
        assert load(written(tmp_path, relay__kind=kind, relay__path=path)).relay.path == path
        assert "relay.path must be the" in str(refusal(written(tmp_path, relay__kind=kind)))

    def test_a_program_found_by_luck(self, tmp_path: Path) -> None:
        """A name alone would be another program in another folder."""
        error = refusal(written(tmp_path, relay__kind="sendmail", relay__path="sendmail"))
        assert "the whole path of a program" in str(error)

    def test_a_path_without_its_kind(self, tmp_path: Path) -> None:
        """Mail meant for a folder must not go to a server."""
        error = refusal(written(tmp_path, relay__path="out/mail"))
        assert "relay.path is not for SMTP" in str(error.sentence)
        assert "maildir" in str(error.hint)

    @pytest.mark.parametrize(
        "changes", [{"security": "none"}, {"kind": "mbox", "path": "out/mail.mbox"}]
    )
    def test_encryption_that_cannot_be_required(
        self, tmp_path: Path, changes: Mapping[str, Value]
    ) -> None:
        """RFC 8689 speaks of SMTP under TLS, and of nothing else."""
        error = refusal(written(tmp_path, relay={"require_tls": True, **changes}))
        assert "relay.require_tls cannot be kept" in str(error.sentence)

    def test_a_login_by_token(self, tmp_path: Path) -> None:
        """Where the token comes from, and whose it is."""
        found = load(written(tmp_path, relay={"username": "letter@example.org", "oauth": OAUTH}))
        assert found.relay.oauth.token_url == "https://login.example.org/token"
        assert found.relay.oauth.scope == ""

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"oauth": {"client_id": "x"}}, "relay.oauth.token_url must be an https:// URL"),
            ({"login": "xoauth2"}, "relay.oauth.token_url must be an https:// URL"),
            ({"oauth": {"token_url": "http://example.org/t"}}, "must be an https:// URL"),
            ({"oauth": {"token_url": "https://exämple.org/t"}}, "must be an https:// URL"),
            ({"oauth": {"token_url": "https://example.org/t"}}, "relay.oauth.client_id must be"),
            ({"username": ""}, "relay.username must be the mailbox"),
            ({"login": "plain"}, "relay.login must be one of auto, xoauth2, oauthbearer"),
        ],
    )
    def test_a_login_by_token_that_cannot_be(
        self, tmp_path: Path, changes: Mapping[str, Value], told: str
    ) -> None:
        """A half of it is told before any server is asked."""
        whole = {} if changes.get("login") == "xoauth2" else {"oauth": OAUTH}
        settings = {"username": "letter@example.org", **whole, **changes}
        assert told in str(refusal(written(tmp_path, relay=settings)))


OAUTH: Mapping[str, Value] = {
    "token_url": "https://login.example.org/token",
    "client_id": "flashback",
}


class TestSending:
    """How fast, when, and when to stop."""

    def test_rates_of_domains(self, tmp_path: Path) -> None:
        """By the domain's name, which has a dot and stands between quotes."""
        found = load(written(tmp_path, sending__per_domain={"example.org": 100, "b.example": 0.5}))
        assert found.sending.per_domain == {"example.org": 100.0, "b.example": 0.5}

    def test_a_domain_without_quotes(self, tmp_path: Path) -> None:
        """TOML takes its dot for a table, and staff learn how to say it."""
        error = refusal(written(tmp_path, sending__per_domain={"orange": {"example": 100}}))
        assert "sending.per_domain must be a table of numbers" in str(error.sentence)
        assert '"orange.example" = ...' in str(error.hint)

    @pytest.mark.parametrize("name", ["Example.org", "example", "reader@example.org", "é.example"])
    def test_what_is_no_domain(self, tmp_path: Path, name: str) -> None:
        """A limit that would never apply is refused."""
        error = refusal(written(tmp_path, sending__per_domain={name: 100}))
        assert f"“{name}” is no domain" in str(error.sentence)

    @pytest.mark.parametrize("rate", [0, -1, float("nan"), 1_000_001])
    def test_a_domain_that_gets_nothing(self, tmp_path: Path, rate: float) -> None:
        """A rate is above zero: nobody is left without mail by a setting."""
        error = refusal(written(tmp_path, sending__per_domain={"example.org": rate}))
        assert "sending.per_domain.example.org must be a number above zero" in str(error)

    def test_hours_of_quiet(self, tmp_path: Path) -> None:
        """They are read as hours, in a time zone."""
        zone = {"time_zone": "Africa/Casablanca"}
        found = load(written(tmp_path, sending={"quiet_hours": "22:00 - 07:30", **zone})).sending
        assert found.quiet == (dt.time(22), dt.time(7, 30))
        assert found.zone == ZoneInfo("Africa/Casablanca")

    def test_no_hours_of_quiet(self, tmp_path: Path) -> None:
        """Where nothing is set, nothing holds mail back."""
        found = load(written(tmp_path)).sending
        assert (found.quiet, found.zone, found.first_day) == (None, None, None)

    @pytest.mark.parametrize("hours", ["22-7", "22:00", "24:00-07:00", "22:00-22:00", "22:60-7:00"])
    def test_hours_that_are_none(self, tmp_path: Path, hours: str) -> None:
        """The right spelling is shown."""
        assert "22:00-07:00" in str(refusal(written(tmp_path, sending__quiet_hours=hours)))

    @pytest.mark.parametrize("zone", ["Casablanca", "Africa", "../etc/passwd", "/etc/passwd", "é"])
    def test_zones_that_are_none(self, tmp_path: Path, zone: str) -> None:
        """A name of the time zone database, or none."""
        assert "such as Africa/Casablanca" in str(
            refusal(written(tmp_path, sending__time_zone=zone))
        )

    def test_a_warm_up(self, tmp_path: Path) -> None:
        """Limits for the first days, and the day they count from."""
        warm_up: Mapping[str, Value] = {"warm_up": [500, 1000, 2000], "warm_up_since": "2026-01-05"}
        found = load(written(tmp_path, sending=warm_up)).sending
        assert found.warm_up == (500, 1000, 2000)
        assert found.first_day == dt.date(2026, 1, 5)

    @pytest.mark.parametrize(
        ("warm_up", "told"),
        [
            ({"warm_up": [500]}, "Set both"),
            ({"warm_up_since": "2026-01-05"}, "Set both"),
            ({"warm_up": [500], "warm_up_since": "5/1/2026"}, "a date between quotes"),
        ],
    )
    def test_half_a_warm_up(self, tmp_path: Path, warm_up: Mapping[str, Value], told: str) -> None:
        """Limits without a first day would never end, or never begin."""
        assert told in str(refusal(written(tmp_path, sending=warm_up)))

    def test_the_share_is_one_at_most(self, tmp_path: Path) -> None:
        """20 for 20 % is a mistake, and is told."""
        error = refusal(written(tmp_path, sending__pause_at_share=20))
        assert "at most 1" in str(error)


class TestSigning:
    """Keys by selector."""

    def test_keys(self, tmp_path: Path) -> None:
        """More than one may sign; selectors with a dot stand between quotes."""
        keys = {"key1": "rsa.pem", "key2.news": ""}
        found = load(written(tmp_path, dkim__domain="example.org", dkim__keys=keys)).dkim
        assert found.domain == "example.org"
        assert found.keys == keys

    @pytest.mark.parametrize("domain", ["example", "Example.org", "@example.org", "a..example"])
    def test_no_domain(self, tmp_path: Path, domain: str) -> None:
        """It is what the DNS has."""
        assert "dkim.domain must be" in str(refusal(written(tmp_path, dkim__domain=domain)))

    @pytest.mark.parametrize("selector", ["Key", "a b", "", "key.", "é", "x" * 64])
    def test_no_selector(self, tmp_path: Path, selector: str) -> None:
        """RFC 6376 section 3.1: a name in the DNS."""
        error = refusal(written(tmp_path, dkim__keys={selector: "rsa.pem"}))
        assert f"“{selector}” is no selector" in str(error.sentence)


class FakeKeyring(ModuleType):
    """What the library ``keyring`` shows of itself: one question, and errors of its own."""

    class KeyringError(Exception):
        pass

    class NoKeyringError(KeyringError, RuntimeError):
        pass

    def __init__(self, answer: str | Exception | None) -> None:
        super().__init__("keyring")
        self.answer = answer
        self.asked: list[tuple[str, str]] = []
        self.errors = self

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append((service, username))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class TestPassword:
    """The relay's password comes from outside the settings file."""

    @pytest.fixture(autouse=True)
    def bare(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither an environment nor a keyring, whatever this machine has."""
        monkeypatch.delenv("FLASHBACK_RELAY_PASSWORD", raising=False)
        monkeypatch.setitem(sys.modules, "keyring", None)

    @pytest.fixture
    def with_file(self, tmp_path: Path) -> Config:
        secret = tmp_path / "relay.password"
        secret.write_bytes(b"from the file\r\n")
        secret.chmod(0o600)
        return load(
            written(tmp_path, relay__username="letter", relay__password_file="relay.password")
        )

    @pytest.fixture
    def without_file(self, tmp_path: Path) -> Config:
        return load(written(tmp_path, relay__username="letter", relay__host="mail.example.org"))

    def test_the_environment_wins(self, with_file: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is set for one run comes before what is kept."""
        monkeypatch.setenv("FLASHBACK_RELAY_PASSWORD", "from the environment")
        assert relay_password(with_file) == "from the environment"

    def test_an_empty_environment_says_nothing(
        self, with_file: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A variable that is set to nothing is no password."""
        monkeypatch.setenv("FLASHBACK_RELAY_PASSWORD", "")
        assert relay_password(with_file) == "from the file"

    @pytest.mark.parametrize(
        ("octets", "password"),
        [
            (b"secret", "secret"),
            (b"secret\n", "secret"),
            (b"secret\r\n", "secret"),
            (b"\xef\xbb\xbfsecret\r\n", "secret"),
            (b" two words \n", " two words "),
            ("clé\n".encode(), "clé"),
        ],
    )
    def test_a_file_holds_it(
        self, with_file: Config, tmp_path: Path, octets: bytes, password: str
    ) -> None:
        """Line ends and a byte-order mark are the editor's; all else is the password's."""
        (tmp_path / "relay.password").write_bytes(octets)
        assert relay_password(with_file) == password

    @pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o601])
    def test_a_file_open_to_everyone_is_refused(
        self, with_file: Config, tmp_path: Path, mode: int
    ) -> None:
        """Staff learn that others could read it, and the command that ends this."""
        (tmp_path / "relay.password").chmod(mode)
        with pytest.raises(ConfigError, match="everyone on this machine") as caught:
            relay_password(with_file)
        assert str(caught.value.hint) == f"Run: chmod 600 {tmp_path / 'relay.password'}"
        assert "from the file" not in str(caught.value)

    @pytest.mark.parametrize("mode", [0o400, 0o600, 0o640])
    def test_a_file_for_us_or_our_group_serves(
        self, with_file: Config, tmp_path: Path, mode: int
    ) -> None:
        """A service's group may read it."""
        (tmp_path / "relay.password").chmod(mode)
        assert relay_password(with_file) == "from the file"

    def test_a_missing_file(self, with_file: Config, tmp_path: Path) -> None:
        """A file that was named must be there; nothing else is tried."""
        (tmp_path / "relay.password").unlink()
        with pytest.raises(ConfigError, match=r"relay\.password cannot be read"):
            relay_password(with_file)

    @pytest.mark.parametrize("octets", [b"", b"\r\n"])
    def test_an_empty_file(self, with_file: Config, tmp_path: Path, octets: bytes) -> None:
        """An empty password is a mistake, and is not tried at the relay."""
        (tmp_path / "relay.password").write_bytes(octets)
        with pytest.raises(ConfigError, match=r"relay\.password is empty") as caught:
            relay_password(with_file)
        assert "Write the password" in str(caught.value.hint)

    def test_a_file_in_another_encoding(self, with_file: Config, tmp_path: Path) -> None:
        """A password that cannot be read as text is told as such."""
        (tmp_path / "relay.password").write_bytes(b"cl\xe9\n")
        with pytest.raises(ConfigError, match="not UTF-8") as caught:
            relay_password(with_file)
        assert "cl" not in str(caught.value.sentence).partition("relay.password")[2]
        assert "UTF-8 in your editor" in str(caught.value.hint)

    def test_the_keyring_is_asked_last(
        self, without_file: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Under the program's name, for the relay's user."""
        keyring = FakeKeyring("from the keyring")
        monkeypatch.setitem(sys.modules, "keyring", keyring)
        assert relay_password(without_file) == "from the keyring"
        assert keyring.asked == [("flashback", "letter")]

    def test_a_named_file_spares_the_keyring(
        self, with_file: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody is asked to unlock what is not needed."""
        keyring = FakeKeyring("from the keyring")
        monkeypatch.setitem(sys.modules, "keyring", keyring)
        assert relay_password(with_file) == "from the file"
        assert keyring.asked == []

    @pytest.mark.parametrize(
        "keyring",
        [
            pytest.param(None, id="not installed"),
            pytest.param(FakeKeyring(None), id="knows nothing"),
            pytest.param(FakeKeyring(FakeKeyring.NoKeyringError("none")), id="nothing behind it"),
        ],
    )
    def test_no_password_anywhere(
        self,
        without_file: Config,
        monkeypatch: pytest.MonkeyPatch,
        keyring: FakeKeyring | None,
    ) -> None:
        """User and host are named, and both ways out."""
        monkeypatch.setitem(sys.modules, "keyring", keyring)
        with pytest.raises(ConfigError) as caught:
            relay_password(without_file)
        assert str(caught.value.sentence) == "There is no password for letter at mail.example.org."
        assert "FLASHBACK_RELAY_PASSWORD" in str(caught.value.hint)
        assert "password_file" in str(caught.value.hint)

    def test_a_locked_keyring(self, without_file: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        """The keyring's own reason is told, not that there is no password."""
        locked = FakeKeyring(FakeKeyring.KeyringError("the collection is locked"))
        monkeypatch.setitem(sys.modules, "keyring", locked)
        with pytest.raises(ConfigError, match="the collection is locked") as caught:
            relay_password(without_file)
        assert "Unlock" in str(caught.value.hint)


class TestSigningKey:
    """The key that signs unsubscribe links."""

    def test_the_environment_wins(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """FLASHBACK_KEY is taken before any file."""
        monkeypatch.setenv("FLASHBACK_KEY", "from-the-environment")
        assert signing_key(_config(tmp_path)).octets == b"from-the-environment"

    def test_the_file_is_taken_without_its_line_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The key file is what flashback init wrote."""
        monkeypatch.delenv("FLASHBACK_KEY", raising=False)
        config = _config(tmp_path)
        path = config.path(config.store.key_file)
        path.parent.mkdir()
        path.write_text("0123456789abcdef\n")
        path.chmod(0o600)
        assert signing_key(config).octets == b"0123456789abcdef"

    @pytest.mark.parametrize(("content", "said"), [(None, "is missing"), ("short\n", "too short")])
    def test_no_key_is_made_up(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        content: str | None,
        said: str,
    ) -> None:
        """A lost key is an error: a new one would break the links in mail already sent."""
        monkeypatch.delenv("FLASHBACK_KEY", raising=False)
        config = _config(tmp_path)
        path = config.path(config.store.key_file)
        if content is not None:
            path.parent.mkdir()
            path.write_text(content)
            path.chmod(0o600)
        with pytest.raises(ConfigError, match=said):
            signing_key(config)
        assert path.exists() is (content is not None)

    @pytest.mark.parametrize(
        ("octets", "said"), [(b"\xff" * 32, "not UTF-8"), (b"", "empty"), (b"\n", "empty")]
    )
    def test_a_spoilt_key_is_copied_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, octets: bytes, said: str
    ) -> None:
        """Nobody is told to edit a key: only the old one opens the links in mail already sent."""
        monkeypatch.delenv("FLASHBACK_KEY", raising=False)
        config = _config(tmp_path)
        path = config.path(config.store.key_file)
        path.parent.mkdir()
        path.write_bytes(octets)
        path.chmod(0o600)
        with pytest.raises(ConfigError, match=said) as caught:
            signing_key(config)
        hint = str(caught.value.hint)
        assert hint.startswith("Copy it back from where it was kept")
        assert "password" not in hint
        assert "editor" not in hint


def _config(folder: Path) -> Config:
    path = folder / "flashback.toml"
    path.write_text(
        '[newsletter]\nname = "F"\nsender = "f@example.org"\nlist_id = "f.example.org"\n'
        '[links]\nunsubscribe = "https://example.org/{token}"\n'
    )
    return load(path)
