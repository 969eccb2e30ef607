"""A stand-in Dotdigital, for the demo, tests and benchmarks: the vendor's wire, state in memory.

It knows nothing of the service, and the service nothing of it.
"""
