"""A stand-in Dotdigital, for the demo, tests and benchmarks: the vendor's wire, state in memory.

It knows nothing of the service, and the service nothing of it. Run it with ``python -m sandbox``;
tests use `sandbox.server.running_sandbox`.

    server     sockets, three ports for three regions     app    puts the parts together
    wire       a call's way past faults, credentials, region and limits to its handler
    faults     what goes wrong when told, `fault_answers` what it does to an answer
    calls      what a handler is given, and what a table of operations is made of
    v2, v3     the two APIs, on `state`, where the rules are
    control    moving the world from outside, in process or under ``/_sandbox``
    inferred   every behaviour that no document states
"""
