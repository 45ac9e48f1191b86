"""Runs a scenario: the real program as staff run it, against a server that writes everything down.

    make chaos RUNS=200 SEED=1

After every blow and at the end the two books are compared. What is left at the end: everybody has
exactly one copy, was refused with a word, or is named as in doubt.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from chaos.account import OPEN, Tally, Verdict, compared, hurry, states
from chaos.scenario import Blow, Scenario, Strike

from fixtures.newsletters import Newsletter
from fixtures.postgresql import PostgresqlServer
from fixtures.sink import Sink

_ROUNDS: Final = 60  #: times a mailing is resumed in the end before we give up on it

_SETTINGS: Final = """\
[newsletter]
name = "Flash-back"
sender = "flash-back@example.org"
list_id = "flash-back.example.org"
[links]
unsubscribe = "https://news.example.org/unsubscribe/{{token}}"
[relay]
host = "127.0.0.1"
port = {port}
security = "none"
connect_seconds = 5
command_seconds = 10
final_dot_seconds = 10
connections = {connections}
pipelining = {pipelining}
chunking = {chunking}
ahead = {ahead}
messages_per_connection = 40
[sending]
window = {window}
pause_at_share = 1.0
pause_at_least = 1000000
first_retry_minutes = 0.001
longest_retry_hours = 0.0001
[store]
url = "{store}"
"""


class BrokenPromiseError(AssertionError):
    """The books do not agree."""


@dataclass
class Stage:
    """Where scenarios are played: newsletters that are copied, one for each kind of store."""

    folder: Path
    postgresql: PostgresqlServer | None = None
    _models: dict[tuple[str, int], tuple[Path, str]] = field(default_factory=dict)

    def prepared(self, scenario: Scenario, port: int) -> tuple[Newsletter, str]:
        """A newsletter with its readers, ready to send, and the URL of its store."""
        place = self.folder / f"run-{scenario.seed}"
        model, database = self._model(scenario.store, scenario.readers)
        shutil.copytree(model, place)
        url = f"sqlite:///{place}/subscribers/subscribers.db"
        if self.postgresql and scenario.store == "postgresql":
            url = self.postgresql.new_database(template=database)
        text = _settings(scenario, url=url, port=port)
        (place / "flashback.toml").write_text(text, encoding="utf-8")
        return Newsletter(place), url

    def _model(self, store: str, readers: int) -> tuple[Path, str]:
        if (store, readers) not in self._models:
            place = self.folder / f"model-{store}-{readers}"
            url, database = "sqlite:///subscribers/subscribers.db", ""
            if self.postgresql and store == "postgresql":
                url = self.postgresql.new_database()
                database = url.rpartition("/")[2]
            made = Newsletter.made(place, store=url)
            _bring_in(made, readers)
            self._models[store, readers] = place, database
        return self._models[store, readers]


def _settings(scenario: Scenario, *, url: str, port: int) -> str:
    return _SETTINGS.format(
        port=port,
        store=url,
        connections=scenario.connections,
        pipelining=str(scenario.pipelining).lower(),
        chunking=str(scenario.chunking).lower(),
        ahead=scenario.ahead,
        window=scenario.window,
    )


def _bring_in(newsletter: Newsletter, readers: int) -> None:
    """Readers at many providers: one that is told "not now" slows down no others."""
    lines = ["address,language,status,consent"]
    lines += [f"reader{n:03}@d{n % 40}.example.org,fr,confirmed,asked" for n in range(readers)]
    (newsletter.folder / "readers.csv").write_text("\n".join(lines), encoding="utf-8")
    newsletter.run("subscribers", "import", "readers.csv", "--yes", expect=0)


def play(scenario: Scenario, stage: Stage) -> Tally:
    """Play a scenario to its end. Raises BrokenPromiseError."""
    options = ["--delay-ms", str(scenario.delay_ms)]
    options += [f"--cut={step}:{every}" for step, every in scenario.cuts]
    options += [f"--refuse={step}:{every}:{code}" for step, every, code in scenario.refusals]
    with Sink(stage.folder / f"log-{scenario.seed}", options) as sink:
        newsletter, url = stage.prepared(scenario, sink.port)
        run = _Run(scenario, newsletter, url, sink)
        with contextlib.closing(run):
            run.play()
        return run.tally()


@dataclass
class _Run:
    scenario: Scenario
    newsletter: Newsletter
    url: str
    sink: Sink
    kills: int = 0
    server_kills: int = 0
    most: int = 0  #: in doubt by one kill
    resent: int = 0
    refused_again: int = 0  #: second copies that the relay refused
    doubts_before: int = 0
    last: Verdict | None = None
    senders: list["subprocess.Popen[str]"] = field(default_factory=list)

    def play(self) -> None:
        """Blow after blow, then to the end."""
        for number, strike in enumerate(self.scenario.strikes):
            is_open = bool(states(self.url))
            if not is_open and not (number == 0 and self.scenario.from_the_start):
                self._command("send", "35", "--yes", "--limit", "1")
            if not self._has_work():
                break
            self._strike(strike)
            self._hold_books("after a blow")
        self._to_the_end()
        if self.scenario.resend:
            self._resend()

    def close(self) -> None:
        """End whatever still runs."""
        for sender in self.senders:
            if sender.poll() is None:
                sender.kill()
            sender.communicate()

    def tally(self) -> Tally:
        """What there is to add up."""
        assert self.last is not None
        counts = Counter(
            {
                "runs": 1,
                "readers": self.scenario.readers,
                "senders killed": self.kills,
                "servers killed": self.server_kills,
                "lines cut": len(self.sink.cuts()),
                "lost": len(self.last.false) + len(self.last.forgotten),
                "repeated": len(self.last.repeated) - self.resent,
                "resent on request": self.resent,
                "refused a second copy": self.refused_again,
                "in doubt": len(self.last.in_doubt),
                "in doubt and really accepted": self.last.really_accepted,
            }
        )
        most = Counter({self.scenario.width: self.most} if self.scenario.is_calm else {})
        return Tally(counts, most)

    # Blows ------------------------------------------------------------------------------------

    def _strike(self, strike: Strike) -> None:
        # Who survives leaves something for the next blow.
        share = max(1, self.scenario.readers // (1 + len(self.scenario.strikes)))
        senders = [self._start(limit=share if strike.blow is Blow.SERVER else None)]
        if strike.blow is Blow.ONE_OF_TWO:
            senders.append(self._start(limit=share))
        goal = len(self.sink.accepted()) + strike.after
        self._wait(lambda: len(self.sink.accepted()) >= goal, senders)
        time.sleep(strike.seconds)
        if strike.blow is Blow.SERVER:
            self.sink.stop(with_signal=signal.SIGKILL)
            self.server_kills += 1
            time.sleep(0.2)
            self.sink.start()
            self._finish(senders)
            return
        victim, *others = senders
        was_running = victim.poll() is None
        victim.kill()
        self._finish([victim])
        self.kills += was_running
        self._finish(others)
        self._recovered(is_kill=was_running)

    def _recovered(self, *, is_kill: bool) -> None:
        """Let the next sender clear up, and see what the kill has left in doubt."""
        if self._has_work():
            self._command("resume", "--limit", "1")
        now = len(self._hold_books("after recovery").in_doubt)
        if is_kill and self.scenario.is_calm:
            self.most = max(self.most, now - self.doubts_before)
            if now - self.doubts_before > self.scenario.width:
                raise self._broken("one kill left too many in doubt", now - self.doubts_before)
        self.doubts_before = now

    def _to_the_end(self) -> None:
        for _ in range(_ROUNDS):
            if not self._has_work():
                break
            if states(self.url):
                hurry(self.url)
                self._command("resume")
            else:
                self._command("send", "35", "--yes")
        else:
            raise self._broken("the mailing does not end", dict(Counter(states(self.url).values())))
        verdict = self._hold_books("at the end")
        lines = len(self.sink.cuts()) + self.server_kills * 2 * self.scenario.connections
        bound = self.kills * self.scenario.width + lines * self.scenario.per_line
        if len(verdict.in_doubt) > bound:
            raise self._broken("too many in doubt", (len(verdict.in_doubt), bound))

    def _resend(self) -> None:
        """Staff ask: then exactly those are repeated that were in doubt and had been accepted."""
        before = self._hold_books("before resending")
        if not before.in_doubt:
            return
        self._command("resume", "1", "--in-doubt", "resend")
        self.resent = before.really_accepted
        for _ in range(_ROUNDS):
            if not self._has_work():
                break
            hurry(self.url)
            self._command("resume")
        after = compared(states(self.url), self.sink.accepted())
        # The relay may refuse the second copy of one that it had: then we say refused.
        doubted = set(before.in_doubt)
        if not {*after.repeated, *after.forgotten} <= doubted or after.false:
            raise self._broken("resending", after)
        self.resent = len(after.repeated)
        self.refused_again = len(after.forgotten)
        self.last = replace(after, forgotten=())

    # The books ----------------------------------------------------------------------------------

    def _hold_books(self, when: str) -> Verdict:
        ours = states(self.url)
        verdict = compared(ours, self.sink.accepted())
        if ours and len(ours) != self.scenario.readers:
            raise self._broken(f"the account does not add up {when}", len(ours))
        claimed = [box for box, state in ours.items() if state == "claimed"]
        # A dead sender's claims are judged by recovery: until then they say nothing.
        forgotten = set(verdict.forgotten) - set(claimed)
        if verdict.false or forgotten or verdict.repeated:
            raise self._broken(when, (verdict, sorted(forgotten)))
        self.last = verdict
        return verdict

    def _has_work(self) -> bool:
        ours = states(self.url)
        return not ours or any(state in OPEN for state in ours.values())

    def _broken(self, what: str, found: object) -> BrokenPromiseError:
        said = "\n".join(self.said[-6:])
        return BrokenPromiseError(
            f"{self.scenario}\n{what}: {found}\nfolder {self.newsletter.folder}\n{said}"
        )

    # The program ----------------------------------------------------------------------------------

    said: list[str] = field(default_factory=list)  #: the last words of each command

    def _start(self, *, limit: int | None = None) -> "subprocess.Popen[str]":
        command = ["resume", "1"] if states(self.url) else ["send", "35", "--yes"]
        command += ["--limit", str(limit)] if limit else []
        sender = self.newsletter.start(*command)
        self.senders.append(sender)
        return sender

    def _finish(self, senders: list["subprocess.Popen[str]"]) -> None:
        for sender in senders:
            try:
                out, err = sender.communicate(timeout=60)
            except subprocess.TimeoutExpired as error:
                raise self._broken("a sender hangs", sender.args) from error
            self.senders.remove(sender)
            self._heard(sender.returncode, out, err)

    def _command(self, *arguments: str) -> None:
        try:
            done = self.newsletter.run(*arguments)
        except AssertionError as error:
            raise self._broken("a traceback", error) from error
        self._heard(done.returncode, done.stdout, done.stderr)

    def _heard(self, code: int, out: str, err: str) -> None:
        self.said.append(f"[{code}] {out[-300:]} {err[-500:]}")
        if "Traceback" in err:
            raise self._broken("a traceback", err)

    @staticmethod
    def _wait(condition: Callable[[], bool], senders: list["subprocess.Popen[str]"]) -> None:
        end = time.monotonic() + 30
        while not condition() and any(sender.poll() is None for sender in senders):
            if time.monotonic() > end:
                return
            time.sleep(0.002)


@contextlib.contextmanager
def quiet_environment() -> Iterator[None]:
    """Without the coverage of the test suite: a killed process leaves half a file of it."""
    kept = {k: os.environ.pop(k) for k in list(os.environ) if k.startswith("COV")}
    try:
        yield
    finally:
        os.environ.update(kept)
