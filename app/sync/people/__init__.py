"""The rooms of send_people: who is due, what each one needs, and how it gets there."""
