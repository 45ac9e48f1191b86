"""The reader's own pages, for the link at the foot of every mail: request, use-case, page.

``application`` is WSGI (PEP 3333) and runs under any server of that kind; ``listen`` is the one
that ships. https is left to the web server in front: ``docs/unsubscribe.md``.
"""

from flashback.web.application import application
from flashback.web.serving import Server, listen

__all__ = ["Server", "application", "listen"]
