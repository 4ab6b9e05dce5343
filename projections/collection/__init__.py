"""数据采集: rows of the standard tables sent upward, as snapshot and increments, and taken in.

The rows are those of an export (``projections.exchange``); a file is guoku's format and none of the
ministry's. What follows here is their conversion at the border, and nothing of the books.
"""
