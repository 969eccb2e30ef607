"""The decisions of the jobs, pure: no database, no network, no clock."""
