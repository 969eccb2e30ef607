"""The rooms of retrieve_activities and match_activities."""
