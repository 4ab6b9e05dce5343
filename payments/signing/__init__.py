"""Signing 签章: who signs what with which key, and how a signature is judged.

``service`` is asked by every way in; the private keys are used nowhere else.
"""
