"""
Pure: what a bill, a correction or a late fee would be: one document in, its lines out, by the kernels that bill.

    answer = preview(document, Published(tariffs, window_sets, late_fee_terms))

A document has `customer`, `tariff_ref` or `tariff_inline`, `period`, `inputs` and `options`; its schema is
`docs/rating-preview.schema.json`. Numbers are decimal texts. What no rule reads is refused by name, and so is what a
rule misses: nothing is ever priced at zero instead. A kind of request is an entry of `KINDS`.
"""

from cis.previews.requests import KINDS, Published, preview

__all__ = ["KINDS", "Published", "preview"]
