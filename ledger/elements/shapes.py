"""What the text of an element must match in full, where several have the same shape."""

import re

_NO_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
TEXT = re.compile(rf"(?=.*\S)[^{_NO_CONTROL}]+")
AMOUNT = re.compile(r"-?(0|[1-9][0-9]{0,15})\.[0-9]{2}", re.ASCII)
NUMBER = re.compile(rf"(?!\s)[^{_NO_CONTROL}]+(?<!\s)")
# In an address a number is one segment of the path, and these would not survive there.
NAME = re.compile(rf"(?!\s|\.{{1,2}}\Z)[^/{_NO_CONTROL}]+(?<!\s)")
# An account: what a spreadsheet made of one (6.222E+18, #N/A, full-width digits, an apostrophe
# that marked it as text) is none, and whoever is paid there is somebody else or nobody.
ACCOUNT = re.compile("(?=(?:[A-Za-z-]*[0-9]){5})[0-9A-Za-z-]{5,40}", re.ASCII)
ACCOUNT_FORM = "5 to 40 of 0-9, A-Z, a-z and -, at least five of them digits"
YES_NO = re.compile("[12]")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
