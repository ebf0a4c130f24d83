"""A graph of equal terms that can say why two of them are equal.

Congruence closure with a proof forest: Nieuwenhuis and Oliveras, Proof-Producing Congruence Closure (RTA
2005). Vertices of the forest are terms as they stand; an edge is a reason why two of them are equal, or none
where they are the same operation on equal operands, whose reasons are older.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from vjpgen.expr import Expr, again, walk

R = TypeVar("R")
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Step(Generic[R]):
    """One term made of another.

    Attributes:
        reason: why the changed part equals what it was.
        forward: whether the reason was given in this direction.
        place: the operands that lead to the changed part, from the outside in.
        before, after: that part.
        term: the whole after the step.
    """

    reason: R
    forward: bool
    place: tuple[int, ...]
    before: Expr
    after: Expr
    term: Expr


class TooLong(Exception):
    """An explanation has more steps than it may have."""


class Congruence(Generic[R]):
    """Terms, which of them are equal, and why.

    Classes go by one of their terms, `find` says which. `least` is the smallest term of each.
    """

    def __init__(self) -> None:
        self.least: dict[Expr, Expr] = {}
        self._above: dict[Expr, Expr] = {}
        self._nodes: dict[Expr, dict[str, list[Expr]]] = {}  # by class and operation, one of each key
        self._users: dict[Expr, list[Expr]] = {}
        self._known: dict[Key, Expr] = {}
        self._edge: dict[Expr, tuple[Expr, R | None, bool]] = {}
        self._keys: dict[Expr, Key] = {}  # of each term, as it stands in `_known`
        self._waiting: list[Expr] = []
        self._merged = 0
        self._current: dict[tuple[Expr, str], int] = {}  # how many merges a list of nodes has seen

    def __len__(self) -> int:
        """How many operations on classes there are."""
        return len(self._known)

    def __contains__(self, e: Expr) -> bool:
        return e in self._above

    def find(self, e: Expr) -> Expr:
        """The term that its class goes by."""
        root = e
        while (above := self._above[root]) is not root:
            root = above
        while (above := self._above[e]) is not root:
            self._above[e], e = root, above
        return root

    def equal(self, a: Expr, b: Expr) -> bool:
        """Whether two terms that were added are known to be equal."""
        return self.find(a) is self.find(b)

    def add(self, e: Expr) -> None:
        """Adds a term and all its parts."""
        for x in walk(e):
            if x not in self._above:
                self._insert(x)
        self._rebuild()

    def merge(self, a: Expr, b: Expr, reason: R) -> None:
        """Makes two terms equal, and all that follows from it."""
        self.add(a)
        self.add(b)
        self._unite(a, b, reason)
        self._rebuild()

    def classes(self, op: str) -> tuple[Expr, ...]:
        """The classes in which there is such an operation, in the order in which they were made."""
        return tuple(root for root, nodes in self._nodes.items() if op in nodes)

    def nodes(self, root: Expr, op: str) -> list[Expr]:
        """The terms of a class with such an operation, one for each choice of operands' classes."""
        found = self._nodes[root].get(op, [])
        if len(found) > 1 and self._current.get((root, op)) != self._merged:
            found = self._nodes[root][op] = [e for e in found if self._known[self._keys[e]] is e]
            self._current[root, op] = self._merged
        return found

    def lookup(self, e: Expr) -> Expr | None:
        """The class that a term would be in if it were added; None for one of its own."""
        done: dict[Expr, Expr] = {}
        for x in walk(e):
            if x in self._above:
                done[x] = self.find(x)
                continue
            if any(a not in done for a in x.args):
                return None
            same = self._known.get((x.op, x.value, *(done[a] for a in x.args)))
            if same is None:
                return None
            done[x] = self.find(same)
        return done[e]

    def explain(self, a: Expr, b: Expr, most: int) -> list[Step[R]]:
        """How one term becomes another, step by step.

        Args:
            a, b: terms that are equal.
            most: steps at most.

        Raises:
            TooLong: there are more.
        """
        found: list[Step[R]] = []
        for step in self._steps(a, b):
            found.append(step)
            if len(found) > most:
                raise TooLong
        return found

    def _key(self, e: Expr) -> Key:
        return (e.op, e.value, *map(self.find, e.args))

    def _insert(self, e: Expr) -> None:
        self._above[e] = e
        self.least[e] = e
        self._nodes[e] = {}
        self._users[e] = []
        for a in dict.fromkeys(map(self.find, e.args)):
            self._users[a].append(e)
        self._nodes[e] = {e.op: [e]}
        self._enter(e)

    def _unite(self, a: Expr, b: Expr, reason: R | None) -> None:
        one, other = self.find(a), self.find(b)
        if one is other:
            return
        self._join(a, b, reason)
        self._merged += 1
        if len(self._users[one]) + len(self._nodes[one]) > len(self._users[other]) + len(self._nodes[other]):
            one, other = other, one
        self._above[one] = other
        self.least[other] = min(self.least[other], self.least.pop(one), key=lambda e: e.size)
        moved = self._users.pop(one)
        for op, nodes in self._nodes.pop(one).items():
            self._nodes[other].setdefault(op, []).extend(nodes)
        self._users[other].extend(moved)
        self._waiting += moved

    def _rebuild(self) -> None:
        while self._waiting:
            batch, self._waiting = dict.fromkeys(self._waiting), []
            for user in batch:
                old = self._keys[user]
                if self._known.get(old) is user:
                    del self._known[old]
                self._enter(user)

    def _enter(self, e: Expr) -> None:
        """Notes a term by its key, and that it equals the one that has this key already."""
        key = self._keys[e] = self._key(e)
        same = self._known.setdefault(key, e)
        if same is not e:
            self._unite(e, same, None)

    def _join(self, a: Expr, b: Expr, reason: R | None) -> None:
        """An edge from a to b, after turning all edges on the way from a to the root of its tree."""
        at, new = a, (b, reason, True)
        while True:
            old = self._edge.get(at)
            self._edge[at] = new
            if old is None:
                return
            above, why, forward = old
            at, new = above, (at, why, not forward)

    def _way(self, e: Expr) -> list[Expr]:
        way = [e]
        while (edge := self._edge.get(way[-1])) is not None:
            way.append(edge[0])
        return way

    def _steps(self, a: Expr, b: Expr) -> Iterator[Step[R]]:
        if a is b:
            return
        up, down = self._way(a), self._way(b)
        shared = set(up) & set(down)
        first = next(x for x in up if x in shared)
        for x in up[: up.index(first)]:
            yield from self._along(x, *self._edge[x])
        for x in reversed(down[: down.index(first)]):
            to, reason, forward = self._edge[x]
            yield from self._along(to, x, reason, not forward)

    def _along(self, a: Expr, b: Expr, reason: R | None, forward: bool) -> Iterator[Step[R]]:
        if reason is not None:
            yield Step(reason, forward, (), a, b, b)
            return
        args = list(a.args)
        for k, (x, y) in enumerate(zip(a.args, b.args, strict=True)):
            for s in self._steps(x, y):
                args[k] = s.term
                yield Step(s.reason, s.forward, (k, *s.place), s.before, s.after, again(a, args))
