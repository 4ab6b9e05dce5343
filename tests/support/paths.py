"""Where the tests find what is not Python: the checkout, and what is kept for ever."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
