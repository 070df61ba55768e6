"""Numbers that nobody wrote: drawn from fonts, or put together from single handwritten digits, by a seeded plan."""
