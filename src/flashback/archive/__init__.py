"""The archive on the web: sheets (typeset editions) become a static site, as files by name.

Pure: nothing is read but the templates, nothing is written. The site needs no server of its own;
its search runs in the reader's browser.
"""

from flashback.archive.feeds import FEED_LENGTH
from flashback.archive.paper import paper
from flashback.archive.places import Places, places_of
from flashback.archive.sheets import Entry, Picture, Sheet
from flashback.archive.site import Newsletter, pdf_file, site

__all__ = [
    "FEED_LENGTH",
    "Entry",
    "Newsletter",
    "Picture",
    "Places",
    "Sheet",
    "paper",
    "pdf_file",
    "places_of",
    "site",
]
