"""Base64 as it stands in messages."""

from binascii import Error

from pybase64 import b64decode, b64encode_as_string

from payments.messages.reader import malformed


def write_base64(data: bytes) -> str:
    """With padding, without line breaks."""
    return b64encode_as_string(data)


def read_base64(text: str, pointer: str) -> bytes:
    """Strict base64; the line breaks that some senders put in are allowed.

    Raises:
        RequestError: ``malformed``.
    """
    try:
        return b64decode(text, validate=True)
    except (Error, ValueError):
        if any(map(str.isspace, text)):
            return read_base64("".join(text.split()), pointer)
        raise malformed("not base64", pointer) from None
