"""Single requests to a server of this machine that speaks plain HTTP.

httpx makes a TLS context for each, of all authorities that are trusted anywhere: 20 ms of a
processor, which nobody needs here, and some tests ask again until they are answered.
"""

from functools import partial

import httpx

from tests.support.waiting import HANG_S

request = partial(httpx.request, timeout=HANG_S, trust_env=False, verify=False)
get = partial(httpx.get, timeout=HANG_S, trust_env=False, verify=False)
post = partial(httpx.post, timeout=HANG_S, trust_env=False, verify=False)
