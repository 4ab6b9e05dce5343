"""退款: asked of the bank, booked on its signed notice, or held in suspense."""
