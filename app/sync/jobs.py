"""Which jobs this version runs: each is the module of its name."""

from collections.abc import Iterable
from importlib import import_module

from app.job_kinds import JOB_KINDS
from app.sync.engine import JobFunction


def job_functions(jobs: Iterable[str]) -> dict[str, JobFunction]:
    """Return each job's `run`, found in the module of its name; raises ImportError."""
    return {job: import_module(f"app.sync.{job}").run for job in jobs}


JOB_FUNCTIONS = job_functions(JOB_KINDS)
