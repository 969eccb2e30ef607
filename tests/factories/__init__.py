"""Functions that put things into a place and return what stands there; one file a noun."""
