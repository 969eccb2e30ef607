"""Dotdigital's resources, one file a noun: typed calls over the `Caller`, nothing else."""
