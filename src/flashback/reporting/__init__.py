"""Reporting: what is known of a mailing becomes a chart, a page, or metrics. Pure.

``page`` is not loaded here: most commands do without templates.
"""

from flashback.reporting.chart import drawn
from flashback.reporting.figures import Domain, Figures, Reason, reasons_of
from flashback.reporting.metrics import metrics
from flashback.reporting.watch import Watch, Watched

__all__ = ["Domain", "Figures", "Reason", "Watch", "Watched", "drawn", "metrics", "reasons_of"]
