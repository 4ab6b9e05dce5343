"""Webhooks 事件推送: what ledgers record is brought to addresses that are registered for it."""
