"""Clips: what a page on the web says of itself, for an article that quotes it.

``fetching`` is the room's only door to the web; ``metadata`` and ``canonical`` are pure. The body
of a page is never taken: the editor chooses the quotation.
"""

from flashback.clips.canonical import key_of, readable, settled, trace_of, without_tracking
from flashback.clips.fetching import Web, fetch
from flashback.clips.metadata import clip_of, is_html
from flashback.clips.probing import probe, probe_all
from flashback.clips.target import Target
from flashback.clips.values import Clip, Page

__all__ = [
    "Clip",
    "Page",
    "Target",
    "Web",
    "clip_of",
    "fetch",
    "is_html",
    "key_of",
    "probe",
    "probe_all",
    "readable",
    "settled",
    "trace_of",
    "without_tracking",
]
