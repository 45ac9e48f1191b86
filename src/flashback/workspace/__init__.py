"""A newsletter's folder at work: the only place that knows all rooms.

``parts`` builds them and hands them out; ``desk``, ``book`` and ``mailroom`` are what staff do with
them, as functions of a workspace; ``line`` sends, with ``logbook`` and ``seal`` beside it;
``doubts`` and ``reports`` say what became of it. Rooms are loaded when they are needed, so that
``subscribers list`` never pays for MJML, nor ``compose`` for SQL.
"""

from flashback.workspace.parts import Workspace

__all__ = ["Workspace"]
