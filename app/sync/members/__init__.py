"""The rooms of send_lists: lists and their twins, and members on their way."""
