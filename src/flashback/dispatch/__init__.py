"""Dispatch: a plan becomes deliveries; each is claimed, built, sent and settled.

``planning``, ``limits``, ``holds``, ``breaker``, ``retry`` and ``verdict`` are pure; ``pace`` draws
tokens; ``worker`` is the loop, with ``supply`` and ``hand``; ``ports`` says what they need of the
world.
"""

from flashback.dispatch.breaker import BreakerRule
from flashback.dispatch.limits import Limits, QuietHours
from flashback.dispatch.line import Line
from flashback.dispatch.log import lines_of
from flashback.dispatch.pace import Pace
from flashback.dispatch.retry import RetryPolicy
from flashback.dispatch.worker import dispatch

__all__ = [
    "BreakerRule",
    "Limits",
    "Line",
    "Pace",
    "QuietHours",
    "RetryPolicy",
    "dispatch",
    "lines_of",
]
