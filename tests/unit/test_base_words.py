"""Sentences, errors and resources: what staff read, what the shell hears, where files lie."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from flashback import errors, resources, sentences
from flashback.errors import Exit, FlashbackError
from flashback.sentences import NOTHING, Sentence, tr


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A French catalogue of two sentences, instead of the shipped one."""
    words = Catalog(locale="fr", fuzzy=False)
    words.add("{file} cannot be read: {reason}", "Impossible de lire {file} : {reason}")
    words.add("no such file", "fichier introuvable")
    path = tmp_path / "fr" / "LC_MESSAGES" / "flashback.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, words)
    monkeypatch.setattr(sentences, "LOCALE", tmp_path)
    sentences._catalogue.cache_clear()
    yield
    sentences._catalogue.cache_clear()


class TestSentences:
    """One sentence, read in two languages."""

    def test_english_is_where_it_was_written(self) -> None:
        """Fields take their places; a value's own braces stay."""
        assert (
            str(tr("{file} has {mark}.", file=Path("a.md"), mark="{token}")) == "a.md has {token}."
        )

    @pytest.mark.usefixtures("catalogue")
    def test_the_same_sentence_in_french(self) -> None:
        """The catalogue decides; a sentence within a sentence is translated with it."""
        sentence = tr("{file} cannot be read: {reason}", file="35.md", reason=tr("no such file"))
        assert sentence.in_language("fr") == "Impossible de lire 35.md : fichier introuvable"
        assert sentence.in_language("en") == "35.md cannot be read: no such file"

    @pytest.mark.usefixtures("catalogue")
    @pytest.mark.parametrize("language", ["fr", "xx"])
    def test_without_a_translation_english_serves(self, language: str) -> None:
        """A sentence or a language that the catalogue lacks is told in English."""
        assert tr("A {kind} sentence.", kind="new").in_language(language) == "A new sentence."

    @pytest.mark.usefixtures("catalogue")
    def test_nothing_is_nothing_in_every_language(self) -> None:
        """The empty sentence does not show the catalogue's header, which gettext keeps there."""
        assert [NOTHING.in_language(language) for language in ("en", "fr")] == ["", ""]

    def test_a_field_may_have_any_name(self) -> None:
        """Also the name of the sentence's own parameter."""
        assert str(tr("{source} {self}", source="a", self="b")) == "a b"

    def test_equal_sentences_are_equal(self) -> None:
        """Findings can be compared."""
        assert tr("{a}", a=1) == Sentence("{a}", {"a": 1}) != tr("{a}", a=2)


class TestErrors:
    """What happened, what to do now, and the exit code."""

    def test_an_error_tells_its_hint(self) -> None:
        """Sentence and way out, with nothing hanging where there is no way out."""
        error = FlashbackError(tr("It broke."), hint=tr("Mend it."))
        assert str(error) == "It broke. Mend it."
        assert str(FlashbackError(tr("It broke."))) == "It broke."

    def test_an_error_travels_whole(self) -> None:
        """Between processes nothing of it is lost."""
        error = pickle.loads(pickle.dumps(errors.ConfigError(tr("It broke."), hint=tr("Mend it."))))
        assert isinstance(error, errors.ConfigError)
        assert str(error) == "It broke. Mend it."

    def test_the_shell_can_tell_errors_apart(self) -> None:
        """2: the caller's mistake; 75: run it again; 1: anything else."""
        expected = {
            "FlashbackError": Exit.FAILED,
            "ConfigError": Exit.USAGE,
            "AddressError": Exit.USAGE,
            "IssueError": Exit.FAILED,
            "TemplateError": Exit.FAILED,
            "ImportFileError": Exit.USAGE,
            "StoreError": Exit.FAILED,
            "RepeatedIssueError": Exit.FAILED,
            "UnknownMailingError": Exit.USAGE,
            "UnknownSubscriberError": Exit.USAGE,
            "LeaseLostError": Exit.FAILED,
            "TransportError": Exit.FAILED,
            "RelayUnreachableError": Exit.UNFINISHED,
            "UnfinishedError": Exit.UNFINISHED,
        }
        tree = {
            name: kind.exit_code
            for name, kind in vars(errors).items()
            if isinstance(kind, type) and issubclass(kind, FlashbackError)
        }
        assert tree == expected
        assert [code.value for code in Exit] == [0, 1, 2, 3, 75]


class TestResources:
    """Where shipped files lie."""

    def test_a_checkout_has_its_files_at_the_top(self) -> None:
        """Templates, the example issue and its readers are found without being installed."""
        assert resources.templates("email").is_dir()
        assert resources.templates("web").is_dir()
        assert resources.example_issue().name == "35"
        assert resources.example_readers().name == "sample.csv"

    def test_what_travels_in_the_package_comes_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In a wheel, a stray folder beside the package is not taken for ours."""
        inside, outside = tmp_path / "inside", tmp_path / "outside"
        for root in (inside, outside):
            (root / "templates" / "email").mkdir(parents=True)
        (outside / "issues" / "35").mkdir(parents=True)
        monkeypatch.setattr(resources, "_ROOTS", (inside, outside))
        assert resources.templates("email") == inside / "templates" / "email"
        assert resources.example_issue() == outside / "issues" / "35"

    def test_a_broken_install_is_told(self) -> None:
        """What is not there is not answered with a path that leads nowhere."""
        with pytest.raises(FileNotFoundError, match="fax"):
            resources.templates("fax")
