"""The values of the room: a page as it came, and what it says of itself."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The octets of an HTML page."""

    url: str  #: where it was found in the end, redirects followed
    octets: bytes
    charset: str = ""  #: as the server names it; empty when it does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What a page says of itself; empty where it says nothing that can be used.

    Texts are one line in NFC, without controls, and no template's marks.
    """

    headline: str = ""
    outlet: str = ""  #: "Le Matin"; the host when the page does not say
    date: dt.date | None = None  #: of publication, as the outlet's own clock had it
    language: str = ""  #: primary subtag: "fr"
    image: str = ""  #: absolute https URL
    image_alt: str = ""
    description: str = ""  #: for the editor's eyes only
    own: tuple[str, ...] = ()  #: absolute URLs the page calls its own: rel=canonical, og:url
    amp: str = ""  #: absolute URL of its AMP twin
