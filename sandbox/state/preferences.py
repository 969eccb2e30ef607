"""The marketing preferences of an account: categories, and preferences in them or by themselves."""

from collections.abc import Iterator

from sandbox.state.records import Contact, OptIn, Preference


class Preferences:
    """The tree, two levels deep, by id."""

    def __init__(self, first_id: int) -> None:
        self._next_id = first_id
        self._nodes: dict[int, Preference] = {}

    def __iter__(self) -> Iterator[Preference]:
        return iter(self._nodes.values())

    def find(self, preference_id: int) -> Preference | None:
        """Return the preference or category of this id."""
        return self._nodes.get(preference_id)

    def top_level(self) -> list[Preference]:
        """Return categories and the preferences outside any, by their order."""
        return self.within(0)

    def within(self, category_id: int) -> list[Preference]:
        """Return what stands in a category, by its order."""
        inside = (node for node in self if node.category_id == category_id)
        return sorted(inside, key=lambda node: (node.order, node.id))

    def create(
        self,
        public_name: str,
        now_ms: int,
        *,
        private_name: str | None = None,
        is_preference: bool = True,
        is_public: bool = True,
        category_id: int = 0,
        order: int | None = None,
    ) -> Preference:
        """Make a preference or a category; raises KeyError for a category that isn't one."""
        if category_id and ((parent := self.find(category_id)) is None or parent.is_preference):
            raise KeyError(category_id)
        node = Preference(
            id=self._next_id,
            public_name=public_name,
            private_name=private_name or public_name,
            is_preference=is_preference,
            is_public=is_public,
            category_id=category_id,
            order=len(self.within(category_id)) if order is None else order,
            created_ms=now_ms,
            modified_ms=now_ms,
        )
        self._nodes[node.id] = node
        self._next_id += 1
        return node

    def place(self, node: Preference, place: int) -> None:
        """Put a node at a place among those beside it, from 0 on; the others make room."""
        others = [other for other in self.within(node.category_id) if other is not node]
        others.insert(place, node)
        for order, other in enumerate(others):
            other.order = order

    def delete(self, node: Preference) -> None:
        """Take a preference away, a category with all that stands in it."""
        for inner in self.within(node.id):
            del self._nodes[inner.id]
        del self._nodes[node.id]

    def answer(self, contact: Contact, preference_id: int, now_ms: int, *, opted_in: bool) -> bool:
        """Write down what a contact said to a preference; says whether that is news."""
        answers = contact.preferences
        before = answers.get(preference_id) if answers else None
        if before is not None and before.is_opted_in == opted_in:
            return False
        if answers is None:
            answers = contact.preferences = {}
        answers[preference_id] = OptIn(opted_in, now_ms)
        return True
