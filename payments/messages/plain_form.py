"""A voucher's document written element by element, for messages that are few.

Elements that nobody fills are written empty, because receivers look for them.
"""

from collections.abc import Mapping, Sequence

from payments.messages import gbk


class PlainForm:
    """The elements of a main form and of its details, in order.

    Args:
        main, detail: the elements' names, separated by white space.
    """

    def __init__(self, main: str, detail: str) -> None:
        self.main, self.detail = tuple(main.split()), tuple(detail.split())

    def write(self, main: Mapping[str, str], details: Sequence[Mapping[str, str]]) -> bytes:
        """The inner ``<Voucher>`` document, GBK, with its declaration; byte-deterministic.

        Raises:
            RequestError: ``malformed``, naming the element, for text that GBK cannot carry.
        """
        lines = "".join(f"<Detail>{_elements(self.detail, line)}</Detail>" for line in details)
        listed = f"<DetailList>{lines}</DetailList>"
        text = f"<Voucher>{_elements(self.main, main)}{listed}</Voucher>"
        return gbk.encode_document(gbk.DECLARATION + text)


def _elements(tags: Sequence[str], texts: Mapping[str, str]) -> str:
    assert texts.keys() <= set(tags), "a text without an element"
    return "".join(f"<{tag}>{gbk.escape(texts.get(tag, ''))}</{tag}>" for tag in tags)
