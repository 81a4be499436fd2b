"""`Filters` -> which passages may be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rag.filters import NO_FILTERS, Filters
from rag.ranking import Mask
from rag.types import Case


class Masks:
    """Tells which passages pass filters, without asking case by case.

    Cases that filters cannot tell apart, but by their ids, are asked about once.

    Args:
        cases: All cases.
        owners: Of each passage the row of its case.
    """

    def __init__(self, cases: Sequence[Case], owners: NDArray[np.integer]) -> None:
        kinds: dict[tuple[object, ...], int] = {}
        self._kinds = np.empty(len(cases), dtype=np.int64)
        self._samples: list[Case] = []
        for row, case in enumerate(cases):
            kind = (frozenset(d.name for d in case.districts), case.collection, case.year)
            self._kinds[row] = kinds.setdefault(kind, len(kinds))
            if len(kinds) > len(self._samples):
                self._samples.append(case)
        self._rows = {case.case_id: row for row, case in enumerate(cases)}
        texts = [self._rows.get(c.duplicate_of or c.case_id, r) for r, c in enumerate(cases)]
        self._texts = np.array(texts, dtype=np.int64)
        self._owners = owners
        self._every = self._of(NO_FILTERS)

    def of(self, filters: Filters = NO_FILTERS) -> Mask:
        """Allow the passages of cases that pass; of equal cases only the first that does."""
        return self._every if filters == NO_FILTERS else self._of(filters)

    def _of(self, filters: Filters) -> Mask:
        general = replace(filters, case_ids=())
        passing = np.array([general.allow(case) for case in self._samples], dtype=bool)
        allowed = np.asarray(passing[self._kinds])
        if filters.case_ids:
            chosen = np.zeros(len(allowed), dtype=bool)
            chosen[[self._rows[one] for one in filters.case_ids if one in self._rows]] = True
            allowed &= chosen
        rows = np.flatnonzero(allowed)
        _, first = np.unique(self._texts[rows], return_index=True)
        once = np.zeros(len(allowed), dtype=bool)
        once[rows[first]] = True
        return np.asarray(once[self._owners])
