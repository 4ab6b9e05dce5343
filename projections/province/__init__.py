"""全省查询: what is asked of many divisions at once, and what of it a caller sees.

It is read through the tables ``province_…`` alone, on which the database itself holds each caller
to his divisions and units (``sight``), whatever a query here says.
"""
