"""The templates of the archive: a workspace's own folder first, file by file."""

from collections.abc import Sequence
from pathlib import Path

import jinja2

from flashback.errors import TemplateError
from flashback.sentences import tr


def environment_of(templates: Sequence[Path]) -> jinja2.Environment:
    """Where pages are made; ``templates`` are folders, the first that has a file wins."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=jinja2.select_autoescape(("html.j2",)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def made(environment: jinja2.Environment, name: str, context: dict[str, object]) -> str:
    """One template with its words. Raises TemplateError, with the place."""
    try:
        return environment.get_template(name).render(context)
    except jinja2.TemplateError as error:
        file = getattr(error, "filename", None) or name
        line = getattr(error, "lineno", None)
        raise TemplateError(
            tr("{place}: {reason}", place=f"{file}:{line}" if line else file, reason=error),
            hint=tr("Correct the line, or remove the file to use the shipped one."),
        ) from error
