"""年终结转: what is left of a year's indicators, what the next year takes over, and what lapses.

``carrying`` settles what is left of each indicator, ``receiving`` begins the next year's with it,
``writing_off`` empties the book, ``handing_over`` says that all of it is done.
"""
