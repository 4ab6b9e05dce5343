"""溯源: from a payment back to its budget and on to the books; from an indicator to every fen."""
