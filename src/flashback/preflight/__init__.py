"""The last look before sending: at the edition as readers will get it, beside what was written.

``issues`` says what is wrong with a file; this room says what came of it. Pure: an issue and its
edition go in, findings come out. Whether that stops a mailing is for others to say.
"""

from flashback.preflight.look import look

__all__ = ["look"]
