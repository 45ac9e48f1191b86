"""The one shape in which a wrong setting is told."""

from pathlib import Path

from flashback.errors import ConfigError
from flashback.sentences import NOTHING, Sentence, tr


def wrong(path: Path, place: str, wanted: Sentence, *, hint: Sentence = NOTHING) -> ConfigError:
    """A setting at this place that must be something else."""
    return ConfigError(
        tr("{file}: {place} must be {wanted}.", file=path, place=place, wanted=wanted), hint=hint
    )
