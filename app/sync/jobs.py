"""Which jobs this version runs, by name."""

from app.sync import (
    match_activities,
    monitor_imports,
    retrieve_activities,
    retrieve_people,
    send_lists,
    send_people,
)
from app.sync.engine import JobFunction

JOB_FUNCTIONS: dict[str, JobFunction] = {
    "send_people": send_people.run,
    "retrieve_people": retrieve_people.run,
    "retrieve_activities": retrieve_activities.run,
    "match_activities": match_activities.run,
    "send_lists": send_lists.run,
    "monitor_imports": monitor_imports.run,
}
