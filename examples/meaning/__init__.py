"""Events that explain themselves: a workflow's story, a life's state, a price's history."""
