"""Settings: what is right is read, and what is wrong is named with its place and the way out."""

import datetime as dt
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import ModuleType

import pytest

from flashback import config as configuration
from flashback.config import Config, find, load
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

Value = str | int | float | bool | list[str] | dict[str, str] | dt.date


def toml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    return str(value)


def written(folder: Path, **changes: Value) -> Path:
    """A settings file; ``relay__port=25`` stands for ``port = 25`` under ``[relay]``."""
    tables: dict[str, dict[str, Value]] = {k: dict(v) for k, v in SMALLEST.items()}
    for place, value in changes.items():
        table, _, key = place.partition("__")
        tables.setdefault(table, {})[key] = value
    lines = []
    for table, values in tables.items():
        lines += [f"[{table}]", *(f"{key} = {toml(value)}" for key, value in values.items())]
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
        assert found.sending.window == 100
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
        monkeypatch.setattr(configuration, "FILENAME", "no-such-file.toml")
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
        error = refusal(written(tmp_path, relais__port=25))
        assert "unknown key relais." in str(error.sentence)
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
        ],
    )
    def test_a_wrong_kind(self, tmp_path: Path, place: str, value: Value, wanted: str) -> None:
        """Key and wanted kind are told in plain words, without Python's names."""
        sentence = str(refusal(written(tmp_path, **{place: value})).sentence)
        name = "segments" if place == "segments__press" else place.replace("__", ".")
        assert sentence.endswith(f": {name} must be {wanted}.")
        assert "str" not in wanted

    @pytest.mark.parametrize(
        ("place", "highest"),
        [(place.replace(".", "__"), top) for place, top in configuration._HIGHEST.items()],
    )
    def test_a_number_out_of_range(self, tmp_path: Path, place: str, highest: int) -> None:
        """Ports, counts and waits are above zero, and no more than clocks and sockets can bear."""
        load(written(tmp_path, **{place: highest}))
        for value in (0, -1, highest + 1):
            error = refusal(written(tmp_path, **{place: value}))
            assert f"above zero and at most {highest}" in str(error)

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
