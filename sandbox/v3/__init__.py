"""v3 of the API: contacts, imports, deletions, custom identifiers, visits; one module a noun.

reading   JSON to a change      writing, reports   contacts and results to JSON
"""

from sandbox.calls import Operation
from sandbox.v3 import contacts, custom_identifiers, deletions, imports, insight_data, query

OPERATIONS: tuple[Operation, ...] = (
    *query.OPERATIONS,
    *contacts.OPERATIONS,
    *imports.OPERATIONS,
    *deletions.OPERATIONS,
    *custom_identifiers.OPERATIONS,
    *insight_data.OPERATIONS,
)
