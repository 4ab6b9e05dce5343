"""A province's year: several divisions' ledgers from the first indicator to closed books."""
