"""Collection of a time range of the bucket's data as one table, exact and without repetitions.

The objects of a kind and some symbols are listed (`keys`), read (`reading`), converted to rows
(`rows`), written to text files (`staging`) and combined by DuckDB (`table`).
"""

from core.collect.report import CollectReport, Plan, Problem
from core.collect.request import Request, request_of

__all__ = ["CollectReport", "Plan", "Problem", "Request", "request_of"]
