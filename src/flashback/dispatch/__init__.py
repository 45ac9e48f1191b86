"""Dispatch: a plan becomes deliveries; each is claimed, built, sent and settled.

``planning``, ``retry`` and ``verdict`` are pure; ``worker`` is the loop; ``ports`` says what it
needs of the world.
"""

from flashback.dispatch.log import line_of
from flashback.dispatch.planning import plan
from flashback.dispatch.retry import RetryPolicy
from flashback.dispatch.worker import Line, dispatch

__all__ = ["Line", "RetryPolicy", "dispatch", "line_of", "plan"]
