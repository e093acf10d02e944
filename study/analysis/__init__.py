"""Statistics of a study: `analyse` for the answers of people, `analyse_counts` for published counts of items.

Each module is one question: who is analysed (exclusions), how often were they right (accuracy), were models told apart
(comparison), do the intervals hold what they promise (simulation).
"""

from study.analysis.analyse import analyse
from study.analysis.counts import analyse_counts, published_counts, read_counts
from study.analysis.report import Report, write_report

__all__ = ["Report", "analyse", "analyse_counts", "published_counts", "read_counts", "write_report"]
