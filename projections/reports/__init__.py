"""报表: tables of the budget, of indicators and of projects, as of any moment, row by row."""
