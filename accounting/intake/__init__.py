"""报文: what the central bank sends about the treasury's accounts, read, judged and verified."""
