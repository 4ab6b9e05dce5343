"""A treasury with several clients, while processes are killed, stopped and cut off.

``cards`` is the model: what was asked and answered, what must come of it, and in what the program
and the bank differ from that. It knows no code of the product. ``installation`` runs the processes,
``caller`` asks over HTTP until the answer is known, ``courses`` are what persons do with one
payment, ``breakages`` what goes wrong meanwhile, ``cycles`` puts them together by a seed.
"""
