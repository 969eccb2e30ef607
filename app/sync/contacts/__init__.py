"""The rooms of retrieve_people: what is read in Dotdigital, and what it is news of."""
