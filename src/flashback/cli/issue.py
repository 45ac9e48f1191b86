"""``check`` and ``compose``: what is wrong with an issue, and how it will look."""

import difflib
import json
from collections.abc import Sequence
from pathlib import Path

import click

from flashback.cli import show
from flashback.cli.house import command, mark, option
from flashback.errors import Exit, FlashbackError
from flashback.model import Finding, Severity
from flashback.sentences import tr
from flashback.workspace import Workspace, desk

_issue = click.argument("issue", required=False)


@command(name="check", example="flashback check issues/35")
@_issue
@option("--json", "as_json", is_flag=True, help=mark("One JSON object a line."))
@option("--spam", is_flag=True, help=mark("Ask SpamAssassin as well; nothing leaves this machine."))
@option("--online", is_flag=True, help=mark("Ask the server of every link whether it answers."))
@option("--explain", metavar="CODE", help=mark("Say what a finding's code means, and no more."))
@click.pass_obj
def check(
    folder: str, issue: str | None, *, as_json: bool, spam: bool, online: bool, explain: str | None
) -> int:
    """Read and typeset every edition of an issue, and say everything that is wrong at once."""
    if explain is not None:
        return _explain(explain)
    workspace = Workspace.at(Path(folder))
    readings = desk.read(workspace, desk.issue_path(workspace, issue))
    found = [finding for reading in readings for finding in reading.findings]
    issues = [reading.issue for reading in readings if reading.issue]
    if not has_errors(found) and len(issues) == len(readings):
        editions = desk.compose(workspace, issues)
        found += desk.preflight(workspace, issues, editions)
        if spam:
            from flashback.workspace import filtering

            found += filtering.look(workspace, issues, editions)
        if online:
            from flashback.workspace import asking

            with show.stages(tr("Asking for links")) as tell:
                found += asking.look(workspace, issues, tell=tell)
    if as_json:
        for finding in found:
            click.echo(json.dumps(_as_object(finding), ensure_ascii=False))
    else:
        show.findings(found)
        _sum_up(found, [issue.language for issue in issues])
    return Exit.FAILED if has_errors(found) else Exit.DONE


def _explain(code: str) -> int:
    """Say what the documentation says of a code."""
    from flashback.cli import explaining

    known = explaining.explanations(show.language())
    if code not in known:
        near = difflib.get_close_matches(code, known, n=3, cutoff=0.5)
        raise FlashbackError(
            tr("No finding has the code “{code}”.", code=code),
            hint=tr("Perhaps: {list}.", list=", ".join(near))
            if near
            else tr("Take the word behind “error”, “warning” or “hint” in what check prints."),
        )
    told = known[code]
    click.secho(f"{code}  {told.severity}", bold=True)
    click.echo(f"  {told.meaning}")
    click.echo(f"  {told.way_out}")
    return Exit.DONE


def has_errors(found: Sequence[Finding]) -> bool:
    """Whether an issue must not be sent as it is."""
    return any(finding.severity is Severity.ERROR for finding in found)


def _as_object(finding: Finding) -> dict[str, object]:
    return {
        "file": finding.file,
        "line": finding.line,
        "severity": finding.severity.value,
        "code": finding.code,
        "sentence": finding.sentence.in_language(finding.staff_language),
        "remedy": finding.remedy.in_language(finding.staff_language),
    }


def _sum_up(found: Sequence[Finding], languages: Sequence[str]) -> None:
    errors = sum(finding.severity is Severity.ERROR for finding in found)
    others = len(found) - errors
    if not found:
        show.say(tr("Nothing to mend in {list}.", list=", ".join(languages)), fg="green")
    else:
        show.say(tr("{errors} to mend, {others} to consider.", errors=errors, others=others))


@command(name="compose", example="flashback compose issues/35 -o out")
@_issue
@option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    help=mark("Folder to write to (default: out)."),
)
@click.pass_obj
def compose(folder: str, issue: str | None, output: Path) -> int:
    """Write .html, .txt and .eml of every edition, filled in for an invented reader."""
    workspace = Workspace.at(Path(folder))
    readings = desk.read(workspace, desk.issue_path(workspace, issue))
    found = [finding for reading in readings for finding in reading.findings]
    show.findings(found, err=True)
    if has_errors(found):
        show.say(tr("Mend the errors first; nothing was written."), err=True, fg="red")
        return Exit.FAILED
    for path in desk.write_editions(workspace, [r.issue for r in readings if r.issue], output):
        click.echo(f"  {path}  {path.stat().st_size / 1000:.1f} kB")
    return Exit.DONE
