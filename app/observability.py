"""Logs and metrics: how the log looks, and every metric's name and labels in one place."""

import logging
import sys

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
#: Members of an event that are never written, whoever logs them.
_SECRET = frozenset({"password", "authorization", "token", "key", "credentials"})


def configure_logging(log_format: str, level: str) -> None:
    """Set the process's log up, once: a line an event, as JSON or for people to read."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _drop_secrets,
    ]
    # No tracebacks with local variables: a password may be one.
    if log_format == "json":
        transform = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        shared += [
            structlog.processors.ExceptionRenderer(transform),
            structlog.processors.JSONRenderer(),
        ]
    else:
        shared.append(
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        )
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries speak through the standard log; their chatter below a warning is not ours.
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    # It warns of each tick that finds the one before still at it, which is as it should be.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def _drop_secrets(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for name in _SECRET & event.keys():
        event[name] = "***"
    return event


class Metrics:
    """The service's metrics, in a registry of their own."""

    def __init__(self) -> None:
        """Declare them all."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "dotsync_http_requests",
            "Requests answered, by route template.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "dotsync_http_request_seconds",
            "Seconds until a request was answered.",
            ["method", "route"],
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
            registry=self.registry,
        )
        #: The two above with their labels, since finding those takes longer than counting.
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.dotdigital_calls = Counter(
            "dotsync_dotdigital_calls",
            "Calls made to Dotdigital, each attempt counted.",
            ["account", "scope", "call", "status"],
            registry=self.registry,
        )
        self.dotdigital_seconds = Histogram(
            "dotsync_dotdigital_call_seconds",
            "Seconds that calls to Dotdigital took.",
            ["call"],
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 121),
            registry=self.registry,
        )
        self.runs = Counter(
            "dotsync_runs", "Runs that ended, by how.", ["job", "status"], registry=self.registry
        )
        self.due_people = Gauge(
            "dotsync_due_people",
            "People due to be looked at, by account.",
            ["account"],
            registry=self.registry,
        )
        self.open_failures = Gauge(
            "dotsync_open_failures",
            "Records that could not be synced, by account and job.",
            ["account", "job"],
            registry=self.registry,
        )
        self.overdue_jobs = Gauge(
            "dotsync_overdue_jobs",
            "Enabled jobs that should have run by now.",
            ["account"],
            registry=self.registry,
        )

    def count_request(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count a request that was answered, by its route template."""
        kind = (method, route, status)
        if kind not in self._answered:
            self._answered[kind] = (
                self.requests.labels(method, route, str(status)),
                self.request_seconds.labels(method, route),
            )
        requests, seconds = self._answered[kind]
        requests.inc()
        seconds.observe(took_s)

    def exposition(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        return generate_latest(self.registry)
