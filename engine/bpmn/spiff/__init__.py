"""The only place that knows SpiffWorkflow. Everything else speaks of cases, tasks, timers and effects."""
