"""People to try the service with; made up, the same each time."""
