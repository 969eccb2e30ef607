"""dotsync: keeps people, lists and mappings in Postgres in step with Dotdigital."""
