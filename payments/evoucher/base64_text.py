"""Base64 as it stands in messages."""

import binascii

from payments.evoucher.reader import malformed


def write_base64(data: bytes) -> str:
    """With padding, without line breaks."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def read_base64(text: str, pointer: str) -> bytes:
    """Strict base64; the line breaks that some senders put in are allowed.

    Raises:
        RequestError: ``malformed``.
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        if any(map(str.isspace, text)):
            return read_base64("".join(text.split()), pointer)
        raise malformed("not base64", pointer) from None
