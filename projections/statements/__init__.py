"""报表 from the read models: a table's figures as of a moment, and the journals under a cell."""
