"""Which jobs this version runs, by name."""

from app.sync import monitor_imports, retrieve_people, send_lists, send_people
from app.sync.engine import JobFunction

JOB_FUNCTIONS: dict[str, JobFunction] = {
    "send_people": send_people.run,
    "retrieve_people": retrieve_people.run,
    "send_lists": send_lists.run,
    "monitor_imports": monitor_imports.run,
}
