"""Our workflow classes against SpiffWorkflow as it comes: same walks, states and data, but for its known faults."""
