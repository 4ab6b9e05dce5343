"""``guoku demo``: the main job, shown through the public API with real processes."""
